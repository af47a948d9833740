"""Shape of every cell: ellipsoid axes, surface, connected pieces."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit
from btrackmate.measurement.runs import CELL, ROW, START, STOP, LabelRuns


def measure_semi_axes(cells: LabelRuns, spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Measure the semi-axes of the ellipsoid with the same second moments as each cell.

    Parameters
    ----------
    cells : LabelRuns
        The n cells of a label image.
    spacing : (dz, dy, dx) or (dy, dx)
        Voxel size in physical units.

    Returns
    -------
    (n, 3) or (n, 2) ndarray of float
        Semi-axes in physical units, longest first.

    Notes
    -----
    √(5λ) in 3D and 2√λ in 2D, with λ the eigenvalues of the covariance of the cell's voxels taken
    as solid boxes: that of the voxel centres plus spacing²/12 on the diagonal.
    """
    ndim = cells.ndim
    size = np.asarray(spacing, np.float64)
    covariance: NDArray[np.float64] = cells.covariance[:, 3 - ndim :, 3 - ndim :].copy()
    covariance *= size[:, None] * size
    covariance[:, np.arange(ndim), np.arange(ndim)] += size**2 / 12
    if ndim == 3:
        variances = np.linalg.eigvalsh(covariance)[:, ::-1]
        semi_axes: NDArray[np.float64] = np.sqrt(5 * variances)
        return semi_axes
    middle = (covariance[:, 0, 0] + covariance[:, 1, 1]) / 2
    spread = np.hypot((covariance[:, 0, 0] - covariance[:, 1, 1]) / 2, covariance[:, 0, 1])
    product = covariance[:, 0, 0] * covariance[:, 1, 1] - covariance[:, 0, 1] ** 2
    # The smaller one as product / larger: no cancellation for long thin cells.
    semi_axes = 2 * np.sqrt(np.column_stack((middle + spread, product / (middle + spread))))
    return semi_axes


class Contact(NamedTuple):
    """What the contacts between a cell's runs tell.

    Parameters
    ----------
    components : (n,) ndarray of int
        Number of pieces of each cell, voxels that share a corner being one piece.
    surface : (n,) ndarray of float
        Surface area (3D) or perimeter (2D) in physical units.
    """

    components: NDArray[np.int64]
    surface: NDArray[np.float64]


def measure_contact(cells: LabelRuns, spacing: tuple[float, ...]) -> Contact:
    """Count the pieces of each cell and measure its surface, in one pass over the runs.

    Parameters
    ----------
    cells : LabelRuns
        The n cells of a label image.
    spacing : (dz, dy, dx) or (dy, dx)
        Voxel size in physical units.

    Notes
    -----
    Surface is ⅔ × the area of the exposed voxel faces, perimeter π/4 × the length of the exposed
    pixel edges: Crofton's formula with the directions of the axes. Faces on the image border are
    exposed. Pieces are 26- (3D) or 8-connected (2D).
    """
    n = len(cells)
    counts = np.zeros((n, 4), np.int64)
    parent = np.arange(len(cells.runs))
    _join_runs(cells.runs, cells.shape[-2], parent, counts)
    n_runs, joined, shared_y, shared_z = counts.T
    faces_x, faces_y = 2 * n_runs, 2 * (cells.voxels - shared_y)
    if cells.ndim == 2:
        dy, dx = spacing
        return Contact(n_runs - joined, math.pi / 4 * (faces_x * dy + faces_y * dx))
    dz, dy, dx = spacing
    faces_z = 2 * (cells.voxels - shared_z)
    area = faces_x * (dy * dz) + faces_y * (dx * dz) + faces_z * (dx * dy)
    return Contact(n_runs - joined, 2 / 3 * area)


@njit(cache=True, nogil=True)
def _join_runs(runs: Any, ny: int, parent: Any, counts: Any) -> None:
    """Compare each row's runs with those of the up to four rows before it that it touches.

    Counts, by cell: runs, successful unions of two pieces, faces shared across y and across z.
    """
    if not len(runs):
        return
    first = np.full(runs[-1, ROW] + 2, len(runs))
    for k in range(len(runs) - 1, -1, -1):
        first[runs[k, ROW]] = k
        counts[runs[k, CELL], 0] += 1
    for row in range(first.size - 2, -1, -1):
        first[row] = min(first[row], first[row + 1])
    for row in range(first.size - 1):
        y = row % ny
        for neighbour in range(4):  # (z, y - 1), then (z - 1, y), (z - 1, y - 1), (z - 1, y + 1)
            other = row - 1 if neighbour == 0 else row - ny
            if neighbour >= 2:
                other += 2 * neighbour - 5
            if other < 0 or (neighbour in (0, 2) and y == 0) or (neighbour == 3 and y == ny - 1):
                continue
            shared = 2 + neighbour if neighbour < 2 else -1
            _join_rows(runs, first, row, other, parent, counts, shared)


@njit(cache=True, nogil=True)
def _join_rows(
    runs: Any, first: Any, row: int, other: int, parent: Any, counts: Any, shared: int
) -> None:
    """Join touching runs of one cell; count the faces that they share in column `shared`."""
    mine = runs[first[row] : first[row + 1]]
    others = runs[first[other] : first[other + 1]]
    low = 0
    for a in range(len(mine)):
        start = mine[a, START]
        stop = mine[a, STOP]
        cell = mine[a, CELL]
        while low < len(others) and others[low, STOP] < start:
            low += 1
        for b in range(low, len(others)):
            if others[b, START] > stop:
                break
            if others[b, CELL] == cell:
                if shared >= 0:
                    face = min(stop, others[b, STOP]) - max(start, others[b, START])
                    counts[cell, shared] += max(0, face)
                root = _find_root(parent, first[row] + a)
                other_root = _find_root(parent, first[other] + b)
                if root != other_root:
                    parent[max(root, other_root)] = min(root, other_root)
                    counts[cell, 1] += 1


@njit(cache=True, nogil=True)
def _find_root(parent: Any, k: int) -> int:
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k
