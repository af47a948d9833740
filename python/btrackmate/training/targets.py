"""What the networks learn from a label image: foreground and boundaries, or shapes."""

from typing import Any

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


def encode_shapes(
    labels: NDArray[np.int32], config: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Make StarDist's targets of a label patch.

    Parameters
    ----------
    labels : ([Z,] Y, X) ndarray of int
        0 is background.
    config : stardist Config2D or Config3D
        Grid, rays and anisotropy.

    Returns
    -------
    probability : ([z,] y, x, 1) ndarray of float32
        Distance to the cell's surface over its largest value in the cell, at the grid's points.
    distance : ([z,] y, x, rays + 1) ndarray of float32
        Distance to the cell's surface along each ray; then the probability, which weighs them.

    References
    ----------
    Weigert et al., "Star-convex Polyhedra for 3D Object Detection and Segmentation in
    Microscopy", WACV 2020, DOI 10.1109/WACV45572.2020.9093435, section 2.1.
    """
    from stardist.geometry import star_dist, star_dist3D
    from stardist.rays3d import rays_from_json
    from stardist.utils import edt_prob

    grid = tuple(config.grid)
    mode = "opencl" if config.use_gpu else "cpp"
    points = tuple(slice(None, None, step) for step in grid)
    if labels.ndim == 3:
        probability = edt_prob(labels, anisotropy=config.anisotropy)[points]
        rays = rays_from_json(config.rays_json)
        distance = star_dist3D(labels, rays, mode=mode, grid=grid)
    else:
        probability = edt_prob(labels)[points]
        distance = star_dist(labels, config.n_rays, mode=mode, grid=grid)
    probability = probability[..., np.newaxis].astype(np.float32)
    return probability, np.concatenate([distance, probability], axis=-1, dtype=np.float32)
