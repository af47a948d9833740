"""Movies as arrays that read only what is looked at."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.io.images import Movie
from btrackmate.measurement.painting import paint_labels

#: Frames up to so many bytes are kept; of larger ones the plane that is asked for is read.
_KEEP_BYTES = 256 << 20
_KEEP_FRAMES = 4

#: Labels of a frame (> 0, each once) and the number that each is painted with, 0 for none.
Numbers = tuple[NDArray[np.int64], NDArray[np.int64]]


class LazyMovie:
    """One channel of a movie as an array (T, [Z,] Y, X); frames are read when they are looked at.

    Parameters
    ----------
    movie : Movie
    channel : int
        From 0.
    ndim : int
        Space dimensions that are shown, 2 or 3; of slices in 2D the brightest voxels (or highest
        labels) are shown.
    tell : callable, optional
        Told once, in a line, of each fault by which frames cannot be read: they are 0 then. By
        default they are raised.
    """

    def __init__(
        self,
        movie: Movie,
        channel: int = 0,
        ndim: int = 3,
        tell: Callable[[str], object] | None = None,
    ) -> None:
        self.movie = movie
        self._tell = tell
        self._told = set[str]()
        self.channel = channel
        size = movie.shape[2:] if ndim == 3 else movie.shape[3:]
        self.shape: tuple[int, ...] = (movie.n_frames, *size)
        self.dtype: np.dtype[Any] = np.dtype(np.uint32 if movie.role != "image" else movie.dtype)
        self._cache: OrderedDict[Any, NDArray[Any]] = OrderedDict()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read frames, or parts of them; indices as of an ndarray, one of time first."""
        keys = key if isinstance(key, tuple) else (key,)
        if any(one is Ellipsis for one in keys):
            at = next(i for i, one in enumerate(keys) if one is Ellipsis)
            keys = keys[:at] + (slice(None),) * (self.ndim - len(keys) + 1) + keys[at + 1 :]
        time, rest = keys[0], tuple(keys[1:])
        if isinstance(time, int | np.integer):
            return self._read(int(time) % self.shape[0], rest)
        times = range(self.shape[0])[time] if isinstance(time, slice) else np.asarray(time).tolist()
        found = [self._read(int(t), rest) for t in times]
        if found:
            return np.stack(found)
        return np.empty((0, *np.empty(self.shape[1:], np.bool_)[rest].shape), self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, t: int, rest: tuple[Any, ...]) -> NDArray[Any]:
        if int(np.prod(self.shape[1:])) * self.dtype.itemsize <= _KEEP_BYTES:
            return np.asarray(self._frame(t)[rest])
        if len(self.shape) == 4 and rest and isinstance(rest[0], int | np.integer):
            z = int(rest[0]) % self.shape[1]
            return np.asarray(self._plane(t, z)[rest[1:]])
        return np.asarray(self._frame(t)[rest])

    def _frame(self, t: int) -> NDArray[Any]:
        def read() -> NDArray[Any]:
            frame: NDArray[Any] = self.movie.frame(t)[self.channel]
            return frame if len(self.shape) == 4 else np.asarray(frame.max(axis=0))

        return self._keep(t, read)

    def _plane(self, t: int, z: int) -> NDArray[Any]:
        every = slice(None)
        box = (slice(z, z + 1), every, every)
        return self._keep((t, z), lambda: self.movie.region(t, self.channel, box)[0])

    def _keep(self, key: Any, read: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        if key not in self._cache:
            try:
                self._cache[key] = read()
            except UserError as error:
                if self._tell is None:
                    raise
                if str(error) not in self._told:
                    self._told.add(str(error))
                    self._tell(str(error))
                return np.zeros(self.shape[1 if isinstance(key, int) else 2 :], self.dtype)
            while len(self._cache) > _KEEP_FRAMES:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]


class PaintedLabels(LazyMovie):
    """Label images in which each cell has a number of its own, painted when they are looked at.

    Parameters
    ----------
    movie : Movie
        Labels.
    numbers : callable
        Gives the labels of a frame and what each is painted with.
    ndim, tell
        As of `LazyMovie`.
    """

    def __init__(
        self,
        movie: Movie,
        numbers: Callable[[int], Numbers],
        ndim: int = 3,
        tell: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(movie, 0, ndim, tell)
        self._numbers = numbers
        self.dtype = np.dtype(np.uint32)

    def labels_at(self, t: int, where: tuple[int, ...]) -> int:
        """Give the label, as it is in the file, of a voxel ([z,] y, x) of a frame; 0 outside."""
        inside = all(0 <= i < n for i, n in zip(where, self.shape[1:], strict=True))
        if not inside or not 0 <= t < self.shape[0]:
            return 0
        return int(super()._read(t, where))

    def _read(self, t: int, rest: tuple[Any, ...]) -> NDArray[Any]:
        labels, numbers = self._numbers(t)
        part = np.asarray(super()._read(t, rest))
        return paint_labels(part, labels, numbers)


def find_contrast(movie: LazyMovie) -> tuple[float, float]:
    """Find grey values between which an image is shown: of the middle frame, 0.5 and 99.8 %."""
    frame = movie[len(movie) // 2]
    sample = frame[tuple(slice(None, None, max(1, n // 256)) for n in frame.shape)]
    low, high = (float(one) for one in np.percentile(sample, (0.5, 99.8)))
    return (low, high) if high > low else (low, low + 1.0)
