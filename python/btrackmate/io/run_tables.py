"""The tracks of a run folder as tables and GEFF, beside tracks.xml."""

from pathlib import Path

from btrackmate.core.graph import TrackGraph
from btrackmate.core.track_features import make_tracks_table
from btrackmate.io.geff import write_geff
from btrackmate.io.run_folder import TRACK_FEATURES, TRACKED_SPOTS, TRACKS_GEFF
from btrackmate.io.tracks_csv import write_cells, write_table


def write_run_tracks(folder: Path, graph: TrackGraph) -> None:
    """Write what a run folder tells of its tracks beside tracks.xml: two tables and a GEFF."""
    write_cells(folder / TRACKED_SPOTS, graph.spots_table())
    write_table(folder / TRACK_FEATURES, make_tracks_table(graph))
    write_geff(folder / TRACKS_GEFF, graph)
