"""Rays that all shapes of a network share: boxes, volumes, and the triangle of every offset."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.compiled import njit

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

#: Offsets that a table may hold (256 MB); larger shapes need another way.
MAX_OFFSETS = 1 << 27


@dataclass(frozen=True)
class RayTable:
    """Which triangle of rays each voxel offset lies between.

    Parameters
    ----------
    faces : (n_faces, 3) ndarray of int32
        Rays of each triangle.
    inverse : (n_faces, 3, 3) ndarray of float64
        An offset times it gives the offset's parts along the triangle's three rays.
    lookup : (2·half + 1, …) ndarray of uint16
        Triangle of each offset (z, y, x), from -half to half.
    half : (3,) ndarray of int64
        Largest offset along z, y, x.
    """

    faces: Int32
    inverse: Float64
    lookup: NDArray[np.uint16]
    half: Int64


def find_boxes(points: Int64, distance: Float32, vertices: Float32) -> Int32:
    """Find the boxes around polyhedra, ends included, as StarDist rounds them.

    Parameters
    ----------
    points : (n, 3) ndarray of int
        Centres, in voxels.
    distance : (n, rays) ndarray of float32
        Distance to the surface along each ray.
    vertices : (rays, 3) ndarray of float32
        End of each ray of length 1 (z, y, x).

    Returns
    -------
    (n, 6) ndarray of int32
        z, y, x of the lowest and of the highest corner, relative to the centre.
    """
    boxes = np.zeros((len(points), 6), np.int32)
    for axis in range(3):
        ends = distance * vertices[:, axis]
        boxes[:, axis] = np.rint(ends.min(axis=1, initial=0))
        boxes[:, axis + 3] = np.rint(ends.max(axis=1, initial=0))
    return boxes


def measure_volumes(distance: Float32, vertices: Float32, faces: Int32) -> Float64:
    """Measure the volumes of polyhedra, in voxels.

    Parameters
    ----------
    distance : (n, rays) ndarray of float32
    vertices : (rays, 3) ndarray of float32
    faces : (n_faces, 3) ndarray of int32

    Returns
    -------
    (n,) ndarray of float64
        Sum over the triangles of the tetrahedra between them and the centre.
    """
    unit = np.abs(np.linalg.det(vertices[faces].astype(np.float64))) / 6
    volumes: Float64 = _sum_tetrahedra(distance, faces, unit)
    return volumes


def make_table(vertices: Float32, faces: Int32, boxes: Int32) -> RayTable | None:
    """Make the table of rays for shapes with these boxes.

    Parameters
    ----------
    vertices : (rays, 3) ndarray of float32
    faces : (n_faces, 3) ndarray of int32
    boxes : (n, 6) ndarray of int32
        From `find_boxes`.

    Returns
    -------
    RayTable or None
        None if it would have more than `MAX_OFFSETS` entries.
    """
    half = np.abs(boxes).reshape(-1, 3).max(axis=0).astype(np.int64)
    if np.prod(2.0 * half + 1) > MAX_OFFSETS:
        return None
    inverse = np.linalg.inv(vertices[faces].astype(np.float64))
    return RayTable(faces, inverse, _look_up(inverse, half), half)


@njit(cache=True, nogil=True)
def _sum_tetrahedra(distance: Any, faces: Any, unit: Any) -> Any:
    volumes = np.zeros(len(distance))
    for i in range(len(distance)):
        for f in range(len(faces)):
            volumes[i] += (
                unit[f]
                * float(distance[i, faces[f, 0]])
                * float(distance[i, faces[f, 1]])
                * float(distance[i, faces[f, 2]])
            )
    return volumes


@njit(cache=True, nogil=True)
def _least_part(inverse: Any, f: Any, z: Any, y: Any, x: Any) -> Any:
    """Give the least of an offset's parts along the three rays of triangle f; ≥ 0 inside."""
    m = inverse[f]
    a = z * m[0, 0] + y * m[1, 0] + x * m[2, 0]
    b = z * m[0, 1] + y * m[1, 1] + x * m[2, 1]
    c = z * m[0, 2] + y * m[1, 2] + x * m[2, 2]
    return min(a, min(b, c))


@njit(cache=True, nogil=True)
def _look_up(inverse: Any, half: Any) -> Any:
    """Find the triangle of every offset; mostly it is that of the offset before."""
    hz, hy, hx = half
    lookup = np.zeros((2 * hz + 1, 2 * hy + 1, 2 * hx + 1), np.uint16)
    for k in range(2 * hz + 1):
        z = k - hz
        f = 0
        for y in range(-hy, hy + 1):
            for x in range(-hx, hx + 1):
                best = _least_part(inverse, f, z, y, x)
                if best < 0:
                    for other in range(len(inverse)):
                        part = _least_part(inverse, other, z, y, x)
                        if part > best:
                            best = part
                            f = other
                            if part >= 0:
                                break
                lookup[k, y + hy, x + hx] = f
    return lookup
