"""What a person may save over: what the dialog asked about, and nothing of the open movie."""

import os
from collections.abc import Sequence
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.outputs import check_outputs
from btrackmate.io.track_formats import name_inputs
from btrackmate.io.unsaved_edits import name_journal
from btrackmate.napari_plugin.model.opening import Opened


def check_saving(opened: Opened | None, asked: Path, outputs: Sequence[Path] = ()) -> None:
    """Refuse to save over what belongs to the open movie, and over what no dialog asked about.

    Parameters
    ----------
    opened : Opened or None
        The movie that is open, if any.
    asked : Path
        The name that a person chose: its file may be replaced, as the dialog asks before.
    outputs : sequence of Path
        What is written, where that is not `asked` itself.

    Raises
    ------
    UserError
        One line.
    """
    written = outputs or (asked,)
    for path in written:
        if path != asked and os.path.lexists(path):
            msg = f"{path} exists already and would be replaced: give another name or folder, or "
            msg += "move it away"
            raise UserError(msg)
    check_outputs(written, _list_inputs(opened) if opened is not None else (), overwrite=True)


def _list_inputs(opened: Opened) -> list[Path]:
    tracks = [path for path in (opened.path, opened.tracks_path) if path is not None]
    movies = [movie.path for movie in (opened.image, opened.labels) if movie is not None]
    return [
        *(one for path in tracks for one in (*name_inputs(path), name_journal(path))),
        *movies,
    ]
