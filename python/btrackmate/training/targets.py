"""What the U-Net learns: foreground and boundaries, from a label image."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def make_targets(labels: NDArray[np.int32], width: float, *, boundary: bool) -> NDArray[np.float32]:
    """Make the U-Net's target of a label image.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
        0 is background.
    width : float
        Voxels over which the boundary fades into the cell.
    boundary : bool
        Make the second channel.

    Returns
    -------
    ([Z,] Y, X, 1 or 2) ndarray of float32
        Channel 0: 1 in cells. Channel 1: 1 on voxels that touch another label (background
        included), falling linearly to 0 at `width` voxels farther inside.

    Notes
    -----
    Distances count voxels, not micrometres: with a coarse z step a wall between two cells one
    above the other still shows in both planes beside it.
    """
    channels = [(labels > 0).astype(np.float32)]
    if boundary:
        depth = _depth_in_label(labels)
        channels.append(np.clip(1 - (depth - 1) / width, 0, 1).astype(np.float32))
    return np.stack(channels, axis=-1)


def _depth_in_label(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Distance in voxels from each voxel to the nearest voxel that touches another label, + 1."""
    touches = np.zeros(labels.shape, bool)
    for axis in range(labels.ndim):
        low = [slice(None)] * labels.ndim
        high = list(low)
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        differ = labels[tuple(low)] != labels[tuple(high)]
        touches[tuple(low)] |= differ
        touches[tuple(high)] |= differ
    if not touches.any():
        return np.full(labels.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~touches)) + 1
