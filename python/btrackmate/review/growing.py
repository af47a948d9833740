"""Arrays that grow at their end, and their rows by id."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Growing:
    """An array to which rows are added one by one, at a cost that does not grow with it.

    Parameters
    ----------
    values : ndarray
        The first rows; they are changed in place until a row is added.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._buffer = values
        self._size = len(values)

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> NDArray[Any]:
        """The rows so far; not to be kept, as adding may move them."""
        return self._buffer[: self._size]

    def append(self, value: Any) -> None:
        """Add a row."""
        if self._size == len(self._buffer):
            spare = np.empty((self._size // 8 + 1024, *self._buffer.shape[1:]), self._buffer.dtype)
            self._buffer = np.concatenate((self._buffer, spare))
        self._buffer[self._size] = value
        self._size += 1


class RowsById:
    """Finds rows by their ids; most are known from the start, some are added.

    Parameters
    ----------
    ids : (n,) ndarray of int
        Of the first rows, each once.
    """

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._ids = ids
        ascending = bool((np.diff(ids) > 0).all())
        self._order = None if ascending else np.argsort(ids).astype(np.int32)
        self._added: dict[int, int] = {}

    def add(self, one: int, row: int) -> None:
        """Take up the id of a row that was added."""
        self._added[one] = row

    def find(self, one: int) -> int:
        """Give the row of an id, −1 if there is none."""
        if one in self._added:
            return self._added[one]
        if self._order is None and self._ids.size:  # ids mostly follow each other
            near = one - int(self._ids[0])
            if 0 <= near < self._ids.size and self._ids[near] == one:
                return near
        place = int(self._ids.searchsorted(one, sorter=self._order))
        if place >= self._ids.size:
            return -1
        row = place if self._order is None else int(self._order[place])
        return row if self._ids[row] == one else -1

    def find_all(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the rows of ids, −1 for one that there is not."""
        rows = np.full(len(ids), -1, np.int64)
        if self._ids.size:
            place = np.searchsorted(self._ids, ids, sorter=self._order)
            place = np.minimum(place, self._ids.size - 1)
            near = place if self._order is None else self._order[place]
            rows = np.where(self._ids[near] == ids, near, -1).astype(np.int64)
        for i in np.flatnonzero(rows < 0).tolist() if self._added else ():
            rows[i] = self._added.get(int(ids[i]), -1)
        return rows
