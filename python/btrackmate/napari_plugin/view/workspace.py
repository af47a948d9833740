"""One session in a viewer: its layers, clicks and keys, and the camera that follows."""

import weakref
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Points
from napari.utils.colormaps import CyclicLabelColormap
from napari.utils.notifications import show_info, show_warning
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from btrackmate.io.images import Role
from btrackmate.napari_plugin.model.actions import ACTIONS, run_action
from btrackmate.napari_plugin.model.adding import Pointer
from btrackmate.napari_plugin.model.colours import make_palette
from btrackmate.napari_plugin.model.movies import LazyMovie, PaintedLabels, find_contrast
from btrackmate.napari_plugin.model.opening import Opened, pause_collection
from btrackmate.napari_plugin.model.picking import cut_balls, pick_spot
from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.model.signals import Signal
from btrackmate.napari_plugin.view.links_layer import LinksLayer
from btrackmate.napari_plugin.view.placing import find_camera, place_layer

#: Links that are drawn at once by default: tails are shorter where there are more. A card that
#: draws in software takes 0.08 s for so many.
_LINKS_AT_ONCE = 50_000
_LONGEST_TAIL = 30
#: Spots of a frame up to which each is drawn as a ball of its own.
_MOST_CELLS = 20_000
#: Pixels that the mouse may move in a click.
_CLICK = 4

_open: "weakref.WeakKeyDictionary[Any, Workspace]" = weakref.WeakKeyDictionary()
#: Emitted with the viewer when another session is opened in it.
opened = Signal()


def find_workspace(viewer: Any) -> "Workspace | None":
    """Give what is open in a viewer; None for nothing."""
    return _open.get(getattr(viewer, "__wrapped__", viewer))


def list_opened() -> list[Opened]:
    """List what is open in all viewers."""
    return [one.session.opened for one in _open.values()]


@pause_collection()
def show(viewer: Any, found: Opened) -> "Workspace":
    """Show opened tracks in a viewer, in place of what was open there before.

    Raises
    ------
    UserError
        If that has corrections which stand in no file, nor are carried on.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    before = _open.get(viewer)
    if before is not None and found.carried < before.session.n_unkept:
        before.session.check_kept()
    close(viewer)
    workspace = _open[viewer] = Workspace(viewer, Session(found))
    workspace.let_go = weakref.finalize(viewer, workspace.session.close)
    for note in found.notes:
        show_warning(note)
    opened.emit(viewer)
    return workspace


def close(viewer: Any) -> None:
    """Close what is open in a viewer, if anything is."""
    before = _open.pop(getattr(viewer, "__wrapped__", viewer), None)
    if before is not None:
        before.close()


def leave(viewer: Any) -> None:
    """Close what is open, and let the widgets say so."""
    close(viewer)
    opened.emit(viewer)


class Workspace:
    """A session and the layers that show it.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    session : Session
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        self._viewer = weakref.ref(viewer)
        self.let_go: Any = None
        self.session = session
        self.framed = Signal()  # emitted when another frame is shown
        self.images: list[Image] = []
        self.previews: list[Any] = []  # layers that go with these tracks
        self.labels: Labels | None = None
        self._add_movies(viewer)
        spots = session.opened.graph.spots
        per_frame = max(1, session.scene.source.size // max(spots.n_frames, 1))
        self.links = LinksLayer(
            session,
            name=f"tracks {session.opened.path.name}",
            tail_length=int(np.clip(_LINKS_AT_ONCE // per_frame, 1, _LONGEST_TAIL)),
            tail_width=3,
            blending="translucent",
            **place_layer(spots.calibration, spots.ndim),
        )
        self.cells = self._add_points("cells", border_width=0, visible=self.labels is None)
        self.mark = self._add_points("selected cell", border_width=0.07, face_color="transparent")
        viewer.add_layer(self.links)
        viewer.layers.move(viewer.layers.index(self.links), viewer.layers.index(self.cells))
        viewer.layers.selection.active = self.links
        self._soon = QTimer()
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.draw)
        self._connect(viewer)
        self.draw()

    @property
    def viewer(self) -> Any:
        """The viewer; None when it is closed."""
        return self._viewer()

    @property
    def frame(self) -> int:
        """Frame that is shown."""
        return round(float(self.viewer.dims.point[self._time_axis]) / self._dt)

    @property
    def n_frames(self) -> int:
        """Frames that can be shown; some may hold no cell."""
        return round(float(self.viewer.dims.range[self._time_axis].stop) / self._dt) + 1

    @property
    def _dt(self) -> float:
        """Time between frames: napari's steps are those of the finest layer in the window."""
        return self.session.opened.graph.spots.calibration.dt

    @property
    def _time_axis(self) -> int:
        return int(self.viewer.dims.ndim - 1 - self.session.scene.ndim)

    def close(self) -> None:
        """Take the layers out of the viewer, and let others edit the tracks."""
        self._soon.stop()
        if self.let_go is not None:
            self.let_go.detach()
        self.session.close()
        self.links.disconnect_session()
        viewer = self.viewer
        if viewer is None:
            return
        viewer.layers.events.removed.disconnect(self._on_removed)
        for event in (
            viewer.dims.events.point,
            viewer.dims.events.ndisplay,
            viewer.dims.events.order,
        ):
            event.disconnect(self._on_frame)
        if self._on_click in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._on_click)
        for layer in (*self.previews, *self.images, self.labels, self.links, self.cells, self.mark):
            if layer is not None and layer in viewer.layers:
                viewer.layers.remove(layer)

    # -- layers ----------------------------------------------------------------------------------

    def find_movie(self, path: Path, role: Role) -> None:
        """Show an image, or labels, that the tracks did not find.

        Raises
        ------
        UserError
            If it is no image.
        """
        self.session.find_movie(path, role)
        viewer = self.viewer
        before = len(viewer.layers)
        self._add_movies(viewer)
        for number in range(len(viewer.layers) - before):
            viewer.layers.move(before + number, number)
        viewer.layers.selection.active = self.links
        for note in self.session.opened.notes:
            show_warning(note)

    def _add_movies(self, viewer: Any) -> None:
        """Add the image, a layer a channel, and the labels."""
        found, ndim = self.session.opened, self.session.scene.ndim
        spots = found.graph.spots
        if found.image is not None and not self.images:
            channels = found.image.shape[1]
            for channel in range(channels):
                movie = LazyMovie(found.image, channel, ndim, show_warning)
                name = found.image.path.name + (f" ch {channel + 1}" if channels > 1 else "")
                self.images.append(
                    viewer.add_image(
                        movie,
                        name=name,
                        contrast_limits=find_contrast(movie),
                        colormap="gray" if channels == 1 else ("magenta", "green", "cyan")[
                            channel % 3],
                        blending="translucent" if channel == 0 else "additive",
                        **place_layer(found.image.calibration, ndim, like=spots.calibration),
                    )
                )  # fmt: skip
        if found.labels is not None and self.labels is None:
            painted = PaintedLabels(found.labels, self.session.numbers, ndim, show_warning)
            self.labels = viewer.add_labels(
                painted,
                name="cells by track",
                opacity=0.45,
                colormap=CyclicLabelColormap(np.vstack((np.zeros((1, 4)), make_palette()))),
                **place_layer(found.labels.calibration, ndim, like=spots.calibration),
            )
            self.labels.editable = False

    def _add_points(self, name: str, **options: Any) -> Points:
        """Add a layer for spots of the frame that is shown."""
        spots = self.session.opened.graph.spots
        placing = place_layer(spots.calibration, spots.ndim)
        points = Points(
            ndim=spots.ndim,
            name=name,
            **{key: value[1:] for key, value in placing.items()},
            **options,
        )
        points.editable = False
        self.viewer.add_layer(points)
        return points

    # -- following the session --------------------------------------------------------------------

    def _connect(self, viewer: Any) -> None:
        session = self.session
        viewer.dims.events.point.connect(self._on_frame)
        viewer.dims.events.ndisplay.connect(self._on_frame)
        viewer.dims.events.order.connect(self._on_frame)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.mouse_drag_callbacks.append(self._on_click)
        for action in ACTIONS:
            for key in action.keys:
                viewer.bind_key(
                    key, lambda _, action=action: run_action(session, action), overwrite=True
                )
        session.pointer = self.point_at
        session.selected.connect(self._draw_soon)
        session.edited.connect(self._on_shown)
        session.shown.connect(self._on_shown)
        session.coloured.connect(self._on_shown)
        session.moved.connect(self._on_moved)
        session.told.connect(show_info)

    def _on_removed(self, event: Any) -> None:
        """Close tracks whose layer a person removed, or whose window is closed.

        Corrections that stand in no journal are not thrown away with the layer.
        """
        if event.value is self.links and self.session.opened.edit is not None:
            leave(self.viewer)

    def _on_frame(self, *_: Any) -> None:
        """Draw the spots of another frame; the selection goes with time while it is followed."""
        if self.viewer is None:
            return
        if self.session.following and self.session.follow(self.frame):
            self.centre_on_selected()
        self._draw_soon()
        self.framed.emit()

    def _on_shown(self, *_: Any) -> None:
        self._draw_soon()
        if self.labels is not None:
            self.labels.refresh()

    def _draw_soon(self, *_: Any) -> None:
        """Draw the spots once what is going on has ended, however many things changed."""
        self._soon.start(0)

    def draw(self) -> None:
        """Draw the spots of this frame and the marks of the selected ones."""
        self._soon.stop()
        if self.viewer is not None and self.mark in self.viewer.layers:
            self._draw_cells()
            self._draw_mark()

    def _draw_cells(self, *_: Any) -> None:
        """Draw the spots of this frame as balls; in a slice, as the circles that it cuts."""
        scene, session = self.session.scene, self.session
        rows = scene.rows_in(self.frame, self.frame)
        shown = session.visible_rows()
        rows = rows if shown is None else rows[shown[rows]]
        if not self.cells.visible or rows.size > _MOST_CELLS:
            rows = rows[:0]
        radius = np.full(rows.size, session.radius)
        if "radius" in session.opened.graph.spots.features:
            known = session.values("radius", rows)
            radius = np.where(np.isfinite(known) & (known > 0), known, radius)
        points, size, kept = self._slice(scene.points[rows], radius)
        _set_points(self.cells, points, size=size, face_color=session.colours(rows[kept]))

    def _draw_mark(self) -> None:
        """Mark the selected spots that lie in this frame."""
        scene, session = self.session.scene, self.session
        chosen = [one for one in (session.spot, session.other) if one is not None]
        rows = [row for one in chosen if (row := scene.row(one)) >= 0]
        here = np.array([row for row in rows if scene.frame[row] == self.frame], np.int64)
        radius = np.full(here.size, 1.3 * session.radius)
        points, size, kept = self._slice(scene.points[here], radius)
        colours = {session.spot: (1.0, 1.0, 0.0, 1.0), session.other: (0.0, 1.0, 1.0, 1.0)}
        border = np.array([colours[int(one)] for one in scene.id[here[kept]]]).reshape(-1, 4)
        _set_points(self.mark, points, size=size, border_color=border)

    def _slice(
        self, points: NDArray[np.float64], radius: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Cut balls where the viewer shows a slice; see `cut_balls`, but in voxels."""
        spots = self.session.opened.graph.spots
        spacing = np.array(spots.calibration.spacing(spots.ndim))
        dims, first = self.viewer.dims, self._time_axis + 1
        planes = {axis - first: dims.point[axis] for axis in dims.not_displayed if axis >= first}
        points, radius, kept = cut_balls(points, radius, planes)
        return points / spacing, 2 * radius / spacing[-1], kept

    # -- the mouse and the camera -----------------------------------------------------------------

    def _on_click(self, viewer: Any, event: Any) -> Any:
        """Select the spot under a click that is no drag."""
        if event.button != 1:
            return
        begin, dragged = np.asarray(event.pos), False
        yield
        while event.type == "mouse_move":
            dragged |= bool(np.abs(np.asarray(event.pos) - begin).max() > _CLICK)
            yield
        if dragged:
            return
        spot = self.pick(event.position, event.view_direction, event.dims_displayed)
        second = "Shift" in event.modifiers
        if spot is not None:
            self.session.select(spot, second=second)
        elif not second:
            self.session.select(None)

    def pick(self, position: Any, direction: Any = None, displayed: Any = None) -> int | None:
        """Find the spot that a click at a place of the world means."""
        ndim = self.session.scene.ndim
        point = np.asarray(position, np.float64)[-ndim:]
        line = None
        if direction is not None and displayed is not None and len(displayed) == 3:
            line = np.asarray(direction, np.float64)[-ndim:]
        if line is None:
            label = self.label_at(self.frame, point)
            spots = self.session.now.find_label(self.frame, label) if label else []
            if spots:
                return int(spots[0])
        return pick_spot(
            self.session.scene,
            self.frame,
            point,
            self.session.radius,
            line,
            self.session.visible_rows(),
        )

    def label_at(self, frame: int, point: NDArray[np.float64]) -> int:
        """Give the label, as it is in the file, at a place ([z,] y, x); 0 for none."""
        if self.labels is None:
            return 0
        painted = self.labels.data
        place = self.labels.world_to_data((frame * self._dt, *point))
        where = tuple(round(float(one)) for one in place[1:])
        return painted.labels_at(frame, where) if len(where) == len(painted.shape) - 1 else 0

    def point_at(self) -> Pointer | None:
        """Give where the mouse is."""
        position = np.asarray(self.viewer.cursor.position, np.float64)
        if position.size < 1 + self.session.scene.ndim or self.viewer.dims.ndisplay == 3:
            return None
        point = position[-self.session.scene.ndim :]
        return Pointer(self.frame, point, self.label_at(self.frame, point))

    def go_to(self, frame: int) -> None:
        """Show a frame."""
        if frame != self.frame:
            self.viewer.dims.set_point(self._time_axis, frame * self._dt)

    def centre_on_selected(self) -> None:
        """Look at the selected cell, without going to its frame."""
        spot = self.session.spot
        if spot is not None:
            self._centre(self.session.scene.points[self.session.scene.row(spot)])

    def _on_moved(self, frame: int, point: NDArray[np.float64]) -> None:
        """Go to a frame and look at a place."""
        self.go_to(frame)
        self._centre(point)

    def _centre(self, point: NDArray[np.float64]) -> None:
        if self.session.scene.ndim == 3 and self.viewer.dims.ndisplay == 2:
            self.viewer.dims.set_point(self._time_axis + 1, float(point[0]))
        centre = np.zeros(3)
        centre[3 - len(point) :] = point
        find_camera(self.viewer).center = tuple(centre)


def _set_points(layer: Points, points: NDArray[np.float64], **looks: NDArray[np.floating]) -> None:
    """Give a layer its points and how they look; each takes napari tens of ms, so only changes."""
    if not np.array_equal(layer.data, points):
        layer.data = points
    if len(points):
        for name, values in looks.items():
            if not np.array_equal(getattr(layer, name), values):
                setattr(layer, name, values)
