"""Patches cut from training images."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.training.dataset import Pair

Float32 = NDArray[np.float32]
Targets = tuple[Float32, ...]
Batch = tuple[Float32, Targets | Float32]
Prepare = Callable[[Float32, NDArray[Any], np.random.Generator], tuple[Float32, Targets]]


def fit_patch(
    patch: tuple[int, ...], pairs: tuple[Pair, ...], divisor: tuple[int, ...]
) -> tuple[int, ...]:
    """Check that a patch fits into every image and can be halved as often as the network does.

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
        The patch.

    Raises
    ------
    UserError
        If an image is smaller than the patch or the divisor, or the patch does not divide; the
        message says which patch would fit.
    """
    smallest = tuple(min(sides) for sides in zip(*(p.image.shape for p in pairs), strict=True))
    fitted = tuple(
        min(want, have) // step * step
        for want, have, step in zip(patch, smallest, divisor, strict=True)
    )
    if min(fitted) == 0:
        if min(have // step for have, step in zip(smallest, divisor, strict=True)) == 0:
            msg = f"the smallest training image has {smallest} voxels, the network needs at least "
            msg += f"{divisor}; choose a smaller depth or grid, or larger images"
            raise UserError(msg)
        msg = f"patch_size {patch} is smaller than {divisor}, which the network divides by; "
        msg += "choose a larger patch or a smaller depth or grid"
        raise UserError(msg)
    fits = option("patch_size", ",".join(str(side) for side in fitted))
    if any(want > have for want, have in zip(patch, smallest, strict=True)):
        msg = f"patch_size {patch} is larger than the smallest training image, {smallest} voxels; "
        msg += f"give {fits} (or less), or larger images"
        raise UserError(msg)
    if fitted != patch:
        msg = f"patch_size {patch} is not a multiple of {divisor}, which the network divides by; "
        msg += f"give {fits}"
        raise UserError(msg)
    return patch


class PatchSource:
    """Random batches of image patches and targets, each given by its number.

    Parameters
    ----------
    images : list of ([Z,] Y, X) ndarray of float32
    targets : list of ([Z,] Y, X[, channels]) ndarray
        Labels, or maps of which channel 0 is the foreground; what is above 0 is preferred.
    patch : tuple of int
        Patch size in voxels.
    prepare : callable
        Takes a patch of an image, of its target and random numbers; returns the network's input
        and the outputs that it shall give.
    seed : int

    Notes
    -----
    Batch i is the same whenever it is asked for, so a training that is resumed at it sees what
    it would have seen.
    """

    def __init__(
        self,
        images: list[Float32],
        targets: list[NDArray[Any]],
        patch: tuple[int, ...],
        prepare: Prepare,
        seed: int,
    ) -> None:
        self.images = images
        self.targets = targets
        self.patch = patch
        self._prepare = prepare
        self._seed = seed

    def batch(self, index: int, size: int) -> Batch:
        """Cut and stack `size` patches.

        Parameters
        ----------
        index : int
            Number of the batch, among batches of this size.
        size : int

        Returns
        -------
        tuple
            (n, [Z,] Y, X, 1) images and (n, …) targets, a tuple if there are several.
        """
        rng = np.random.default_rng([self._seed, 12, index])
        images, targets = [], []
        for place in range(index * size, (index + 1) * size):
            image, target = self._prepare(*self._cut(self._pick(place), rng), rng)
            images.append(image)
            targets.append(target)
        stacked = tuple(np.stack(parts) for parts in zip(*targets, strict=True))
        return np.stack(images)[..., None], stacked if len(stacked) > 1 else stacked[0]

    def batches(self, size: int, start: int = 0) -> Iterator[Batch]:
        """Yield batches for ever, from number `start`."""
        while True:
            yield self.batch(start, size)
            start += 1

    def _pick(self, place: int) -> int:
        """Draw an image; each once before any is drawn again."""
        turn, row = divmod(place, len(self.images))
        order = np.random.default_rng([self._seed, 13, turn]).permutation(len(self.images))
        return int(order[row])

    def _cut(self, which: int, rng: np.random.Generator) -> tuple[Float32, NDArray[Any]]:
        """Cut one random patch; of up to five places the first that holds some foreground."""
        image, target = self.images[which], self.targets[which]
        window: tuple[slice, ...] = ()
        for _ in range(5):
            corner = [
                int(rng.integers(size - side + 1))
                for size, side in zip(image.shape, self.patch, strict=True)
            ]
            window = tuple(slice(c, c + s) for c, s in zip(corner, self.patch, strict=True))
            part = target[window]
            if np.mean((part[..., 0] if part.ndim > image.ndim else part) > 0) > 0.02:
                break
        return image[window], target[window]
