"""Movies that are read frame by frame."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class FrameSource(Protocol):
    """A movie that is read frame by frame; with several workers from several threads at once."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""

    @property
    def ndim(self) -> int:
        """Space dimensions, 2 or 3."""

    def frame(self, t: int) -> NDArray[Any]:
        """Read frame t: (Z, Y, X) or (Y, X); of an image with the channels before."""


@dataclass(frozen=True, eq=False)
class ArrayFrames:
    """An array as :class:`FrameSource`.

    Parameters
    ----------
    array : (T, [C,] [Z,] Y, X) ndarray
        Movie, e.g. in memory, memory-mapped or a Zarr array.
    ndim : int
        Space dimensions, 2 or 3.
    """

    array: Any
    ndim: int

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return len(self.array)

    def frame(self, t: int) -> NDArray[Any]:
        """Read frame t."""
        return np.asarray(self.array[t])
