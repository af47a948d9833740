"""One open movie: its tracks, what is selected, what is shown and how it is coloured."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.paths import is_one_name
from btrackmate.io.run_folder import TRACKS, find_run_folder
from btrackmate.io.track_formats import describe_losses, find_format, name_outputs
from btrackmate.io.unsaved_edits import describe_corrections
from btrackmate.napari_plugin.model.adding import measure_label
from btrackmate.napari_plugin.model.lineage import TreeLayout, lay_out
from btrackmate.napari_plugin.model.opening import with_movie
from btrackmate.napari_plugin.model.saving import check_saving
from btrackmate.napari_plugin.model.state import State
from btrackmate.review import EditSession, write_copy

if TYPE_CHECKING:
    from btrackmate.io.images import Role
    from btrackmate.review import Change

#: Spots that a tree shows at most; more columns than that tell nobody anything.
MOST_IN_TREE = 100_000


class Session(State):
    """The state behind all widgets of one open movie, and all that a person does with it."""

    # -- selecting -----------------------------------------------------------------------------

    def select(self, spot: int | None, *, go: bool = False, second: bool = False) -> None:
        """Select a spot and its track.

        Parameters
        ----------
        spot : int or None
            None deselects.
        go : bool
            Look at it.
        second : bool
            Keep the one that was selected as the other of two.

        Raises
        ------
        UserError
            If there is no such spot.
        """
        self.other = self.spot if second and spot != self.spot else None
        if spot is None:
            self.spot, self.tracks = None, ()
        else:
            both = [spot] if self.other is None else [spot, self.other]
            tracks = dict.fromkeys(self.now.track(one) for one in both)
            self.spot, self.tracks = spot, tuple(one for one in tracks if one >= 0)
        self._tell_selected()
        if go and spot is not None:
            self.look()

    def select_tracks(self, tracks: tuple[int, ...], *, go: bool = False) -> None:
        """Select tracks; the spot becomes the first of the first of them."""
        self.tracks, self.other = tuple(tracks), None
        if not tracks:
            self.spot = None
        elif self.spot is None or self.now.track(self.spot) not in tracks:
            self.spot = int(self.now.spots_of(tracks[0])[0])
        self._tell_selected()
        if go and self.spot is not None:
            self.look()

    def look(self) -> None:
        """Go to the frame and the place of the selected spot."""
        if self.spot is not None:
            row = self.scene.row(self.spot)
            self.moved.emit(int(self.scene.frame[row]), self.scene.points[row])

    def step(self, where: str) -> None:
        """Select a relative of the selected spot and go there.

        Parameters
        ----------
        where : {"parent", "child", "sister"}
            With several, the next one in turn (sisters) or the one with the lowest id.
        """
        if self.spot is None:
            self.told.emit("Select a cell first: click on it")
            return
        found = {
            "parent": self.now.parents,
            "child": self.now.children,
            "sister": self.now.sisters,
        }[where](self.spot)
        if not found:
            self.told.emit(f"Spot {self.spot} has no {where}")
            return
        later = [one for one in found if one > self.spot]
        self.select(later[0] if where == "sister" and later else found[0], go=True)

    def follow(self, frame: int) -> bool:
        """Select the selected cell in another frame, its ancestor or descendant; False if none.

        Back in its own frame it is the cell that was selected there, and not a sister.
        """
        origin, reached = self._origin
        if origin is None or reached != self.spot or origin not in self.now:
            origin = self.spot
        spot = self._descend(origin, frame)
        if spot is None:
            return False
        self._origin = origin, spot
        if spot != self.spot:
            self.spot = spot
            self._tell_selected()
        return True

    def _descend(self, spot: int | None, frame: int) -> int | None:
        """Go along the links from a spot to a frame, by the lowest ids."""
        forward = spot is not None and self.now.frame(spot) < frame
        while spot is not None:
            here = self.now.frame(spot)
            if here == frame:
                return spot
            if (here < frame) != forward:
                return None  # a gap over that frame
            found = self.now.children(spot) if forward else self.now.parents(spot)
            spot = found[0] if found else None
        return None

    def set_following(self, following: bool) -> None:
        """Keep the selected cell in the middle while time runs, or stop it."""
        self.following = following
        self.look()

    def next_track(self, by: int) -> None:
        """Select the next (1) or previous (−1) track of the table and go there."""
        order = self.table.order
        if not order.size:
            return
        current = self.tracks[0] if self.tracks else None
        place = np.flatnonzero(order == current)
        at = (int(place[0]) + by) % order.size if place.size else 0
        self.spot = None
        self.select_tracks((int(order[at]),), go=True)

    def _tell_selected(self) -> None:
        self.selected.emit()
        if self.only_selected:
            self.shown.emit()

    # -- trees ---------------------------------------------------------------------------------

    def tree(self) -> TreeLayout:
        """Lay out the lineage of the selected tracks; without a selection, of those in the table.

        Of many tracks the first of the table are laid out, up to `MOST_IN_TREE` spots.
        """
        scene = self.scene
        tracks = np.array(self.tracks or self.table.first(MOST_IN_TREE), np.int64)
        rows = scene.rows_of(tracks)
        return lay_out(rows, scene.frame[rows], *scene.links_of(rows))

    # -- editing -------------------------------------------------------------------------------

    def do(self, operation: str, **arguments: Any) -> None:
        """Make an edit; see :data:`btrackmate.review.OPERATIONS`.

        Raises
        ------
        UserError
            If it may not be made; nothing has changed then.
        """
        self._take(self._edit.do(operation, **arguments))

    def add_here(self) -> None:
        """Add a spot under the mouse: from the label there, else a ball of the usual radius.

        Raises
        ------
        UserError
            If the mouse is not over the movie, or the label has a spot already.
        """
        at = self.pointer()
        if at is None:
            msg = "put the mouse over the image, where the cell is, and press the key again"
            raise UserError(msg)
        if at.label and self.opened.labels is not None:
            values = measure_label(self.opened, at.frame, at.label)
            self.do("add_spot", frame=at.frame, label=at.label, **values)
        else:
            xyz = tuple(float(one) for one in at.point[::-1])
            self.do("add_spot", frame=at.frame, position=xyz, radius=self.radius)
        self.select(self.history.done[-1].added_spots[0].id)

    def undo(self) -> None:
        """Take the last edit back."""
        if isinstance(self._edit, EditSession) and (note := self._edit.describe_undo()):
            self.told.emit(note)
        self._take(self._edit.undo())

    def redo(self) -> None:
        """Make the edit again that was taken back last."""
        self._take(self._edit.redo())

    def _take(self, change: "Change") -> None:
        """Follow a change everywhere."""
        self.scene.apply(change)
        self._moved |= {move.after.id for move in change.moved}
        self.table.update(self.now, change.tracks)
        if self.spot is not None and self.spot not in self.now:
            self.spot = None
        if self.other is not None and self.other not in self.now:
            self.other = None
        alive = tuple(one for one in self.tracks if one in self.table)
        if self.spot is not None and self.now.track(self.spot) >= 0:
            alive = (self.now.track(self.spot),)
        self.tracks = alive
        self.show_joined(change.tracks)
        self.filter_again()
        self.n_edits += 1
        self.edited.emit(change)
        self.selected.emit()

    @property
    def is_saved(self) -> bool:
        """Whether the file of tracks holds all edits."""
        if isinstance(self._edit, EditSession):
            return self._edit.is_saved
        return not self.history.done

    def save(self) -> Path:
        """Save the tracks to the file that was opened.

        Raises
        ------
        UserError
            If there is none, or another program has changed it.
        """
        if not isinstance(self._edit, EditSession):
            msg = "these tracks cannot be saved in place: take Save as, and a name in .xml or .geff"
            raise UserError(msg)
        path = self._edit.save()
        folder = find_run_folder(path)
        more = ""
        if folder is not None and path.name == TRACKS:
            more = f" and the run's tables of tracks; its report: btrackmate report {folder}"
        self.told.emit(f"Saved {path}{more}")
        return path

    @property
    def n_unkept(self) -> int:
        """Number of corrections that stand in no file, not even in a journal."""
        if isinstance(self._edit, EditSession) or self.history.done == self._kept:
            return 0
        n = self.opened.carried + len(self.history.done)
        return n if self._kept is None else max(n, 1)  # One that was saved may be taken back.

    def check_kept(self) -> None:
        """Refuse to give up corrections that stand in no file.

        Raises
        ------
        UserError
            If there are any.
        """
        if self.n_unkept:
            msg = f"{self.n_unkept} corrections stand in no file and would be gone: take Save as "
            msg += "in Correct first, or undo them"
            raise UserError(msg)

    def save_as(self, path: Path) -> list[Path]:
        """Save the tracks as they are now in another file: .xml, .geff or .csv.

        Of a TrackMate file all that it held passes into another TrackMate file. A file of that
        name is replaced, as the dialog asks; the two tables that are written for a .csv are not.

        Raises
        ------
        UserError
            If the name has another ending, or one that is written stands there already, or belongs
            to the movie.
        """
        edit = self._edit if isinstance(self._edit, EditSession) else None
        if edit is not None and is_one_name(path, edit.path):
            return [edit.save()]
        check_saving(self.opened, path, name_outputs(path))
        if note := describe_corrections(path):
            self.told.emit(note)
        document = self.opened.document or self.opened.base
        graph = self.now.to_graph()
        if lost := describe_losses(path, graph, document):
            self.told.emit(lost)
        if edit is not None and find_format(path).key != "csv":
            return [edit.save(path, overwrite=True)]
        log = f"{len(self.history.done)} corrections in BTrackMate."
        ids = self.now.name_tracks(graph)
        with write_together(overwrite=True):
            written = list(write_copy(path, graph, document, log, self.opened.image, ids))
        self._kept = list(self.history.done)
        return written

    def close(self) -> None:
        """Let others edit the tracks; edits that are kept beside them stay."""
        if isinstance(self._edit, EditSession):
            self._edit.close()

    # -- image and labels ----------------------------------------------------------------------

    def find_movie(self, path: Path, role: "Role") -> None:
        """Take another image or other labels; see :func:`with_movie`.

        Raises
        ------
        UserError
            If it is no image.
        """
        self.opened = with_movie(self.opened, path, role)
        self.found.emit()
