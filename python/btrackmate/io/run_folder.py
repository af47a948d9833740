"""The run folder: the only place that knows the names of its files."""

import os
from collections.abc import Iterable
from pathlib import Path

from btrackmate.core.errors import UserError
from btrackmate.core.outputs import ANALYSIS, check_apart, check_output, check_whole
from btrackmate.core.settings import load_yaml
from btrackmate.core.staging import clear_leftovers
from btrackmate.core.words import flag

#: Written last: a folder that has it is a finished run.
RECORD = "run.yaml"
#: What it may name among the inputs that is read anew with the run.
_MOVIES = ("image", "labels", "mask")
#: Hidden folder of a run that is not finished.
WORK = ".work"
LABELS = "labels.ome.zarr"
SPOTS = "spots.csv"
TRACKS = "tracks.xml"
TRACKS_GEFF = "tracks.geff"
#: The spots with track, tracklet, parent and generation.
TRACKED_SPOTS = "tracked_spots.csv"
#: One row a track.
TRACK_FEATURES = "track_features.csv"
PRUNED = "pruned.csv"
DROPPED = "dropped.csv"
#: Corrections that were made again on the tracks, and those that did not fit.
EDITS = "edits.csv"
SCORES = "scores.json"
REPORT = "report.html"
#: Of a folder of analysis: the folder of its pictures; each table is a .csv of its name.
FIGURES = "figures"
LOG = "log.txt"
#: All that a run writes; the record last.
FILES = (
    LABELS,
    SPOTS,
    TRACKS,
    TRACKS_GEFF,
    TRACKED_SPOTS,
    TRACK_FEATURES,
    PRUNED,
    DROPPED,
    EDITS,
    SCORES,
    REPORT,
    LOG,
    RECORD,
)


def is_run_folder(path: Path) -> bool:
    """Tell whether a path is the folder of a finished run."""
    return (path / RECORD).is_file()


def find_run_folder(tracks: Path) -> Path | None:
    """Give the run folder whose tracks a file holds; None where it is no run's."""
    folder = tracks.parent
    return folder if tracks.name in (TRACKS, TRACKS_GEFF) and is_run_folder(folder) else None


def name_run_movies(path: Path) -> tuple[Path, ...]:
    """Name the images, labels and mask that a run was made of, which lie elsewhere and are there.

    Of what is no run folder, nor tracks in one, or has no readable record, none.
    """
    folder = path if is_run_folder(path) else find_run_folder(path)
    try:
        inputs = load_yaml(folder / RECORD).get("inputs") if folder is not None else None
    except UserError:  # Whoever reads it says so.
        return ()
    entries = [inputs.get(role) for role in _MOVIES] if isinstance(inputs, dict) else []
    paths = [Path(str(one["path"])) for one in entries if isinstance(one, dict) and "path" in one]
    return tuple(path for path in paths if path.exists())


def list_run_files(folder: Path) -> list[Path]:
    """List the files of a finished run, the report last; not what others put beside them."""
    paths = [path for path in folder.iterdir() if path.name in FILES]
    return sorted(paths, key=lambda path: (path.name == REPORT, path.name))


def list_run_of(path: Path) -> tuple[Path, ...]:
    """List what must stay where a run, or a file of one, is read. Of what is no run's, nothing.

    All of it but report and scores, which are made again.
    """
    if is_run_folder(path):
        folder = path
    elif path.name in FILES and is_run_folder(path.parent):
        folder = path.parent
    else:
        return ()
    return tuple(folder / name for name in FILES if name not in (REPORT, SCORES))


def check_run_folder(folder: Path, inputs: Iterable[Path]) -> None:
    """Refuse a run folder that is a file, cannot be made, or whose files are inputs.

    And one where somebody put something into a graph or into labels.

    What killed processes left in it is cleared.

    Raises
    ------
    UserError
        One line.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder} is a file, expected a folder: give another output"
        raise UserError(msg)
    check_apart([folder / name for name in FILES], inputs)
    check_output(folder, overwrite=True, keeps=True)
    clear_leftovers(folder)
    for name in FILES:
        check_whole(folder / name)


def check_rest(folder: Path, made: Iterable[str]) -> None:
    """Refuse a folder that holds files of a run's names which the run will not make, nor one made.

    They would be taken for the new run's, or taken away with what is left of the old one. And an
    analysis, whose report the run's would replace.

    Parameters
    ----------
    folder : Path
    made : iterable of str
        Names of `FILES` that the run makes.

    Raises
    ------
    UserError
        Names them.
    """
    if (folder / ANALYSIS).is_file() and not is_run_folder(folder):
        msg = f"{folder} is an analysis, whose files would be replaced: give another output"
        raise UserError(msg)
    rest = [name for name in FILES if name not in made and os.path.lexists(folder / name)]
    others = [name for name in rest if not _was_made(folder, name)]
    if others:
        msg = f"{folder} holds {', '.join(others)}, which no run there made, and which would be "
        msg += "taken for this run's: move that away, or give another output"
        raise UserError(msg)


def _was_made(folder: Path, name: str) -> bool:
    """Tell whether the run of a folder made one of the files that not every run makes."""
    try:
        inputs = load_yaml(folder / RECORD).get("inputs") if is_run_folder(folder) else None
    except UserError:  # A damaged record tells nothing.
        return False
    if not isinstance(inputs, dict):
        return False
    if name == LABELS:
        return "image" in inputs and not {"labels", "spots"} & inputs.keys()
    return name != EDITS or "edits" in inputs


def check_unused(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that is no unfinished run of ours.

    Raises
    ------
    UserError
        If it holds a finished run or other files, beside an unfinished run those that it would
        replace, and `overwrite` is false.
    """
    if not folder.exists() or overwrite:
        return
    if is_run_folder(folder):
        msg = f"{folder} holds a finished run: give another output, or {flag('overwrite')}"
        raise UserError(msg)
    unfinished = (folder / WORK).exists()
    others = [name for name in FILES if os.path.lexists(folder / name)]
    if unfinished and others:
        msg = f"{folder} holds {', '.join(others)}, which the unfinished run in it did not write: "
        msg += f"move what is to stay, or {flag('overwrite')}"
        raise UserError(msg)
    if any(folder.iterdir()) and not unfinished:
        msg = f"{folder} is not empty and holds no unfinished run: give another output, or "
        msg += flag("overwrite")
        raise UserError(msg)
