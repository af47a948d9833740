"""A parity case: its files, and what the builtin engine makes of them.

``python tests/parity/parity_case.py`` makes the mask of labels_small and the expected tables of all
cases after a change of the rules; say in the commit why the tables changed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage
from skimage.morphology import convex_hull_image

from btrackmate.measurement import MeasureResult
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.linking import LinkingResult, link_and_prune
from btrackmate.pipeline.measuring import measured_cells
from btrackmate.pipeline.settings import RunSettings
from btrackmate.tracking import track
from btrackmate.tracking.settings import to_trackmate

HERE = Path(__file__).parent
NAMES = ("labels_small", "plane_two_channels", "tissue_3d")
TABLES = ("spots", "dropped", "links", "pruned")
SPOTS = ["frame", "label", "x", "y", "z", "radius", "volume"]


@dataclass(frozen=True)
class Tables:
    """What every route must give; a spot is named by frame and label."""

    spots: pd.DataFrame
    dropped: pd.DataFrame
    links: pd.DataFrame
    pruned: pd.DataFrame
    distances: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A folder with images, settings.json and the expected tables."""

    name: str

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return HERE / self.name

    @property
    def given(self) -> dict[str, Any]:
        """The settings as they stand in settings.json; distances in µm."""
        values: dict[str, Any] = json.loads((self.folder / "settings.json").read_text("utf-8"))
        return values

    @property
    def image(self) -> Path:
        """The movie that is tracked."""
        return self.folder / self.given["image"]

    @property
    def labels(self) -> Path:
        """Its labels; the movie itself in some cases."""
        return self.folder / self.given["labels"]

    @property
    def mask(self) -> Path | None:
        """The tissue mask."""
        name = self.given["mask"]
        return self.folder / name if name else None

    @property
    def lap(self) -> dict[str, Any]:
        """Settings of the LAP tracker under TrackMate's names."""
        given = self.given
        return {
            "LINKING_MAX_DISTANCE": given["linking_distance"],
            "ALLOW_GAP_CLOSING": given["frame_gap"] > 1,
            "GAP_CLOSING_MAX_DISTANCE": given["linking_distance"],
            "MAX_FRAME_GAP": given["frame_gap"],
            "ALLOW_TRACK_SPLITTING": given["splitting"],
            "SPLITTING_MAX_DISTANCE": given["linking_distance"],
        }

    @property
    def settings(self) -> RunSettings:
        """Settings of a run."""
        given = self.given
        return RunSettings.model_validate(
            {
                "measure": {"mask": {"policy": given["mask_policy"]}},
                "tracker": {"name": "lap", **self.lap},
                "prune": {
                    "min_tracklet_length": given["min_tracklet_length"],
                    "unit": given["min_tracklet_unit"],
                },
            }
        )

    def read(self, table: str) -> pd.DataFrame:
        """Read an expected table."""
        return pd.read_csv(self.folder / f"{table}.csv")

    def run_builtin(self) -> Tables:
        """Measure, mask, link and prune with the builtin engine."""
        image = self.image if self.image != self.labels else None
        inputs = RunInputs(image=image, labels=self.labels, mask=self.mask)
        with measured_cells(inputs, self.settings, self.folder / "unused.csv") as measured:
            pass
        linked = link_and_prune(measured.spots, self.settings, track, lambda *_: None)
        return tables(measured, linked)


def tables(measured: MeasureResult, linked: LinkingResult) -> Tables:
    """Name spots by frame and label, in order."""
    spots = measured.spots.table
    columns = SPOTS + [name for name in ("tissue", "boundary_distance") if name in spots]
    columns += [name for name in spots if "_intensity_ch" in name]
    names = spots.set_index("id")[["frame", "label"]]
    pruned = linked.pruned[linked.pruned["what"] == "spot"]
    graph = linked.graph
    named_rows = graph.spots.table[["frame", "label"]]
    ends = [named_rows.iloc[rows].reset_index(drop=True) for rows in (graph.source, graph.target)]
    named = pd.concat([ends[0].add_prefix("source_"), ends[1].add_prefix("target_")], axis=1)
    gone = names.loc[pruned["id"]].reset_index(drop=True).assign(rule=pruned["rule"].to_numpy())
    key = ["frame", "label"]
    return Tables(
        spots[columns].sort_values(key, ignore_index=True),
        measured.dropped[[*key, "reason"]].sort_values(key, ignore_index=True),
        named.sort_values(list(named.columns), ignore_index=True),
        gone.sort_values(key, ignore_index=True),
        to_trackmate(linked.tracker)[1],
    )


def make_mask(labels: np.ndarray) -> np.ndarray:
    """Draw one smooth tissue for all frames around the cells of the left 60 % of the first frame.

    Parameters
    ----------
    labels : (T, Z, Y, X) ndarray of int

    Returns
    -------
    (Z, Y, X) ndarray of uint8
        1 inside.
    """
    first = labels[0]
    ids = np.unique(first)[1:]
    x = np.array(ndimage.center_of_mass(first > 0, first, ids))[:, 2]
    chosen = np.isin(first, ids[x <= np.quantile(x, 0.6)])
    hull = convex_hull_image(chosen).astype(np.float32)
    return (ndimage.gaussian_filter(hull, (1.5, 6, 6)) > 0.5).astype(np.uint8)


def main() -> None:
    """Write the mask of labels_small, and all tables."""
    small = Case("labels_small")
    tifffile.imwrite(
        small.folder / "mask.tif",
        make_mask(tifffile.imread(small.labels)),
        imagej=True,
        compression="zlib",
        resolution=(2, 2),
        metadata={"axes": "ZYX", "spacing": 2.0, "unit": "um"},
    )
    for name in NAMES:
        case = Case(name)
        result = case.run_builtin()
        for table in TABLES:
            frame: pd.DataFrame = getattr(result, table)
            frame.to_csv(case.folder / f"{table}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
