"""The case labels_small: makes its mask and expected tables with the builtin engine.

``python tests/parity/labels_small_case.py`` after a change of the rules; say in the commit why the
tables changed.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage
from skimage.morphology import convex_hull_image

from btrackmate.measurement import MeasureResult
from btrackmate.pipeline.linking import LinkingResult, link_and_prune
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.steps import measure_labels
from btrackmate.tracking import track

FOLDER = Path(__file__).parent / "labels_small"
SPOTS = ["frame", "label", "x", "y", "z", "radius", "volume", "tissue", "boundary_distance"]


@dataclass(frozen=True)
class Tables:
    """What every route must give; a spot is named by frame and label."""

    spots: pd.DataFrame
    dropped: pd.DataFrame
    links: pd.DataFrame
    pruned: pd.DataFrame


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


def read_settings() -> RunSettings:
    """Read settings.json as the settings of a run."""
    given = json.loads((FOLDER / "settings.json").read_text(encoding="utf-8"))
    lap = {
        "linking_max_distance": given["linking_distance"],
        "allow_gap_closing": given["frame_gap"] > 1,
        "gap_closing_max_distance": given["linking_distance"],
        "max_frame_gap": given["frame_gap"],
        "allow_track_splitting": given["splitting"],
        "splitting_max_distance": given["linking_distance"],
    }
    return RunSettings.model_validate(
        {
            "measure": {"mask": {"policy": given["mask_policy"]}},
            "tracker": "lap",
            "tracker_settings": lap,
            "prune": {
                "min_tracklet_length": given["min_tracklet_length"],
                "unit": given["min_tracklet_unit"],
            },
        }
    )


def run_builtin() -> Tables:
    """Measure, mask, link and prune with the builtin engine."""
    settings = read_settings()
    measured = measure_labels(FOLDER / "labels.tif", settings, mask=FOLDER / "mask.tif")
    return tables(measured, link_and_prune(measured.spots, settings, track, lambda *_: None))


def tables(measured: MeasureResult, linked: LinkingResult) -> Tables:
    """Name spots by frame and label, in order."""
    spots = measured.spots.table
    names = spots.set_index("id")[["frame", "label"]]
    pruned = linked.pruned[linked.pruned["what"] == "spot"]
    graph = linked.graph
    named_rows = graph.spots.table[["frame", "label"]]
    ends = [named_rows.iloc[rows].reset_index(drop=True) for rows in (graph.source, graph.target)]
    named = pd.concat([ends[0].add_prefix("source_"), ends[1].add_prefix("target_")], axis=1)
    gone = names.loc[pruned["id"]].reset_index(drop=True).assign(rule=pruned["rule"].to_numpy())
    return Tables(
        spots[SPOTS].sort_values(["frame", "label"], ignore_index=True),
        measured.dropped[["frame", "label", "reason"]].sort_values(
            ["frame", "label"], ignore_index=True
        ),
        named.sort_values(list(named.columns), ignore_index=True),
        gone.sort_values(["frame", "label"], ignore_index=True),
    )


def main() -> None:
    """Write everything."""
    labels = tifffile.imread(FOLDER / "labels.tif")
    tifffile.imwrite(
        FOLDER / "mask.tif",
        make_mask(labels),
        imagej=True,
        compression="zlib",
        resolution=(2, 2),
        metadata={"axes": "ZYX", "spacing": 2.0, "unit": "um"},
    )
    result = run_builtin()
    for name in ("spots", "dropped", "links", "pruned"):
        table: pd.DataFrame = getattr(result, name)
        table.to_csv(FOLDER / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
