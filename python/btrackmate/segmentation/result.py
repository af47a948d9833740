"""What a segmentation returns: labels and a table that says where each cell comes from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.segmentation.seeds import Seeds
from btrackmate.segmentation.stardist import StarDistPrediction
from btrackmate.segmentation.unet import UNetPrediction

Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]
Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class SegmentationResult:
    """Cells of one volume or image.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of uint32
        Cells 1…n, 0 is background.
    cells : DataFrame
        One row a cell: label, z, y, x (its seed, in voxels; no z in 2D), origin (``stardist``,
        ``unet`` or ``rescued``), score (StarDist's probability, else missing), voxels, agreement
        (intersection over union of the cell and its StarDist shape, else missing).
    mask : ([Z,] Y, X) ndarray of bool
        The tissue that was flooded (the cells themselves with StarDist alone).
    probability : ([Z,] Y, X) ndarray of float32 or None
        StarDist's probability map.
    foreground : ([Z,] Y, X) ndarray of float32 or None
        The U-Net's foreground map.
    boundary : ([Z,] Y, X) ndarray of float32 or None
        The U-Net's boundary map.
    """

    labels: NDArray[np.uint32]
    cells: pd.DataFrame
    mask: Mask
    probability: Float32 | None
    foreground: Float32 | None
    boundary: Float32 | None


def describe_cells(
    labels: Labels,
    seeds: Seeds,
    shapes: StarDistPrediction | None,
    tissue: UNetPrediction | None,
    mask: Mask,
) -> SegmentationResult:
    """Give the cells the numbers 1…n and describe each.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int32
        Cell i + 1 grew from seed i; missing numbers are cells that went.
    seeds : Seeds
    shapes : StarDistPrediction or None
    tissue : UNetPrediction or None
    mask : ([Z,] Y, X) ndarray of bool
        The tissue that was flooded.

    Returns
    -------
    SegmentationResult
    """
    sizes = np.bincount(labels.ravel(), minlength=len(seeds.points) + 1)
    sizes[0] = 0
    old = np.flatnonzero(sizes)
    table = np.zeros(len(sizes), np.uint32)
    table[old] = np.arange(1, len(old) + 1)
    row = old - 1
    cells = pd.DataFrame({"label": np.arange(1, len(old) + 1, dtype=np.int64)})
    for axis, name in enumerate("zyx"[-labels.ndim :]):
        cells[name] = seeds.points[row, axis]
    cells["origin"] = seeds.origins[row]
    shape_ids = seeds.shapes[row]
    score = np.full(len(old), np.nan)
    agreement = np.full(len(old), np.nan)
    if shapes is not None:
        found = shape_ids > 0
        score[found] = shapes.scores[shape_ids[found] - 1]
        shape_sizes = np.bincount(shapes.labels.ravel(), minlength=len(shapes.points) + 1)
        own = np.zeros(len(sizes), np.int64)
        own[old] = shape_ids
        shared = np.bincount(
            labels[(shapes.labels > 0) & (own[labels] == shapes.labels)], minlength=len(sizes)
        )
        union = sizes[old[found]] + shape_sizes[shape_ids[found]] - shared[old[found]]
        agreement[found] = shared[old[found]] / union
    cells["score"] = score
    cells["voxels"] = sizes[old].astype(np.int64)
    cells["agreement"] = agreement
    return SegmentationResult(
        table[labels],
        cells,
        mask,
        None if shapes is None else shapes.probability,
        None if tissue is None else tissue.foreground,
        None if tissue is None else tissue.boundary,
    )
