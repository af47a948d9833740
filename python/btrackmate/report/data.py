"""What a report is made from: the files of a run folder."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.settings import load_yaml
from btrackmate.io.image_calibration import Given
from btrackmate.io.images import Movie, Role, open_movie
from btrackmate.io.trackmate import read_trackmate

LABEL_STORE = "labels.ome.zarr"


@dataclass(frozen=True)
class ReportData:
    """Contents of a run folder.

    Parameters
    ----------
    record : dict
        run.yaml.
    graph : TrackGraph
        From tracks.xml.
    pruned, dropped : DataFrame
        pruned.csv and dropped.csv.
    scores : list of dict
        Tables of scores.json (title, note, columns, rows), empty where there is none.
    image, labels : Movie or None
        The inputs or outputs of the run, None where they are gone or were not used.
    """

    record: dict[str, Any]
    graph: TrackGraph
    pruned: pd.DataFrame
    dropped: pd.DataFrame
    scores: list[dict[str, Any]]
    image: Movie | None
    labels: Movie | None

    def image_plane(self, frame: int) -> NDArray[Any] | None:
        """Give the tracked channel of one frame, ([Z,] Y, X), or None."""
        if self.image is None:
            return None
        channel = int(self.record["settings"].get("channel", 1)) - 1
        return _drop_z(self.image.frame(frame)[channel], self.graph.spots.ndim)

    def label_plane(self, frame: int) -> NDArray[Any] | None:
        """Give the label image of one frame, ([Z,] Y, X), or None."""
        if self.labels is None:
            return None
        return _drop_z(self.labels.frame(frame)[0], self.graph.spots.ndim)


def load_run(folder: Path) -> ReportData:
    """Read a run folder.

    Raises
    ------
    UserError
        If the folder is no finished run.
    """
    for name in ("run.yaml", "tracks.xml"):
        if not (folder / name).is_file():
            msg = f"{folder}: has no {name}, so it is no finished run; start `btrackmate run` again"
            raise UserError(msg)
    record = load_yaml(folder / "run.yaml")
    scores_file = folder / "scores.json"
    scores = json.loads(scores_file.read_text(encoding="utf-8")) if scores_file.is_file() else []
    return ReportData(
        record=record,
        graph=read_trackmate(folder / "tracks.xml").graph,
        pruned=pd.read_csv(folder / "pruned.csv"),
        dropped=pd.read_csv(folder / "dropped.csv"),
        scores=scores,
        image=_open_input(record, "image"),
        labels=open_labels(folder),
    )


def open_labels(folder: Path) -> Movie | None:
    """Open the label movie of a finished run: its own, or the one that it was given.

    Returns
    -------
    Movie or None
        None for a run from a CSV, or where the given file is gone.
    """
    store = folder / LABEL_STORE
    if store.exists():
        return open_movie(store, role="labels")
    return _open_input(load_yaml(folder / "run.yaml"), "labels")


def _open_input(record: dict[str, Any], role: Role) -> Movie | None:
    entry = record["inputs"].get(role)
    if not entry:
        return None
    path = Path(entry["path"])
    if not path.exists():
        return None
    size = record["calibration"]
    given = Given(
        (size["dz"], size["dy"], size["dx"]), size["dt"], size["space_unit"], size["time_unit"]
    )
    return open_movie(path, axes=entry["axes"], role=role, given=given)


def _drop_z(volume: NDArray[Any], ndim: int) -> NDArray[Any]:
    return volume[0] if ndim == 2 else volume
