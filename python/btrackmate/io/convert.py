"""From one track format to another, and what each cannot hold."""

from pathlib import Path

import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.files import check_ending, check_outputs, write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.words import option
from btrackmate.io.geff import write_geff
from btrackmate.io.geff_reader import read_geff
from btrackmate.io.run_folder import TRACKS, is_run_folder
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

FORMATS = ".xml or .xml.gz (TrackMate), .geff, .csv"


def find_format(path: Path) -> str:
    """Tell a track file's format by its name: ``"xml"``, ``"geff"`` or ``"csv"``.

    Raises
    ------
    UserError
        If the name has another ending.
    """
    name = path.name.lower()
    for format_, endings in (
        ("xml", (".xml", ".xml.gz")),
        ("geff", (".geff",)),
        ("csv", (".csv",)),
    ):
        if name.endswith(endings):
            return format_
    msg = f"{path}: not a name of a track file; expected {FORMATS}"
    raise UserError(msg)


def name_outputs(path: Path) -> tuple[Path, ...]:
    """Name the files or the folder that tracks written as `path` consist of."""
    return csv_names(path) if find_format(path) == "csv" else (path,)


def csv_names(path: Path) -> tuple[Path, Path]:
    """Name the two tables of tracks ``NAME.csv``: ``NAME.spots.csv`` and ``NAME.links.csv``."""
    stem = path.name.removesuffix(".csv").removesuffix(".spots").removesuffix(".links")
    return path.with_name(f"{stem}.spots.csv"), path.with_name(f"{stem}.links.csv")


def read_tracks(path: Path) -> tuple[TrackGraph, TrackMateDocument | None]:
    """Read tracks in any format; of a TrackMate file also what a graph does not hold.

    Parameters
    ----------
    path : Path
        .xml, .xml.gz, .geff, or .csv: ``NAME.csv`` or ``NAME.spots.csv`` beside
        ``NAME.links.csv``, or one table with the tracks' ids; or the folder of a finished run. CSV
        tables are in physical units
        without calibration.

    Raises
    ------
    UserError
        If it is none of these, or damaged.
    """
    if is_run_folder(path):
        path = path / TRACKS
    if path.suffix.lower() in (".tsv", ".txt"):
        return read_tracked_table(path), None
    format_ = find_format(path)
    if format_ == "xml":
        if is_simple_xml(path):
            return read_simple_tracks(path), None
        document = read_trackmate(path)
        return document.graph, document
    if format_ == "geff":
        return read_geff(path), None
    spots_file, links_file = csv_names(path)
    if path.is_file() and not links_file.is_file():
        return read_tracked_table(path), None
    if not spots_file.is_file() or not links_file.is_file():
        msg = f"{path}: tracks as CSV are two tables, but {spots_file.name} or {links_file.name} "
        msg += "is not there"
        raise UserError(msg)
    return read_links_csv(
        links_file, read_spots_csv(spots_file, options=CsvOptions(tell=False)).spots
    ), None


def write_tracks(
    path: Path,
    graph: TrackGraph,
    document: TrackMateDocument | None = None,
    session: Session | None = None,
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

    Returns
    -------
    tuple of Path
        What was written: see :func:`name_outputs`.
    """
    format_ = find_format(path)
    if format_ == "xml":
        write_trackmate(path, graph, document, session)
    elif format_ == "geff":
        write_geff(path, graph)
    else:
        spots_file, links_file = csv_names(path)
        with write_together():
            write_spots_csv(spots_file, graph.spots)
            write_links_csv(links_file, graph)
    return name_outputs(path)


def name_inputs(path: Path) -> tuple[Path, ...]:
    """Name the files or the folder that tracks read from `path` consist of."""
    if is_run_folder(path):
        return (path / TRACKS,)
    return (path, *csv_names(path)) if path.name.lower().endswith(".csv") else (path,)


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


def convert(source: Path, target: Path) -> list[str]:
    """Convert tracks, and list what the target's format does not hold.

    Parameters
    ----------
    source, target : Path
        .xml, .xml.gz, .geff or .csv.

    Returns
    -------
    list of str
        What is in `source` and not in `target`, in words, with numbers; empty for nothing.

    Raises
    ------
    UserError
        If a name's ending is unknown or the source is damaged.
    """
    find_format(target)
    graph, document = read_tracks(source)
    write_tracks(target, graph, document)
    return list_losses(find_format(target), graph, document)


def list_losses(format_: str, graph: TrackGraph, document: TrackMateDocument | None) -> list[str]:
    """List what a format cannot hold of these tracks.

    Parameters
    ----------
    format_ : {"xml", "geff", "csv"}
    graph : TrackGraph
    document : TrackMateDocument, optional
        The TrackMate file that they come from.
    """
    losses: list[str] = []
    text = [
        str(name)
        for name in graph.spots.table.columns
        if not pd.api.types.is_numeric_dtype(graph.spots.table[name])
    ]
    if format_ == "xml":
        return [f"text columns of the spots: {', '.join(text)}"] if text else []
    if format_ == "geff" and text:
        losses.append(f"text columns of the spots: {', '.join(text)}")
    if graph.spots.contours:
        losses.append(f"outlines of {len(graph.spots.contours)} spots")
    if format_ == "csv":
        again = f"{option('voxel_size')} and {option('dt')}"
        losses.append(f"calibration and units (give them again with {again})")
    if document is not None:
        losses += _list_document(document)
    return losses


def _list_document(document: TrackMateDocument) -> list[str]:
    """List what only a TrackMate file holds."""
    tracks, hidden = document.tracks.n, document.tracks.n - len(document.filtered_tracks)
    names = len(document.spot_names)
    parts = {
        f"names of {names} spots": names,
        f"features and names of {tracks} tracks": tracks,
        "link features other than the cost": document.edges.n,
        f"which {hidden} tracks are hidden": hidden,
        "TrackMate's settings, filters, log and display settings": 1,
    }
    return [text for text, count in parts.items() if count > 0]
