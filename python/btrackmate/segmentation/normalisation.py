"""Grey values → the networks' range, the same in training and prediction."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError


def normalise_volume(
    image: NDArray[Any], low: float = 1.0, high: float = 99.8, source: str = "image"
) -> NDArray[np.float32]:
    """Scale an image so that two of its percentiles become 0 and 1.

    Parameters
    ----------
    image : ([Z,] Y, X) ndarray
        Any integer or float type, or booleans as 0 and 1; the percentiles are taken from all of it.
    low, high : float
        Percentiles, 0–100.
    source : str
        What the image is, for messages.

    Returns
    -------
    ndarray of float32
        Same shape, not clipped; all 0 where the two percentiles are equal (constant image).

    Raises
    ------
    UserError
        If `image` holds NaN or infinity, or is of another type.
    """
    if image.dtype.kind not in "uifb":
        msg = f"{source}: type {image.dtype}, expected integers or floats"
        raise UserError(msg)
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        count = int(np.count_nonzero(~np.isfinite(image)))
        msg = f"{source}: {count} of {image.size} voxels are NaN or infinite; "
        msg += "expected finite grey values: replace them before segmenting"
        raise UserError(msg)
    if image.dtype.kind == "b":
        image = image.astype(np.uint8)
    if image.size == 0:
        return np.zeros(image.shape, np.float32)
    floor, ceiling = np.percentile(image, (low, high))
    if ceiling <= floor:
        return np.zeros(image.shape, np.float32)
    return ((image.astype(np.float32) - np.float32(floor)) / np.float32(ceiling - floor)).astype(
        np.float32
    )
