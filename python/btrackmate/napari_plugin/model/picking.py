"""Which spot a click means."""

import numpy as np
from numpy.typing import NDArray

from btrackmate.napari_plugin.model.scene import Scene

FloatArray = NDArray[np.float64]
#: A click farther from all spots than so many of their usual radii means none.
_RADII = 2.0


def pick_spot(
    scene: Scene,
    frame: int,
    point: FloatArray,
    reach: float,
    direction: FloatArray | None = None,
    shown: NDArray[np.bool_] | None = None,
) -> int | None:
    """Find the spot that a click means.

    Parameters
    ----------
    scene : Scene
    frame : int
        The frame that is shown.
    point : (2 or 3,) ndarray of float
        Where the click went, [z,] y, x in the space unit.
    reach : float
        Usual radius of a spot, in the space unit.
    direction : (3,) ndarray of float, optional
        Of the line of sight through `point`; else the click went to the very place.
    shown : (n,) ndarray of bool, optional
        Spots that can be seen; by default all.

    Returns
    -------
    int or None
        Id of the spot; along a line of sight, the nearest to the eye of those that it hits.
    """
    rows = scene.rows_in(frame, frame)
    if shown is not None:
        rows = rows[shown[rows]]
    if not rows.size:
        return None
    offset = scene.points[rows] - point
    if direction is None:
        away = np.sqrt((offset**2).sum(axis=1))
        best = int(np.argmin(away))
        return int(scene.id[rows[best]]) if away[best] <= _RADII * reach else None
    unit = direction / np.sqrt((direction**2).sum())
    along = offset @ unit
    away = np.sqrt(np.maximum((offset**2).sum(axis=1) - along**2, 0))
    hit = away <= reach
    if hit.any():
        return int(scene.id[rows[hit][int(np.argmin(along[hit]))]])
    best = int(np.argmin(away))
    return int(scene.id[rows[best]]) if away[best] <= _RADII * reach else None


def usual_radius(radius: FloatArray, spacing: tuple[float, ...]) -> float:
    """Give the median radius of spots; where none is known, eight pixels."""
    known = radius[np.isfinite(radius) & (radius > 0)]
    return float(np.median(known)) if known.size else 8.0 * spacing[-1]
