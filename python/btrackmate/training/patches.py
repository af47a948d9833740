"""Patches cut from training images."""

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.training.augmentation import Augmenter
from btrackmate.training.dataset import Pair

_log = logging.getLogger(__name__)

Float32 = NDArray[np.float32]


def fit_patch(
    patch: tuple[int, ...], pairs: tuple[Pair, ...], divisor: tuple[int, ...]
) -> tuple[int, ...]:
    """Shrink a patch so that it fits into every image and can be halved as often as needed.

    Parameters
    ----------
    patch : tuple of int
        Wanted size in voxels.
    pairs : tuple of Pair
        Images.
    divisor : tuple of int
        The network divides each side by this.

    Returns
    -------
    tuple of int

    Raises
    ------
    UserError
        If an image is smaller than the divisor.
    """
    smallest = tuple(min(sides) for sides in zip(*(p.image.shape for p in pairs), strict=True))
    fitted = tuple(
        min(want, have) // step * step
        for want, have, step in zip(patch, smallest, divisor, strict=True)
    )
    if min(fitted) == 0:
        msg = f"the smallest training image has {smallest} voxels, the network needs at least "
        msg += f"{divisor}; choose a smaller depth or grid, or larger images"
        raise UserError(msg)
    if fitted != patch:
        _log.warning("patches of %s voxels are used instead of %s", fitted, patch)
    return fitted


class PatchSource:
    """Endless random batches of image patches and target maps.

    Parameters
    ----------
    images : list of ([Z,] Y, X) ndarray of float32
    targets : list of ([Z,] Y, X, channels) ndarray of float32
        Channel 0 is the foreground.
    patch : tuple of int
        Patch size in voxels.
    augmenter : Augmenter or None
    seed : int
    """

    def __init__(
        self,
        images: list[Float32],
        targets: list[Float32],
        patch: tuple[int, ...],
        augmenter: Augmenter | None,
        seed: int,
    ) -> None:
        self.images = images
        self.targets = targets
        self.patch = patch
        self.augmenter = augmenter
        self._rng = np.random.default_rng([seed, 12])

    def cut(self) -> tuple[Float32, Float32]:
        """Cut one random patch; of up to five places the first that holds some foreground."""
        which = int(self._rng.integers(len(self.images)))
        image, target = self.images[which], self.targets[which]
        for _ in range(5):
            corner = [
                int(self._rng.integers(size - side + 1))
                for size, side in zip(image.shape, self.patch, strict=True)
            ]
            window = tuple(slice(c, c + s) for c, s in zip(corner, self.patch, strict=True))
            if target[window][..., 0].mean() > 0.02:
                break
        pair = image[window], target[window]
        return pair if self.augmenter is None else self.augmenter.change_target(*pair)

    def batches(self, size: int) -> Iterator[tuple[Float32, Float32]]:
        """Yield batches ((n, [Z,] Y, X, 1) images, (n, [Z,] Y, X, channels) targets) for ever."""
        while True:
            yield self.stack(size)

    def stack(self, size: int) -> tuple[Float32, Float32]:
        """Cut and stack `size` patches."""
        pairs = [self.cut() for _ in range(size)]
        return np.stack([p[0] for p in pairs])[..., None], np.stack([p[1] for p in pairs])
