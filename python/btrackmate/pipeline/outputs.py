"""The tables and tracks of a run folder."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.run_folder import DROPPED, EDITS, PRUNED, SPOTS, TRACKS
from btrackmate.io.run_tables import write_run_tracks
from btrackmate.io.trackmate import Session, write_trackmate
from btrackmate.io.tracks_csv import write_cells, write_spots_csv, write_table


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
    edits : DataFrame or None
        Corrections that were made again, and those that did not fit; None where none were asked
        for.
    """

    spots: Spots
    graph: TrackGraph
    dropped: pd.DataFrame
    pruned: pd.DataFrame
    edits: pd.DataFrame | None = None


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
    write_cells(folder / PRUNED, tables.pruned)
    write_cells(folder / DROPPED, tables.dropped)
    if tables.edits is not None:
        write_table(folder / EDITS, tables.edits)
    write_run_tracks(folder, tables.graph)
    write_trackmate(folder / TRACKS, tables.graph, session=session)
