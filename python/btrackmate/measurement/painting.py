"""Painting label images anew: another number in place of each label."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from btrackmate.core.calibration import Calibration
from btrackmate.core.spots import Spots

#: Labels below this are looked up in a table.
_TABLE_SIZE = 1 << 24


def list_labels(image: NDArray[Any]) -> NDArray[np.int64]:
    """List the labels of an image of unsigned integers, ascending, without 0."""
    highest = int(image.max(initial=0))
    if highest >= _TABLE_SIZE:
        present = np.unique(image).astype(np.int64)
        return present[present > 0]
    seen = np.zeros(highest + 1, np.bool_)
    seen[image] = True
    return 1 + np.flatnonzero(seen[1:])


def paint_labels(
    image: NDArray[Any], labels: NDArray[np.int64], numbers: NDArray[np.integer[Any]]
) -> NDArray[np.uint32]:
    """Put a number in place of each label; a label that is not named becomes 0.

    Parameters
    ----------
    image : (..., Y, X) ndarray of unsigned int
        Labels up to 2³² − 1, 0 is background.
    labels : (n,) ndarray of int
        Labels > 0, each once, in any order; they need not be in the image.
    numbers : (n,) ndarray of int
        What each becomes, 0 to 2³² − 1.

    Returns
    -------
    (..., Y, X) ndarray of uint32
    """
    order = np.argsort(labels)
    known, new = labels[order], numbers[order].astype(np.uint32)
    highest = int(image.max(initial=0))
    if highest < _TABLE_SIZE:
        table = np.zeros(highest + 1, np.uint32)
        inside = known <= highest
        table[known[inside]] = new[inside]
        painted: NDArray[np.uint32] = table[image]
        return painted
    present, inverse = np.unique(image, return_inverse=True)
    place = np.searchsorted(known, present).clip(max=max(known.size - 1, 0))
    values = np.zeros(present.size, np.uint32)
    if known.size:
        found = known[place] == present
        values[found] = new[place[found]]
    painted = values[inverse].reshape(image.shape)
    return painted


def find_voxels(positions: NDArray[np.float64], size: Calibration) -> NDArray[np.int64]:
    """Give the voxel of each position, (n, 3), x, y, z; positions are in physical units."""
    voxels: NDArray[np.int64] = np.floor(positions / (size.dx, size.dy, size.dz) + 0.5).astype(
        np.int64
    )
    return voxels


def find_misplaced(
    image: NDArray[Any], labels: NDArray[np.int64], voxels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which cells are said to stand where they do not.

    Parameters
    ----------
    image : ([Z,] Y, X) ndarray of int
        Labels, 0 is background.
    labels : (n,) ndarray of int
        Label that each cell is said to have; 0 is never misplaced.
    voxels : (n, 3) ndarray of int
        Where its centre is said to be: x, y, z; z is not looked at in 2D.

    Returns
    -------
    (n,) ndarray of bool
        True where another label, or background, stands at the centre, which lies outside the box
        around the cell's own label (a bent cell's centre can lie on its neighbour); also where its
        label is not in the image, and another one stands at the centre.
    """
    places = voxels[:, ::-1][:, 3 - image.ndim :]
    wrong = (labels > 0) & ((places >= 0) & (places < image.shape)).all(axis=1)
    there = np.asarray(image[tuple(places[wrong].T)]).astype(np.int64)
    on_cell = np.zeros(wrong.size, np.bool_)
    on_cell[wrong] = there > 0
    wrong[wrong] = there != labels[wrong]
    if wrong.any():
        own, number = np.unique(labels[wrong], return_inverse=True)
        small = paint_labels(image, own, np.arange(1, own.size + 1))
        boxes = find_objects(small.astype(np.int32), own.size)
        wrong[wrong] = [
            lies_on if boxes[n] is None else not _is_in_box(place, boxes[n])
            for n, place, lies_on in zip(
                number.tolist(), places[wrong].tolist(), on_cell[wrong].tolist(), strict=True
            )
        ]
    return wrong


def _is_in_box(place: list[int], box: tuple[slice, ...]) -> bool:
    return all(side.start <= at < side.stop for at, side in zip(place, box, strict=True))


def tell_misplaced(spots: Spots, rows: NDArray[np.int64], movie: Any, tracks: Any) -> str:
    """Say in one line that label images are not those of the tracks.

    Parameters
    ----------
    spots : Spots
        All spots, with labels.
    rows : (n,) ndarray of int
        Rows of those that do not lie there.
    movie, tracks : Path or str
        Whose they are.
    """
    row = int(rows[0])
    first = f"spot {spots.id[row]}, label {int(spots.feature('label')[row])} in frame "
    first += f"{spots.frame[row]}"
    return (
        f"{len(rows)} of {len(spots)} spots of {tracks} do not lie on the cell of {movie} whose "
        f"label they have (first: {first}); if cells were numbered anew since, or these are of "
        "another movie, all that follows is wrong: track the label images again, or give those "
        "that the tracks were made of"
    )
