"""Values of label images and masks: whole numbers, whatever type holds them."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

MAX_LABEL = 2**32 - 1
#: Columns of spots that hold values of label images and masks, or numbers of voxels.
LABEL_COLUMNS = ("label", "tissue", "voxels")


def are_label_values(values: "pd.Series[Any]") -> "pd.Series[bool]":
    """Tell which values of such a column can be: whole ones from 0 to MAX_LABEL, and missing."""
    return values.isna() | ((values % 1 == 0) & (values >= 0) & (values <= MAX_LABEL))


def hold_label_values(values: "pd.Series[Any]") -> bool:
    """Tell whether all values of such a column can be."""
    if values.dtype.kind in "iu":
        return not len(values) or (values.min() >= 0 and values.max() <= MAX_LABEL)
    return bool(are_label_values(values).all())


def as_labels(image: NDArray[Any], where: str) -> NDArray[Any]:
    """Check labels, and give those that are kept as floating point as integers.

    ImageJ has no 32-bit integers: its label images, TrackMate's exports among them, are float32.

    Parameters
    ----------
    image : ndarray
        Integers are checked and come back as they are; booleans too.
    where : str
        File and frame, for messages.

    Returns
    -------
    ndarray
        `image`, or uint32.

    Raises
    ------
    UserError
        If a value is negative, no whole number, above 2³² − 1, or higher than the highest up to
        which its floating-point type holds every whole number (2²⁴ of float32).
    """
    if not image.size or image.dtype.kind == "b":
        return image
    if image.dtype.kind == "f":
        return _from_floats(image, where)
    if image.dtype.kind == "i" and int(image.min()) < 0:
        msg = f"{where}: label {int(image.min())}, expected labels ≥ 0 with 0 as background"
        raise UserError(msg)
    if image.dtype.itemsize > 4 and int(image.max()) > MAX_LABEL:
        msg = f"{where}: label {int(image.max())}, expected labels up to {MAX_LABEL}; relabel it"
        raise UserError(msg)
    return image


def _from_floats(image: NDArray[Any], where: str) -> NDArray[np.uint32]:
    limit = min(2 ** (np.finfo(image.dtype).nmant + 1), MAX_LABEL)
    with np.errstate(invalid="ignore"):
        bad = ~((image >= 0) & (image <= limit) & (image == np.floor(image)))
    if bad.any():
        first = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), image.shape))
        msg = f"{where}: value {image[first]:g} at {first}, expected labels: whole numbers from 0 "
        msg += f"to {limit} in {image.dtype}; give a label image, not probabilities or intensities"
        raise UserError(msg)
    return image.astype(np.uint32)
