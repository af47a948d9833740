"""What of the tracks is drawn at one time: spots and links of a few frames, as arrays.

A movie has a hundred times more links than a view of one frame and its tails shows. What is shown
is cut out of arrays that are sorted by frame, so that going to another frame, or editing a link,
costs what the window holds and not what the movie holds.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

#: Dashes that a gap link is drawn as.
DASHES = 4


class LinkedSpots(Protocol):
    """What is drawn of tracks: spots, and links between their rows."""

    @property
    def frame(self) -> IntArray:
        """Frame of each spot, (n,)."""
        ...

    @property
    def points(self) -> FloatArray:
        """Positions z, y, x (2D: y, x) of each spot in the space unit, (n, 2 or 3)."""
        ...

    def links_between(self, first: int, last: int) -> tuple[IntArray, IntArray]:
        """Rows of source and target of the links that touch the frames `first` to `last`."""
        ...


@dataclass(frozen=True)
class Window:
    """Spots and links of some frames, ready to be drawn.

    Parameters
    ----------
    rows : (v,) ndarray of int
        Row of the spot of each vertex; the vertices of dashes have the row of the link's source.
    vertices : (v, D) ndarray of float
        Frame, [z,] y, x.
    links : (k, 2) ndarray of uint32
        Vertices that a line joins: links of successive frames.
    dashes : (d, D) ndarray of float
        Ends of the dashes of gap links, two a dash: frame, [z,] y, x.
    """

    rows: IntArray
    vertices: FloatArray
    links: NDArray[np.uint32]
    dashes: FloatArray


def cut_window(
    spots: LinkedSpots, first: int, last: int, shown: NDArray[np.bool_] | None = None
) -> Window:
    """Cut out the links that touch the frames `first` to `last`, both included.

    Parameters
    ----------
    spots : LinkedSpots
    first, last : int
        Frames.
    shown : (n,) ndarray of bool, optional
        Spots whose links are drawn; by default all.
    """
    source, target = spots.links_between(first, last)
    if shown is not None:
        kept = shown[source] & shown[target]
        source, target = source[kept], target[kept]
    frame, points = spots.frame, spots.points
    near = frame[target] - frame[source] == 1
    rows, links = _number_ends(source[near], target[near], frame.size)
    vertices = np.column_stack((frame[rows], points[rows])).astype(np.float64, copy=False)
    gap_from, gap_to = source[~near], target[~near]
    return Window(
        rows,
        vertices,
        links,
        _dash(
            np.column_stack((frame[gap_from], points[gap_from])),
            np.column_stack((frame[gap_to], points[gap_to])),
        ),
    )


def _number_ends(source: IntArray, target: IntArray, n: int) -> tuple[IntArray, NDArray[np.uint32]]:
    """Give the rows that become vertices, ascending, and the links as numbers of vertices."""
    used = np.zeros(n, np.bool_)
    used[source] = True
    used[target] = True
    rows = np.flatnonzero(used)
    number = np.empty(n, np.uint32)  # only the used ones are set and read
    number[rows] = np.arange(rows.size)
    return rows, np.column_stack((number[source], number[target]))


def _dash(begin: FloatArray, end: FloatArray) -> FloatArray:
    """Cut lines (k, D) into dashes; give their ends, (k · DASHES · 2, D)."""
    steps = np.arange(2 * DASHES) / (2 * DASHES - 1)
    dashed: FloatArray = begin[:, None] + steps[None, :, None] * (end - begin)[:, None]
    return dashed.reshape(-1, begin.shape[1])
