"""The one table of track formats: their names, how they are read and written, what they lose.

A new format is a reader, a writer, and a row in `FORMATS`; verbs, help and messages follow.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import check_ending, check_outputs
from btrackmate.core.paths import explain_missing
from btrackmate.core.table_pairs import find_other, names_spots
from btrackmate.core.watching import watch_inputs
from btrackmate.core.words import option
from btrackmate.io.ctc_names import find_ctc_tracks
from btrackmate.io.geff import write_geff
from btrackmate.io.run_folder import TRACKS, is_run_folder, list_run_of
from btrackmate.io.run_tables import warn_of_parted
from btrackmate.io.spots_csv import CsvOptions, read_spots_csv
from btrackmate.io.tracked_table import read_tracked_table
from btrackmate.io.trackmate import (
    Session,
    TrackMateDocument,
    is_simple_xml,
    read_simple_tracks,
    read_trackmate,
    write_trackmate,
)
from btrackmate.io.tracks_csv import read_links_csv, write_links_csv, write_spots_csv
from btrackmate.io.unsaved_edits import warn_of_corrections, warn_of_unsaved

_log = logging.getLogger(__name__)

#: Tracks, and of a TrackMate file also what a graph does not hold.
Tracks = tuple[TrackGraph, TrackMateDocument | None]
Reader = Callable[[Path, Calibration | None, CsvOptions], Tracks]
Writer = Callable[[Path, TrackGraph, TrackMateDocument | None, Session | None], None]


@dataclass(frozen=True)
class TrackFormat:
    """A format of tracks.

    Parameters
    ----------
    key : str
    label : str
        What help and messages call it.
    endings : tuple of str
        Of its names, in lower case; empty for a folder of any name.
    read : callable
        Path → tracks.
    losses : callable
        Lists in words what tracks (and a TrackMate document) have that the format does not hold.
    write : callable or None
        None if tracks alone are not enough to write it.
    outputs, inputs : callable
        The files, or the folder, that tracks of a name are written as, and are read from.
    calibrated : bool
        Whether it holds units, voxel size and time step.
    in_voxels : bool
        Whether its positions are in voxels.
    """

    key: str
    label: str
    endings: tuple[str, ...]
    read: Reader
    losses: Callable[[TrackGraph, TrackMateDocument | None], list[str]]
    write: Writer | None = None
    outputs: Callable[[Path], tuple[Path, ...]] = lambda path: (path,)
    inputs: Callable[[Path], tuple[Path, ...]] = lambda path: (path,)
    calibrated: bool = True
    in_voxels: bool = False

    def has(self, path: Path) -> bool:
        """Tell whether a file is of this format, by its name."""
        return path.name.lower().endswith(self.endings)

    def stem(self, path: Path) -> str:
        """Give a file's name without the format's ending."""
        ending = max((e for e in self.endings if path.name.lower().endswith(e)), key=len)
        return path.name[: -len(ending)]


def csv_names(path: Path) -> tuple[Path, Path]:
    """Name the two tables of tracks ``NAME.csv``: ``NAME.spots.csv`` and ``NAME.links.csv``."""
    stem = path.name.removesuffix(".csv").removesuffix(".spots").removesuffix(".links")
    return path.with_name(f"{stem}.spots.csv"), path.with_name(f"{stem}.links.csv")


def find_csv_pair(path: Path) -> tuple[Path, Path] | None:
    """Find the tables of spots and links that a name stands for; None if there are not two.

    They are called as :func:`csv_names` says or as :func:`btrackmate.core.table_pairs.find_other`.
    """
    ours = csv_names(path)
    if all(one.is_file() for one in ours):
        return ours
    other = find_other(path) if path.is_file() else None
    if other is None:
        return None
    return (path, other) if names_spots(path) else (other, path)


def _list_csv(path: Path) -> tuple[Path, ...]:
    return tuple(dict.fromkeys((path, *(find_csv_pair(path) or csv_names(path)))))


def _read_xml(path: Path, *_: object) -> Tracks:
    if is_simple_xml(path):
        return read_simple_tracks(path), None
    document = read_trackmate(path)
    return document.graph, document


def _read_geff(path: Path, *_: object) -> Tracks:
    from btrackmate.io.geff_reader import read_geff  # loads zarr

    return read_geff(path), None


def _read_table(path: Path, calibration: Calibration | None, options: CsvOptions) -> Tracks:
    return read_tracked_table(path, calibration, options), None


def _read_csv(path: Path, calibration: Calibration | None, options: CsvOptions) -> Tracks:
    pair = find_csv_pair(path)
    if pair is None and path.is_file():
        return _read_table(path, calibration, options)
    if pair is None and path.is_symlink():
        msg = f"{path}: {explain_missing(path)}; give a table of tracks"
        raise UserError(msg)
    if pair is None:
        spots_file, links_file = csv_names(path)
        msg = f"{path}: tracks as CSV are two tables, but {spots_file.name} or {links_file.name} "
        msg += "is not there"
        raise UserError(msg)
    spots_file, links_file = pair
    if path not in pair and path.is_file():
        _settle_name(path, spots_file, links_file)
    _log.info("%s: links from %s", spots_file, links_file.name)
    spots = read_spots_csv(spots_file, calibration, replace(options, tell=False)).spots
    return read_links_csv(links_file, spots), None


def _settle_name(path: Path, spots: Path, links: Path) -> None:
    """Refuse a name that is that of a table of tracks, and stands for two tables beside it too."""
    try:
        read_tracked_table(path)
    except UserError:
        _log.warning(
            "%s: the tracks are read from %s and %s, which this name stands for; the table of this "
            "name holds none", path, spots.name, links.name,
        )  # fmt: skip
        return
    msg = f"{path} holds tracks, and its name stands for {spots.name} and {links.name} beside it "
    msg += f"too: give {spots.name} for these, or move one or the other away"
    raise UserError(msg)


def _read_ctc(path: Path, *_: object) -> Tracks:
    from btrackmate.io.ctc_tracks import read_ctc_tracks  # loads tifffile

    return read_ctc_tracks(path), None


def _write_csv(
    path: Path, graph: TrackGraph, document: TrackMateDocument | None, session: Session | None
) -> None:
    spots_file, links_file = csv_names(path)
    with write_together():
        write_spots_csv(spots_file, graph.spots)
        write_links_csv(links_file, graph)


def _list_text(graph: TrackGraph) -> list[str]:
    table = graph.spots.table
    text = [str(name) for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return [f"text columns of the spots: {', '.join(text)}"] if text else []


def _list_outlines(graph: TrackGraph) -> list[str]:
    n = len(graph.spots.contours)
    return [f"outlines of {n} spots"] if n else []


def _list_length(graph: TrackGraph) -> list[str]:
    """List that a movie goes on after its last cell, which a table does not tell."""
    last, n = int(graph.spots.frame.max(initial=-1)), graph.spots.n_frames
    listed = []
    if n > last + 1:
        listed.append(f"that the movie has {n} frames, of which the last with a cell is {last}")
    if graph.spots.searched:
        first, last = graph.spots.ends
        listed.append(f"that cells were looked for in frames {first} to {last} alone")
    return listed


def _list_document(document: TrackMateDocument | None) -> list[str]:
    """List what only a TrackMate file holds."""
    if document is None:
        return []
    tracks, hidden = document.tracks.n, document.tracks.n - len(document.filtered_tracks)
    names = len(document.spot_names)
    spots = document.graph.spots
    unseen = int((spots.feature("VISIBILITY") == 0).sum()) if "VISIBILITY" in spots.table else 0
    parts = {
        f"names of {names} spots": names,
        f"features and names of {tracks} tracks": tracks,
        "link features other than the cost": document.edges.n,
        f"which {hidden} tracks are hidden": hidden,
        f"that {unseen} spots are hidden (VISIBILITY stays a feature)": unseen,
        "TrackMate's settings, filters, log and display settings": 1,
    }
    return [text for text, count in parts.items() if count > 0]


def _lose_calibration() -> str:
    again = f"{option('voxel_size')} and {option('dt')}"
    return f"calibration and units (give them again with {again})"


def _lose_in_ctc(graph: TrackGraph, document: TrackMateDocument | None) -> list[str]:
    known = {"id", "frame", "time", "x", "y", "z", "label"}
    columns = [str(name) for name in graph.spots.table if str(name) not in known]
    features = [f"features of the spots: {', '.join(columns)}"] if columns else []
    ids = "ids of the spots, costs of the links"
    return [*features, ids, _lose_calibration(), *_list_document(document)]


FORMATS = (
    TrackFormat(
        "xml",
        ".xml or .xml.gz (TrackMate)",
        (".xml", ".xml.gz"),
        _read_xml,
        lambda graph, _: _list_text(graph),
        write_trackmate,
    ),
    TrackFormat(
        "geff",
        ".geff",
        (".geff",),
        _read_geff,
        lambda graph, document: [
            *_list_text(graph), *_list_outlines(graph), *_list_document(document)
        ],
        lambda path, graph, _document, session: write_geff(
            path, graph, None if session is None else session.track_ids
        ),
    ),
    TrackFormat(
        "csv",
        ".csv",
        (".csv",),
        _read_csv,
        lambda graph, document: [
            *_list_outlines(graph), *_list_length(graph), _lose_calibration(),
            *_list_document(document),
        ],
        _write_csv,
        csv_names,
        _list_csv,
        calibrated=False,
    ),
    TrackFormat(
        "table",
        ".tsv or .txt (a table with track ids)",
        (".tsv", ".txt", ".csv.gz"),
        _read_table,
        lambda _graph, _document: [],
        calibrated=False,
    ),
    TrackFormat(
        "ctc",
        "a folder of the Cell Tracking Challenge",
        (),
        _read_ctc,
        _lose_in_ctc,
        calibrated=False,
        in_voxels=True,
    ),
)  # fmt: skip
CTC = FORMATS[-1]
#: Endings of names of tracks that hold their calibration, and of tables, which don't.
TRACK_ENDINGS = tuple(end for one in FORMATS if one.calibrated for end in one.endings)
TABLE_ENDINGS = tuple(end for one in FORMATS if not one.calibrated for end in one.endings)


def is_table_name(path: Path) -> bool:
    """Tell by its name whether tracks are a table, which does not hold their calibration."""
    return path.name.lower().endswith(TABLE_ENDINGS)


#: What is written where a name is given, in words.
WRITTEN = ", ".join(one.label for one in FORMATS if one.write is not None)


def name_format(path: Path) -> TrackFormat | None:
    """Give the format that a name's ending says, None where it says none."""
    return next((one for one in FORMATS if one.endings and one.has(path)), None)


def is_ctc(path: Path) -> bool:
    """Tell whether a path is a folder with tracks of the Cell Tracking Challenge."""
    return find_ctc_tracks(path) is not None


def find_source_format(path: Path) -> TrackFormat | None:
    """Give the format that a path is read in: by its name, or as a Challenge folder, or None."""
    return name_format(path) or (CTC if path.is_dir() else None)


def is_tracks(path: Path) -> bool:
    """Tell whether a path is tracks, and no run folder: by its name, or as a Challenge folder."""
    return name_format(path) is not None or is_ctc(path)


def find_format(path: Path) -> TrackFormat:
    """Give the format that tracks are written in, by the name.

    Raises
    ------
    UserError
        If the name has another ending.
    """
    found = name_format(path)
    if found is None or found.write is None:
        msg = f"{path}: not a name of a track file; expected {WRITTEN}"
        raise UserError(msg)
    return found


def name_outputs(path: Path) -> tuple[Path, ...]:
    """Name the files or the folder that tracks written as `path` consist of."""
    return find_format(path).outputs(path)


def name_inputs(path: Path) -> tuple[Path, ...]:
    """Name the files or the folder that tracks read from `path` consist of.

    Of a run folder, and of a file of one, those of the whole run but its report, which is made
    again: none of them may be replaced by anything else.
    """
    if run := list_run_of(path):
        return run
    found = name_format(path)
    return (path,) if found is None else found.inputs(path)


def check_once(paths: Iterable[Path]) -> None:
    """Refuse tracks that are given twice: under another name, as two tables, or as a run's files.

    Raises
    ------
    UserError
        Names both.
    """
    given = dict[Path, Path]()
    for path in paths:
        parts = [one.resolve() for one in name_inputs(path)]
        if (same := next((one for one in parts if one in given), None)) is not None:
            msg = f"{given[same]} and {path} are the same tracks, or of one run, and would count "
            msg += "twice: give each once"
            raise UserError(msg)
        given |= dict.fromkeys(parts, path)


def read_tracks(
    path: Path,
    calibration: Calibration | None = None,
    table: CsvOptions | None = None,
    *,
    with_edits: bool = False,
) -> Tracks:
    """Read tracks in any format; of a TrackMate file also what a graph does not hold.

    Parameters
    ----------
    path : Path
        .xml, .xml.gz, .geff, or .csv: one of the two tables that :func:`find_csv_pair` finds, or
        one table with the tracks' ids; a folder of the Cell Tracking
        Challenge; or the folder of a finished run. Challenge folders are in voxels.
    calibration, table : Calibration and CsvOptions, optional
        Of CSV tables, which hold none; see :func:`read_spots_csv`.
    with_edits : bool
        Whether the caller makes the edits in the journal beside them, too; else the log warns of
        those that are not saved.

    Raises
    ------
    UserError
        If it is none of these, or damaged.
    """
    if is_run_folder(path):
        path = path / TRACKS
    found = find_source_format(path)
    if found is None:
        fault = "not a name of a track file"
        if path.is_symlink() and not path.exists():
            fault = explain_missing(path, "file or folder")
        msg = f"{path}: {fault}; expected {WRITTEN}, {CTC.label} or a run folder"
        raise UserError(msg)
    if not with_edits:
        warn_of_unsaved(path)
    warn_of_parted(path)
    with watch_inputs(*found.inputs(path)):
        return found.read(path, calibration, table or CsvOptions())


def describe_losses(path: Path, graph: TrackGraph, document: TrackMateDocument | None) -> str:
    """Tell in a line what a file of this name does not hold; empty for nothing.

    Of a TrackMate file which tracks are hidden, names and outlines among it.
    """
    key = find_format(path).key
    lost = _list_length(graph) if key == "csv" else []
    if document is not None and key != "xml":
        lost += [*_list_outlines(graph), *_list_document(document)]
    if not lost:
        return ""
    held = "" if document is None else f" what {document.path.name} did"
    return f"{path} does not hold{held}: {'; '.join(lost)}"


def write_tracks(
    path: Path,
    graph: TrackGraph,
    document: TrackMateDocument | None = None,
    session: Session | None = None,
    *,
    tell: bool = True,
) -> tuple[Path, ...]:
    """Write tracks in the format that the name says.

    Parameters
    ----------
    path : Path
        .xml, .xml.gz, .geff or .csv (two tables, see :func:`csv_names`).
    graph : TrackGraph
    document : TrackMateDocument, optional
        For TrackMate files: the file that the graph comes from; what we don't model passes through.
    session : Session, optional
        For TrackMate files: image, tracker, filters and log.
    tell : bool
        Whether the log tells of what the document holds and this format does not.

    Returns
    -------
    tuple of Path
        What was written: see :func:`name_outputs`.
    """
    format_ = find_format(path)
    if tell and (lost := describe_losses(path, graph, document)):
        _log.warning("%s", lost)
    if format_.write is not None:
        format_.write(path, graph, document, session)
    return format_.outputs(path)


def check_tracks_output(
    path: Path, *inputs: Path | None, table: Path | None = None, overwrite: bool = False
) -> None:
    """Refuse an output of tracks that exists already, is an input, or has no known ending.

    Parameters
    ----------
    path : Path
    *inputs : Path or None
        Tracks and images that are read.
    table : Path, optional
        A CSV that is written, too.
    overwrite : bool
        Accept outputs that exist and are no inputs.
    """
    outputs = (*name_outputs(path), table)
    check_ending(table, ".csv")
    read = [one for source in inputs if source is not None for one in name_inputs(source)]
    check_outputs(outputs, read, overwrite=overwrite)
    warn_of_corrections(path)
