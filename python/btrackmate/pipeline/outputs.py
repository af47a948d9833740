"""The files of a run folder: written aside, then put in place one by one."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.core.track_features import make_tracks_table
from btrackmate.io.geff import write_geff
from btrackmate.io.labels import remove_markers
from btrackmate.io.run_folder import (
    DROPPED,
    LABELS,
    LOG,
    PRUNED,
    RECORD,
    SPOTS,
    TRACK_FEATURES,
    TRACKED_SPOTS,
    TRACKS,
    TRACKS_GEFF,
    WORK,
)
from btrackmate.io.trackmate import Session, write_trackmate
from btrackmate.io.tracks_csv import write_spots_csv

_log = logging.getLogger(__name__)

OUT = "out"


@dataclass(frozen=True)
class RunTables:
    """What a run found.

    Parameters
    ----------
    spots : Spots
        All cells that the mask kept, before filters and pruning.
    graph : TrackGraph
        The tracks.
    dropped : DataFrame
        Cells that the mask or a filter dropped.
    pruned : DataFrame
        Spots and links that pruning removed.
    """

    spots: Spots
    graph: TrackGraph
    dropped: pd.DataFrame
    pruned: pd.DataFrame


def write_outputs(folder: Path, tables: RunTables, session: Session) -> None:
    """Write the tables and tracks of a run into a folder.

    Parameters
    ----------
    folder : Path
        Is made.
    tables : RunTables
    session : Session
        What tracks.xml says of image, detector, tracker and filters.
    """
    folder.mkdir(parents=True)
    write_spots_csv(folder / SPOTS, tables.spots)
    for name, table in (
        (TRACKED_SPOTS, tables.graph.spots_table()),
        (TRACK_FEATURES, make_tracks_table(tables.graph)),
        (PRUNED, tables.pruned),
        (DROPPED, tables.dropped),
    ):
        table.to_csv(folder / name, index=False, lineterminator="\n")
    write_trackmate(folder / TRACKS, tables.graph, session=session)
    write_geff(folder / TRACKS_GEFF, tables.graph)


def publish(output: Path) -> None:
    """Put the finished files of the work folder in place; run.yaml last, then the rest goes.

    Can be called again after it was stopped half-way.
    """
    work = output / WORK
    files = sorted((work / OUT).iterdir(), key=lambda path: path.name == RECORD)
    record = [path for path in files if path.name == RECORD]
    for path in files[: len(files) - len(record)]:
        _put(path, output / path.name)
    if (work / LABELS).exists():
        remove_markers(work / LABELS)
        _put(work / LABELS, output / LABELS)
    if (work / LOG).exists():
        _put(work / LOG, output / LOG)
    for path in record:
        _put(path, output / path.name)
    shutil.rmtree(work)


def _put(path: Path, target: Path) -> None:
    """Move a file or folder to where it belongs, in place of an older one."""
    if target.is_dir():
        aside = path.with_name(path.name + ".old")
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
    path.replace(target)
