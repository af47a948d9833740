"""What is asked of outputs before anything is computed: names of their own, places to write in."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path

from btrackmate.core.disk import remove_empty, remove_tree
from btrackmate.core.errors import UserError, describe_fault
from btrackmate.core.interrupts import hold_interrupts
from btrackmate.core.paths import Name, Names, explain_missing
from btrackmate.core.replacing import NEW
from btrackmate.core.staging import clear_leftovers, make_staging
from btrackmate.core.stamps import LOOK_AT_IT, check_seen, stamp_output
from btrackmate.core.table_pairs import find_other
from btrackmate.core.tiff_sets import ENDINGS, list_set
from btrackmate.core.watching import list_files, list_linked
from btrackmate.core.words import flag

#: A folder that holds one of these is one image or graph.
_ZARR_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
#: Names in it: Zarr's own, of chunks and levels; groups and arrays of a graph. Further
#: arrays, groups and files in a Zarr folder, such as raw data or labels that somebody corrected,
#: are not ours to take away.
_IN_ZARR = re.compile(r"zarr\.json|\.z\w+|c[\d.]*|\d[\d.]*")
_IN_GRAPH = re.compile(r"(nodes|edges)(/(ids|props(/[^/]+(/(values|missing|data))?)?))?")
#: Files of which one makes a folder a model, or a movie of the Cell Tracking Challenge, which may
#: be replaced whole; and the names that these hold.
_WHOLE = (
    (
        ("config.json", "model_card.json"),
        re.compile(
            r"config\.json|thresholds\.json|model_card\.(json|md)|training_curve\.(csv|png)"
            r"|weights_\w+\.(weights\.)?h5|TF_SavedModel\.zip|logs"
        ),
    ),
    (
        ("res_track.txt", "man_track.txt"),
        re.compile(r"(res|man)_track\.txt|(mask|man_track)\d+\.tiff?"),
    ),
)
#: What systems put into folders, and what a killed process of ours leaves in them.
OF_SYSTEMS = re.compile(r"\._.*|\.DS_Store|\.nfs.*|\.bt.*|Thumbs\.db|desktop\.ini")
_IS_INPUT = "{} is an input and would be replaced: give another output"
#: Makes a folder that of a run, or of an analysis: its settings and inputs.
_RECORD, ANALYSIS = "run.yaml", "analysis.yaml"
#: Ending of the name of the journal with corrections that lies beside a file of tracks, and stays.
JOURNAL = ".edits.jsonl"
#: Names that a message tells.
_TOLD = 3

#: What stood at the names of outputs when they were looked at last; see `note_outputs`. Each thread
#: has its own, as what another one puts there is that of somebody else.
_noted: ContextVar[dict[Path, str] | None] = ContextVar("noted", default=None)
#: Files that are inputs of all that is written in a block; see `protect`.
_protected: ContextVar[tuple[Path, ...]] = ContextVar("protected", default=())


@contextlib.contextmanager
def protect(paths: Iterable[Path], whole: Iterable[Path] = ()) -> Iterator[None]:
    """Take files for inputs of all outputs that are checked in the block.

    For all that a command line reads, settings too. Folders have rules of their own, as outputs may
    lie in some of them: they are left to the checks of each verb, but those of `whole`.
    """
    files = (path for path in paths if path.is_file())
    token = _protected.set((*_protected.get(), *files, *whole))
    try:
        yield
    finally:
        _protected.reset(token)


def check_output(path: Path, *, overwrite: bool = False, keeps: bool = False) -> None:
    """Refuse an output path that exists already or cannot be written.

    What a killed process left in its folder is cleared before. What stands there is noted: what
    changes afterwards is not replaced (`check_unchanged`).

    Parameters
    ----------
    path : Path
        File or folder that is about to be written.
    overwrite : bool
        Accept an existing one.
    keeps : bool
        What others put into the folder stays there; else one that holds something that we do not
        write is refused, with `overwrite` too.

    Raises
    ------
    UserError
        If `path` exists and `overwrite` is false, it is somebody's folder, or it cannot be made:
        tried, and undone.
    """
    with blame_output(path):
        clear_leftovers(path.absolute().parent)
        if os.path.lexists(path) and not overwrite:
            msg = f"{path} exists already: give another output, or {flag('overwrite')}"
            raise UserError(msg)
        if keeps and path.is_symlink() and not path.exists():
            msg = f"cannot write {path}: it {explain_missing(path, 'folder')}; give another output"
            raise UserError(msg)
        if not keeps:
            check_whole(path)
        check_folder(path)
        _try_folder(path)
        if not keeps:
            note_outputs([path])


def check_whole(path: Path, *, analysis: bool = False) -> None:
    """Refuse to replace a folder that holds what is no part of what may be replaced whole.

    Parameters
    ----------
    path : Path
    analysis : bool
        By an analysis, which replaces only another; else only images, graphs, models and movies of
        the Cell Tracking Challenge are replaced.

    Raises
    ------
    UserError
        Names what would be lost.
    """
    if path.is_dir() and not path.is_symlink():
        check_foreign(path, _list_beside(path) if analysis else _list_foreign(path))


def check_kind(path: Path, new: Path) -> None:
    """Refuse to put a file in the place of a folder, with all that it holds.

    Parameters
    ----------
    path : Path
    new : Path
        What is about to take its place.

    Raises
    ------
    UserError
        One line.
    """
    if path.is_dir() and not path.is_symlink() and new.is_file():
        msg = f"{path} is a folder, where a file is to be written: give another output"
        raise UserError(msg)


def _list_foreign(path: Path) -> list[str]:
    """List what is in a folder but not part of what may be replaced whole."""
    held = sorted(e.name for e in path.iterdir() if not OF_SYSTEMS.fullmatch(e.name))
    if set(held) & set(_ZARR_FILES):
        return sorted(_find_foreign(path))
    for markers, ours in _WHOLE:
        if set(held) & set(markers):
            return [name for name in held if not ours.fullmatch(name)]
    return held


def _find_foreign(image: Path) -> Iterator[str]:
    """Find what lies in a Zarr folder, at any depth, and is no part of an image or a graph."""
    for place, folders, files in os.walk(image):
        at = Path(place).relative_to(image)
        others = {name for name in (*folders, *files) if not _IN_ZARR.fullmatch(name)}
        in_graph = {n for n in others & {*folders} if _IN_GRAPH.fullmatch((at / n).as_posix())}
        others -= in_graph
        folders[:] = [name for name in folders if name not in others]
        yield from ((at / n).as_posix() for n in others if not OF_SYSTEMS.fullmatch(n))


def _list_beside(analysis: Path) -> list[str]:
    """List the files below an analysis that it does not name as its own."""
    from btrackmate.core.settings import load_yaml  # loads much

    record = analysis / ANALYSIS
    named = load_yaml(record).get("files") if record.is_file() else None
    ours = {ANALYSIS, *map(str, named if isinstance(named, list) else ())}
    files = [path for path in analysis.rglob("*") if path.is_symlink() or not path.is_dir()]
    names = [path.relative_to(analysis).as_posix() for path in files]
    return sorted(n for n in names if n not in ours and not OF_SYSTEMS.fullmatch(Path(n).name))


def check_unmade(path: Path, remedy: str) -> None:
    """Refuse to replace what somebody made since the outputs were checked.

    Parameters
    ----------
    path : Path
    remedy : str
        What to do, for the message.
    """
    check_seen(path, "", stamp_output(path, exact=True), remedy)


def note_outputs(paths: Iterable[Path]) -> None:
    """Note what stands at names that are about to be replaced, for `check_unchanged`.

    And the corrections beside it.
    """
    every = [one for path in paths for one in _add_journal(path)]
    found = {path.absolute(): stamp_output(path, exact=True) for path in every}
    _noted.set({**(_noted.get() or {}), **found})


def note_again(folder: Path) -> None:
    """Note anew what stands in a folder, where what a killed process began has been ended."""
    note_outputs([path for path in _noted.get() or () if path.parent == folder.absolute()])


def check_unchanged(path: Path, remedy: str = LOOK_AT_IT) -> None:
    """Refuse to replace what somebody made or changed since the output was checked.

    Or what somebody corrects by now. What was never noted may be replaced, and where nothing stands
    any more nothing is lost.

    Parameters
    ----------
    path : Path
    remedy : str
        What to do, for the message.
    """
    for one in _add_journal(path):
        noted = (_noted.get() or {}).get(one.absolute())
        if noted is not None:
            check_seen(one, noted, stamp_output(one, exact=True), remedy)


def _add_journal(path: Path) -> tuple[Path, ...]:
    """Give a name, and that of corrections beside it."""
    is_journal = path.name.endswith(JOURNAL)
    return (path,) if is_journal else (path, path.with_name(path.name + JOURNAL))


def forget_outputs(paths: Iterable[Path]) -> None:
    """Forget what was noted of names that have been written."""
    written = {one.absolute() for path in paths for one in _add_journal(path)}
    _noted.set({path: was for path, was in (_noted.get() or {}).items() if path not in written})


def check_foreign(path: Path, names: Sequence[str]) -> None:
    """Refuse to replace a folder that holds what we do not write.

    Parameters
    ----------
    path : Path
    names : sequence of str
        What is not ours in it; none is fine.
    """
    if names:
        told = ", ".join(names[:_TOLD]) + (", …" if len(names) > _TOLD else "")
        msg = f"{path} holds {told}, which would be lost: give another output, or move that away"
        raise UserError(msg)


def check_outputs(
    outputs: Iterable[Path | None], inputs: Iterable[Path | None] = (), *, overwrite: bool = False
) -> None:
    """Refuse outputs that are inputs or each other, exist already, or cannot be written.

    Parameters
    ----------
    outputs : iterable of (Path or None)
        Files and folders that are about to be written or replaced; None stands for none.
    inputs : iterable of (Path or None)
        Files and folders that are read. What is read from a folder that is no image or graph
        itself may have outputs beside it.
    overwrite : bool
        Accept existing outputs that are no inputs.

    Raises
    ------
    UserError
        One line, the first fault.
    """
    written = [path for path in outputs if path is not None]
    check_apart(written, inputs)
    check_pairs(written)
    for output in written:
        check_output(output, overwrite=overwrite)


def check_pairs(written: Sequence[Path]) -> None:
    """Refuse to write one of two tables that are read together, and to leave the other.

    Links that stay beside new spots would join cells that they were never made for.
    """
    for output in written:
        other = find_other(output) if output.suffix.lower() == ".csv" else None
        if other is not None and other not in written:
            msg = f"{output} would be read together with {other}, which is of other tracks: "
            msg += "give another output, or move that away"
            raise UserError(msg)


def check_ending(path: Path | None, *endings: str, needed: bool = False) -> None:
    """Refuse a name whose ending says another format than what is written.

    None is fine, and so is a name without an ending, unless it says the format.

    Parameters
    ----------
    path : Path or None
        An output.
    *endings : str
        Those that it may have, in any case.
    needed : bool
        Whether the name must have one of them.
    """
    if path is None or not (path.suffix or needed):
        return
    if not path.name.lower().endswith(endings):
        msg = f"{path}: what is written there is {' or '.join(endings)}; end the name in that"
        raise UserError(msg)


def check_apart(outputs: Iterable[Path | None], inputs: Iterable[Path | None] = ()) -> None:
    """Refuse outputs that are inputs or each other; see `check_outputs`."""
    written = Names()
    for output in outputs:
        if output is None:
            continue
        name = Name.of(output)
        other = written.find_same(name) or written.find_above(name) or written.find_in(name)
        if other is not None:
            msg = f"{other} and {output} are one file, or one lies in the other: give each "
            msg += "output a name of its own"
            raise UserError(msg)
        written.add(name)
    named = [*_protected.get(), *(path for path in inputs if path is not None)]
    for source in (one for path in named for one in (path, *list_set(path))):
        _check_source(written, source)


def _check_source(outputs: Names, source: Path) -> None:
    """Refuse outputs that are a source, or what belongs to it, wherever links in it lead."""
    whole = any((source / name).is_file() for name in _ZARR_FILES)
    linked = list_linked(source) if source.is_dir() else []
    for place in map(Name.of, (source, *linked)):
        if same := outputs.find_same(place):
            raise UserError(_IS_INPUT.format(same))
        if above := outputs.find_above(place):
            msg = f"{place.path}, an input, lies in {above}, which would be replaced: give another "
            msg += "output"
            raise UserError(msg)
        if whole and (inside := outputs.find_in(place)):
            msg = f"{inside} lies in {place.path}, an input: give an output outside it"
            raise UserError(msg)
    if not source.is_dir() or (source / _RECORD).is_file():  # Files of a run are named one by one.
        return
    if outputs.hold(ENDINGS):
        for _, file in list_files(source):
            same = outputs.find_file(file)
            if same is not None and same.name.lower().endswith(ENDINGS):
                raise UserError(_IS_INPUT.format(same))
    frame = outputs.find_beside(Name.of(source.resolve()), ENDINGS)
    if frame and any(one.name.lower().endswith(ENDINGS) for one in source.iterdir()):
        msg = f"{frame} would be one of the frames of {source}, an input: give an output outside it"
        raise UserError(msg)


def check_folder(path: Path) -> None:
    """Refuse an output whose folder, or the lowest one above it that is there, can't take it.

    And one whose name is a device's, a pipe's or a socket's: a file would take its place.
    """
    with blame_output(path):
        if _is_special(path):
            msg = f"cannot write {path}: it is a device, a pipe or a socket, expected a file or "
            msg += "nothing; give another output"
            raise UserError(msg)
        folder = path.absolute().parent
        while not folder.exists() and folder != folder.parent:
            if folder.is_symlink():
                msg = f"cannot write {path}: {folder} {explain_missing(folder, 'folder')}; give "
                msg += "another output"
                raise UserError(msg)
            folder = folder.parent
        if not folder.is_dir():
            msg = f"cannot write {path}: {folder} is a file, expected a folder; give another output"
            raise UserError(msg)
        if not os.access(folder, os.W_OK):
            msg = f"cannot write {path}: no permission in folder {folder}; give another output"
            raise UserError(msg)


def _is_special(path: Path) -> bool:
    """Tell whether a name is a device's, a pipe's or a socket's, a link to one, or one of /dev."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        return True
    return os.path.realpath(path.absolute().parent) == "/dev"


@contextlib.contextmanager
def blame_output(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into one line that names the output."""
    try:
        yield
    except OSError as error:
        msg = f"cannot write {path}: {describe_fault(error)}; give another output"
        raise UserError(msg) from None


def _try_folder(path: Path) -> None:
    """Make an output's folder, and a file of its name in a hidden one; take all away again."""
    missing = [folder for folder in path.absolute().parents if not folder.exists()]
    staging = None
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = make_staging(path.absolute().parent)
        (staging / NEW / path.name).touch()
    finally:
        with hold_interrupts():
            if staging is not None:
                remove_tree(staging)
            for folder in missing:
                remove_empty(folder)  # Not there, or somebody uses it by now.
