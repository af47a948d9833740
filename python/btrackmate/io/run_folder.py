"""The run folder: the only place that knows the names of its files."""

from pathlib import Path

#: Written last: a folder that has it is a finished run.
RECORD = "run.yaml"
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
SCORES = "scores.json"
REPORT = "report.html"
LOG = "log.txt"


def is_run_folder(path: Path) -> bool:
    """Tell whether a path is the folder of a finished run."""
    return (path / RECORD).is_file()


def list_run_files(folder: Path) -> list[Path]:
    """List the files of a finished run, the report last."""
    paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(paths, key=lambda path: (path.name == REPORT, path.name))
