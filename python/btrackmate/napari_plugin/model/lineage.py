"""Where the spots of a lineage tree are drawn: time downwards, branches side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class TreeLayout:
    """A drawn lineage tree, or several side by side.

    Parameters
    ----------
    rows : (n,) ndarray of int
        Rows of the spots, ascending.
    x : (n,) ndarray of float
        Column of each: a branch stands over the middle of its branches.
    frame : (n,) ndarray of int
        Frame of each.
    source, target : (m,) ndarray of int
        Links, as positions in `rows`.
    """

    rows: IntArray
    x: NDArray[np.float64]
    frame: IntArray
    source: IntArray
    target: IntArray

    def nearest(self, x: float, frame: float, *, aspect: float = 1.0) -> int | None:
        """Give the row of the spot nearest to a place; `aspect` is columns per frame."""
        if not self.rows.size:
            return None
        away = ((self.x - x) / aspect) ** 2 + (self.frame - frame) ** 2
        return int(self.rows[int(np.argmin(away))])


def lay_out(rows: IntArray, frame: IntArray, source: IntArray, target: IntArray) -> TreeLayout:
    """Lay out trees.

    Parameters
    ----------
    rows : (n,) ndarray of int
        Rows of the spots, ascending.
    frame : (n,) ndarray of int
        Frame of each.
    source, target : (m,) ndarray of int
        Links between them, as rows; any order. After a merge a spot hangs on its first mother.

    Returns
    -------
    TreeLayout
        Each leaf has a column of its own, in the order of the tree; all else lies in the middle of
        what it leads to.

    Examples
    --------
    A cell that divides after two frames:

    >>> rows = np.arange(4)
    >>> lay_out(rows, np.array([0, 1, 2, 2]), np.array([0, 1, 1]), np.array([1, 2, 3])).x.tolist()
    [0.5, 0.5, 0.0, 1.0]
    """
    a, b = np.searchsorted(rows, source), np.searchsorted(rows, target)
    order = np.lexsort((b, frame[a]))
    a, b = a[order], b[order]
    n = rows.size
    parent = np.full(n, -1, np.int64)
    parent[b[::-1]] = a[::-1]  # the earliest mother stays
    by_frame = np.argsort(frame, kind="stable")
    x = _place(by_frame, parent)
    return TreeLayout(rows, x, frame, a, b)


def _place(by_frame: IntArray, parent: IntArray) -> NDArray[np.float64]:
    """Give each spot its column; `parent` is −1 for roots."""
    n = parent.size
    leaves = np.zeros(n, np.int64)
    up = parent.tolist()
    count = [0] * n
    children = np.bincount(parent[parent >= 0], minlength=n)
    for i in by_frame[::-1].tolist():
        if children[i] == 0:
            count[i] = 1
        if up[i] >= 0:
            count[up[i]] += count[i]
    leaves[:] = count
    begin = [0] * n
    free = 0
    used = [0] * n
    for i in by_frame.tolist():
        mother = up[i]
        if mother < 0:
            begin[i] = free
            free += count[i]
        else:
            begin[i] = begin[mother] + used[mother]
            used[mother] += count[i]
    first = np.array(begin, np.float64)
    middle: NDArray[np.float64] = first + (leaves - 1) / 2
    return middle
