"""Arrays that grow at their end."""

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
