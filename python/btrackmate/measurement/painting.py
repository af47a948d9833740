"""Painting label images anew: another number in place of each label."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Labels below this are looked up in a table.
_TABLE_SIZE = 1 << 24


def list_labels(image: NDArray[Any]) -> NDArray[np.int64]:
    """List the labels of an image of unsigned integers, ascending, without 0."""
    highest = int(image.max(initial=0))
    if highest >= _TABLE_SIZE:
        present = np.unique(image).astype(np.int64)
        return present[present > 0]
    seen = np.zeros(highest + 1, np.bool_)
    seen[image] = True
    return 1 + np.flatnonzero(seen[1:])


def paint_labels(
    image: NDArray[Any], labels: NDArray[np.int64], numbers: NDArray[np.integer[Any]]
) -> NDArray[np.uint32]:
    """Put a number in place of each label; a label that is not named becomes 0.

    Parameters
    ----------
    image : (..., Y, X) ndarray of unsigned int
        Labels up to 2³² − 1, 0 is background.
    labels : (n,) ndarray of int
        Labels > 0, each once, in any order; they need not be in the image.
    numbers : (n,) ndarray of int
        What each becomes, 0 to 2³² − 1.

    Returns
    -------
    (..., Y, X) ndarray of uint32
    """
    order = np.argsort(labels)
    known, new = labels[order], numbers[order].astype(np.uint32)
    highest = int(image.max(initial=0))
    if highest < _TABLE_SIZE:
        table = np.zeros(highest + 1, np.uint32)
        inside = known <= highest
        table[known[inside]] = new[inside]
        painted: NDArray[np.uint32] = table[image]
        return painted
    present, inverse = np.unique(image, return_inverse=True)
    place = np.searchsorted(known, present).clip(max=max(known.size - 1, 0))
    values = np.zeros(present.size, np.uint32)
    if known.size:
        found = known[place] == present
        values[found] = new[place[found]]
    painted = values[inverse].reshape(image.shape)
    return painted
