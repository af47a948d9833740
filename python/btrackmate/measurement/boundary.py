"""Signed distance to the tissue surface: inside +, outside −."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from btrackmate.core.calibration import Calibration
from btrackmate.core.compiled import njit


def measure_distance(
    tissue: NDArray[np.bool_], spacing: tuple[float, ...], *, border_is_surface: bool = False
) -> NDArray[np.float64]:
    """Measure every voxel centre's signed distance to the tissue surface.

    Parameters
    ----------
    tissue : (Z, Y, X) or (Y, X) ndarray of bool
        True inside.
    spacing : (dz, dy, dx) or (dy, dx)
        Voxel size in physical units.
    border_is_surface : bool
        Take everything beyond the image as outside; else nothing is known there, and the border is
        no surface. An axis of one voxel has no border.

    Returns
    -------
    ndarray of float, of the shape of `tissue`
        Distance in the units of `spacing`, positive inside and negative outside; NaN everywhere if
        there is no surface.

    Notes
    -----
    The surface is made of the voxel faces between inside and outside, so the first voxel inside
    has + spacing/2 and the first outside − spacing/2. The exact Euclidean distance from a voxel
    centre to the nearest *box* of a voxel on the other side, √Σ (max(0, |Δ| − ½)·s)², is separable:
    along an axis D(p) = min(f(p), min_q f(q) + s²(p − q ± ½)²). The second term is a lower envelope
    of parabolas, one at each voxel face, with the lower f of the two voxels that share it [1]_.

    References
    ----------
    .. [1] P. F. Felzenszwalb, D. P. Huttenlocher, "Distance transforms of sampled functions",
       Theory of Computing 8 (2012) 415–428, doi:10.4086/toc.2012.v008a019
    """
    squares = np.full(tissue.shape, np.inf)
    flat = squares.reshape(-1)
    inside = np.ascontiguousarray(tissue).reshape(-1).view(np.uint8)
    inside.flags.writeable = False  # one compiled function for arrays that may be written or not
    stride = tissue.size
    for size, step in zip(tissue.shape, spacing, strict=True):
        stride = stride // size if size else 0
        if size > 1 and tissue.size:
            _sweep_axis(flat, inside, size, stride, step * step, border_is_surface)
    distance: NDArray[np.float64] = np.sqrt(squares)
    distance[~tissue] *= -1
    distance[np.isinf(distance)] = np.nan
    return distance


def sample_distance(
    distance: NDArray[np.float64], positions: NDArray[np.float64], calibration: Calibration
) -> NDArray[np.float64]:
    """Interpolate a distance map linearly at points.

    Parameters
    ----------
    distance : (Z, Y, X) or (Y, X) ndarray of float
        From :func:`measure_distance`; (Y, X) holds for every z.
    positions : (n, 3) ndarray of float
        x, y, z in `calibration.space_unit`.
    calibration : Calibration
        Voxel size of the map.

    Returns
    -------
    (n,) ndarray of float
        NaN for points more than half a voxel beyond the outermost voxel centres, and where the
        map is NaN.
    """
    ndim = distance.ndim
    if not len(positions) or not distance.size:
        return np.full(len(positions), np.nan)
    spacing = np.array(calibration.spacing(ndim))
    voxel = positions[:, 2::-1][:, 3 - ndim :] / spacing
    last = np.array(distance.shape) - 1.0
    margin = 0.5 + 1e-9  # so that rounding never decides
    known = ((voxel >= -margin) & (voxel <= last + margin)).all(axis=1)
    result = np.full(len(positions), np.nan)
    inside = np.clip(voxel[known], 0, last)
    result[known] = map_coordinates(distance, inside.T, order=1, mode="nearest")
    return result


@njit(cache=True, nogil=True)
def _sweep_axis(
    squares: Any, inside: Any, size: int, stride: int, step2: float, border: bool
) -> None:
    """Go over all lines along one axis; sixteen neighbouring lines are copied at a time.

    `squares` holds each voxel's squared distance to the other side, so far; in place.
    """
    block = size * stride
    width = min(16, stride)
    lines = np.empty((width, size))
    sides = np.empty((width, size), np.uint8)
    scratch = (np.empty(size), np.empty(size), np.empty(size + 1, np.int64), np.empty(size + 1),
               np.empty(size + 1))  # fmt: skip
    for outer in range(0, squares.size, block):
        for inner in range(0, stride, width):
            n = min(width, stride - inner)
            for i in range(size):
                base = outer + inner + i * stride
                for k in range(n):
                    lines[k, i] = squares[base + k]
                    sides[k, i] = inside[base + k]
            for k in range(n):
                _sweep_line(lines[k], sides[k], step2, border, scratch)
            for i in range(size):
                base = outer + inner + i * stride
                for k in range(n):
                    squares[base + k] = lines[k, i]


@njit(cache=True, nogil=True)
def _sweep_line(line: Any, sides: Any, step2: float, border: bool, scratch: Any) -> None:
    """Lower the squared distances of one line, for its voxels inside and for those outside."""
    before, after = scratch[0], scratch[1]
    n_inside = 0
    for i in range(line.size):
        before[i] = line[i]
        n_inside += sides[i]
    for side in range(2):
        if (n_inside if side else line.size - n_inside) == 0:
            continue
        for i in range(line.size):
            after[i] = before[i] if sides[i] == side else 0.0
        _lower_envelope(after, line, sides, side, (step2, border and side == 1), scratch)


@njit(cache=True, nogil=True)
def _lower_envelope(f: Any, line: Any, sides: Any, side: int, how: Any, scratch: Any) -> None:
    """Take the minimum with the envelope of parabolas at the voxel faces, on one side's voxels."""
    step2, border = how
    site, height, until = scratch[2], scratch[3], scratch[4]
    n = f.size
    top = -1
    for face in range(n + 1):  # face j lies at j - 1/2
        if face == 0 or face == n:
            if not border:
                continue  # the outer face of the last voxel is never its nearest
            value = 0.0
        else:
            value = min(f[face - 1], f[face])
        if value == np.inf:
            continue
        value /= step2
        crossing = -np.inf
        while top >= 0:
            old = site[top]
            crossing = (value - height[top]) / (face - old) / 2 + (face + old - 1) / 2
            if crossing > until[top]:
                break
            top -= 1
        top += 1
        site[top] = face
        height[top] = value
        until[top] = crossing
    if top < 0:
        return
    k = 0
    for i in range(n):
        while k < top and until[k + 1] < i:
            k += 1
        if sides[i] == side:
            away = i + 0.5 - site[k]
            line[i] = min(line[i], (height[k] + away * away) * step2)
