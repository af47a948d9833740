"""What a segmentation returns: labels and a table that says where each cell comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.segmentation.seeds import Seeds
from btrackmate.segmentation.shapes import StarDistPrediction
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


def join_cells(tables: Sequence[pd.DataFrame], first: str) -> pd.DataFrame:
    """Put tables of cells below one another, with the column that tells them apart in front."""
    joined = pd.concat(tables, ignore_index=True)
    joined.insert(0, first, joined.pop(first))
    return joined


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
    scores = None
    if shapes is not None:
        own = np.concatenate([[0], seeds.shapes])
        same = (shapes.labels > 0) & (own[labels] == shapes.labels)
        shared = np.bincount(labels[same], minlength=len(sizes))
        drawn = np.bincount(shapes.labels.ravel(), minlength=len(shapes.points) + 1)
        scores = (shapes.scores, shared, drawn)
    cells = tabulate_cells(seeds, sizes, scores)
    table = np.where(sizes > 0, np.cumsum(sizes > 0), 0).astype(np.uint32)
    return SegmentationResult(
        table[labels],
        cells,
        mask,
        None if shapes is None else shapes.probability,
        None if tissue is None else tissue.foreground,
        None if tissue is None else tissue.boundary,
    )


def tabulate_cells(
    seeds: Seeds,
    sizes: NDArray[np.int64],
    scores: tuple[Float32, NDArray[np.int64], NDArray[np.int64]] | None,
) -> pd.DataFrame:
    """Describe each cell; see `SegmentationResult.cells`.

    Parameters
    ----------
    seeds : Seeds
    sizes : (n + 1,) ndarray of int
        Voxels of the cell of each seed, after those of the background; 0: the cell went.
    scores : tuple or None
        Score of each StarDist shape, voxels that a cell shares with its shape (as `sizes`), voxels
        of each shape after those of the background; None without StarDist.
    """
    old = np.flatnonzero(sizes[1:]) + 1
    row = old - 1
    cells = pd.DataFrame({"label": np.arange(1, len(old) + 1, dtype=np.int64)})
    for axis, name in enumerate("zyx"[-seeds.points.shape[1] :]):
        cells[name] = seeds.points[row, axis]
    cells["origin"] = seeds.origins[row]
    score = np.full(len(old), np.nan)
    agreement = np.full(len(old), np.nan)
    if scores is not None:
        shape_scores, shared, drawn = scores
        shape_ids = seeds.shapes[row]
        found = shape_ids > 0
        score[found] = shape_scores[shape_ids[found] - 1]
        both = shared[old[found]]
        agreement[found] = both / (sizes[old[found]] + drawn[shape_ids[found]] - both)
    cells["score"] = score
    cells["voxels"] = sizes[old].astype(np.int64)
    cells["agreement"] = agreement
    return cells
