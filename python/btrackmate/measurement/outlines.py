"""Outlines of the cells of a 2D label image, along the edges of their pixels."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.compiled import njit

# Columns of a traced loop: its label, its first and one past its last vertex, twice its area.
_LABEL, _FIRST, _STOP, _AREA2 = 0, 1, 2, 3
# Steps along x and y of the directions right, down, left, up.
_DX = (1, 0, -1, 0)
_DY = (0, 1, 0, -1)


def trace_outlines(labels: NDArray[Any], calibration: Calibration) -> pd.DataFrame:
    """Trace the outline of every cell.

    Parameters
    ----------
    labels : (Y, X) ndarray of int, 0 is background
        Ids up to 2³² − 1.
    calibration : Calibration
        Voxel size.

    Returns
    -------
    DataFrame
        Columns label, x, y (in `calibration.space_unit`): the corners of each outline, one after
        the other, with the cell on their right; labels ascending.

    Notes
    -----
    As TrackMate's label image detector traces them without simplifying: corners lie between pixels,
    at half-integer positions, and the area of the polygon is that of the pixels. Pixels that touch
    at a corner are one piece; of a cell in several pieces the largest is traced, and holes are not.
    """
    loops, vertices = _trace(np.ascontiguousarray(labels, np.uint32))
    outer = loops[loops[:, _AREA2] > 0]
    # The largest loop of each label: the last one in this order.
    outer = outer[np.lexsort((outer[:, _AREA2], outer[:, _LABEL]))]
    largest = outer[np.flatnonzero(np.diff(outer[:, _LABEL], append=-1))]
    sizes = largest[:, _STOP] - largest[:, _FIRST]
    begin = np.repeat(largest[:, _FIRST] - np.cumsum(sizes) + sizes, sizes)
    points = vertices[begin + np.arange(begin.size)] - 0.5
    return pd.DataFrame(
        {
            "label": np.repeat(largest[:, _LABEL], sizes),
            "x": points[:, 0] * calibration.dx,
            "y": points[:, 1] * calibration.dy,
        }
    )


@njit(cache=True, nogil=True)
def _trace(
    labels: NDArray[np.uint32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # pragma: no cover (compiled)
    """Trace all boundaries, holes too, from the upper edges of pixels.

    Returns
    -------
    loops : (n, 4) ndarray of int
        Label, first and one past the last vertex, and twice the area: negative for holes.
    vertices : (m, 2) ndarray of int
        x and y of the corners, counted from the image's corner.
    """
    height, width = labels.shape
    seen = np.zeros((height, width), np.bool_)
    loops = np.empty((64, 4), np.int64)
    vertices = np.empty((1024, 2), np.int64)
    n_loops = n_vertices = 0
    for row in range(height):
        for column in range(width):
            label = labels[row, column]
            if label == 0 or seen[row, column] or (row and labels[row - 1, column] == label):
                continue
            first = n_vertices
            x, y, way, area2 = column, row, 0, 0
            while True:
                if way == 0:
                    if seen[y, x]:
                        break
                    seen[y, x] = True
                x += _DX[way]
                y += _DY[way]
                area2 += x * _DY[way] - y * _DX[way]
                turned = _turn(labels, label, x, y, way)
                if turned != way:
                    if n_vertices == len(vertices):
                        vertices = np.concatenate((vertices, np.empty_like(vertices)))
                    vertices[n_vertices, 0] = x
                    vertices[n_vertices, 1] = y
                    n_vertices += 1
                    way = turned
            if n_loops == len(loops):
                loops = np.concatenate((loops, np.empty_like(loops)))
            loops[n_loops, 0] = label
            loops[n_loops, 1] = first
            loops[n_loops, 2] = n_vertices
            loops[n_loops, 3] = area2
            n_loops += 1
    return loops[:n_loops], vertices[:n_vertices]


@njit(cache=True, nogil=True)
def _turn(
    labels: NDArray[np.uint32], label: int, x: int, y: int, way: int
) -> int:  # pragma: no cover (compiled)
    """Give the way on from a corner: left where the cell is ahead there, else on, else right.

    Left first joins pixels that touch at the corner.
    """
    left_x, left_y = x, y
    right_x, right_y = x, y
    if way == 0:
        left_y -= 1
    elif way == 1:
        right_x -= 1
    elif way == 2:
        left_x -= 1
        right_x -= 1
        right_y -= 1
    else:
        left_x -= 1
        left_y -= 1
        right_y -= 1
    if _is_in(labels, label, left_x, left_y):
        return (way + 3) % 4
    if _is_in(labels, label, right_x, right_y):
        return way
    return (way + 1) % 4


@njit(cache=True, nogil=True)
def _is_in(
    labels: NDArray[np.uint32], label: int, x: int, y: int
) -> bool:  # pragma: no cover (compiled)
    inside = 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]
    return bool(inside and labels[y, x] == label)
