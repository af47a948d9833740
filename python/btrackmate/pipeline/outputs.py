"""The tables and tracks of a run folder."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.core.track_features import make_tracks_table
from btrackmate.io.geff import write_geff
from btrackmate.io.run_folder import (
    DROPPED,
    PRUNED,
    SPOTS,
    TRACK_FEATURES,
    TRACKED_SPOTS,
    TRACKS,
    TRACKS_GEFF,
)
from btrackmate.io.trackmate import Session, write_trackmate
from btrackmate.io.tracks_csv import write_spots_csv, write_table


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
    tables : RunTables
    session : Session
        What tracks.xml says of image, detector, tracker and filters.
    """
    write_spots_csv(folder / SPOTS, tables.spots)
    for name, table in (
        (TRACKED_SPOTS, tables.graph.spots_table()),
        (TRACK_FEATURES, make_tracks_table(tables.graph)),
        (PRUNED, tables.pruned),
        (DROPPED, tables.dropped),
    ):
        write_table(folder / name, table)
    write_trackmate(folder / TRACKS, tables.graph, session=session)
    write_geff(folder / TRACKS_GEFF, tables.graph)
