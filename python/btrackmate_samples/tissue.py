"""Crowded tissue around given cell positions: which voxel belongs to which cell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


@dataclass(frozen=True)
class Partition:
    """Nearest and second nearest cell of every voxel.

    Parameters
    ----------
    cell : (Z, Y, X) ndarray of int32
        Index of the nearest cell, -1 where none is near.
    neighbour : (Z, Y, X) ndarray of int32
        Index of the second nearest cell, -1 where none is near.
    wall : (Z, Y, X) ndarray of float32
        Distance to the wall between the two in µm, large where there is none.
    """

    cell: Int32
    neighbour: Int32
    wall: Float32


def estimate_radii(positions: NDArray[np.float64], neighbours: int = 5) -> NDArray[np.float64]:
    """Estimate the radius of touching cells from the distance to their neighbours.

    Parameters
    ----------
    positions : (n, 3) ndarray of float
        z, y, x in µm.
    neighbours : int
        Number of nearest neighbours whose mean distance is halved.

    Returns
    -------
    (n,) ndarray of float
        Radii in µm; 10 for a single cell.
    """
    count = min(neighbours, len(positions) - 1)
    if count < 1:
        return np.full(len(positions), 10.0)
    distance = cKDTree(positions).query(positions, k=count + 1)[0][:, 1:]
    return np.asarray(distance.mean(axis=1) / 2)


def partition_voxels(
    coordinates: tuple[Float32, Float32, Float32],
    positions: NDArray[np.float64],
    radii: NDArray[np.float64],
    windows: list[tuple[slice, slice, slice]],
) -> Partition:
    """Give every voxel to the cell whose surface is nearest.

    Parameters
    ----------
    coordinates : three (Z, Y, X) ndarrays of float32
        z, y, x of every voxel in µm.
    positions : (n, 3) ndarray of float
        Centres z, y, x in µm.
    radii : (n,) ndarray of float
        Radii in µm.
    windows : list of slices
        The part of the volume that each cell may reach.

    Notes
    -----
    The measure is |p - c| - r (additively weighted Voronoi), whose walls are curved towards
    the smaller cell. The distance to the wall between cells 1 and 2 is taken as
    (a2 - a1)(d1 + d2) / (2 |c2 - c1|), with a = d - r: exact on planes, i.e. for equal radii.
    """
    shape = coordinates[0].shape
    far = np.float32(1e6)
    best, second = np.full(shape, far), np.full(shape, far)
    cell, neighbour = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
    for index, window in enumerate(windows):
        centre = positions[index].astype(np.float32)
        z, y, x = (coordinates[axis][window] - centre[axis] for axis in range(3))
        surface = np.sqrt(z**2 + y**2 + x**2) - np.float32(radii[index])
        a1, a2, i1, i2 = best[window], second[window], cell[window], neighbour[window]
        wins, places = surface < a1, surface < a2
        i2[...] = np.where(wins, i1, np.where(places, index, i2))
        a2[...] = np.where(wins, a1, np.minimum(a2, surface))
        i1[wins] = index
        a1[...] = np.minimum(a1, surface)
    centres, radius = positions.astype(np.float32), radii.astype(np.float32)
    between = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    np.fill_diagonal(between, 1.0)
    both = neighbour >= 0
    one, two = cell[both], neighbour[both]
    wall = np.full(shape, far)
    sum_of_distances = best[both] + radius[one] + second[both] + radius[two]
    wall[both] = (second[both] - best[both]) * sum_of_distances / (2 * between[one, two])
    return Partition(cell, neighbour, wall)


@dataclass(frozen=True)
class Hull:
    """Smooth surface around all cells, as a signed distance on a grid.

    Parameters
    ----------
    distance : (Z, Y, X) ndarray of float32
        Signed distance to the surface in µm, inside positive.
    origin : (3,) ndarray of float
        z, y, x of the first grid point in µm.
    spacing : float
        Distance of grid points in µm.
    """

    distance: Float32
    origin: NDArray[np.float64]
    spacing: float

    def sample(self, coordinates: tuple[Float32, Float32, Float32]) -> Float32:
        """Signed distance at the given coordinates in µm, by linear interpolation."""
        points = [
            (axis - np.float32(start)) / np.float32(self.spacing)
            for axis, start in zip(coordinates, self.origin, strict=True)
        ]
        return np.asarray(
            ndimage.map_coordinates(self.distance, points, order=1, mode="nearest"), np.float32
        )


def wrap_cells(positions: NDArray[np.float64], radii: NDArray[np.float64]) -> Hull:
    """Wrap the cells in a surface that follows the bulging outer cells.

    Parameters
    ----------
    positions : (n, 3) ndarray of float
        z, y, x in µm.
    radii : (n,) ndarray of float
        Radii in µm.

    Notes
    -----
    The union of the balls is closed with a ball of 0.8 mean radii and its cavities are filled.
    """
    mean = float(radii.mean())
    spacing, reach = mean / 5, 0.8 * mean
    margin = float(radii.max()) + 2 * reach
    origin = positions.min(axis=0) - margin
    count = np.ceil((positions.max(axis=0) + margin - origin) / spacing).astype(int) + 1
    axes = [origin[i] + spacing * np.arange(count[i]) for i in range(3)]
    surface = np.full(tuple(count), np.float32(1e6))
    for centre, radius in zip(positions, radii, strict=True):
        window = tuple(
            slice(*np.searchsorted(axes[i], centre[i] + np.array([-1, 1]) * (radius + reach)))
            for i in range(3)
        )
        z, y, x = (axes[i][window[i]] - centre[i] for i in range(3))
        ball = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2) - radius
        surface[window] = np.minimum(surface[window], ball)
    grown = ndimage.binary_fill_holes(surface < reach)
    inside = ndimage.distance_transform_edt(grown, sampling=spacing)
    outside = ndimage.distance_transform_edt(~grown, sampling=spacing)
    distance = ndimage.gaussian_filter(inside - outside - reach, 1.0)
    return Hull(distance.astype(np.float32), origin, spacing)
