"""The arrays of a label movie in OME-Zarr: the voxels, and smaller copies for viewers."""

import itertools
import threading
from pathlib import Path
from typing import Any

import numpy as np
import zarr
import zarr.errors
from numcodecs import Blosc
from zarr.codecs import BloscCodec

from btrackmate.core.calibration import Calibration
from btrackmate.io.units import NGFF_NAMES, NgffVersion

_CHUNK_ZYX = (64, 512, 512)
#: Rows and columns that the smallest copy has at most; smaller movies have no copies.
_SMALL = 512
#: How the chunks of Zarr 2 and 3 are kept.
_ZARR_2: dict[str, Any] = {
    "compressors": Blosc(cname="zstd", clevel=3, shuffle=Blosc.SHUFFLE),
    "chunk_key_encoding": {"name": "v2", "separator": "/"},
}
_ZARR_3: dict[str, Any] = {
    "compressors": BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),
    "chunk_key_encoding": {"name": "default", "separator": "/"},
}
#: Slices and rows or columns of a copy that are made at a time.
_BOX_ZYX = (16, 1024, 1024)

_setting = threading.Lock()


def list_factors(shape: tuple[int, ...]) -> list[int]:
    """List by how much each smaller copy of a movie (…, Y, X) is smaller in y and x: 2, 4, …."""
    factors: list[int] = []
    while max(shape[-2:]) > _SMALL * 2 ** len(factors):
        factors.append(2 ** (len(factors) + 1))
    return factors


def create_arrays(
    path: Path,
    name: str,
    shape: tuple[int, int, int, int],
    calibration: Calibration,
    *,
    ndim: int,
    version: NgffVersion,
) -> None:
    """Make the group of a label movie, with its arrays, uint32.

    Parameters
    ----------
    path : Path
        The folder, which is made.
    name : str
        Of the image.
    shape : (T, Z, Y, X) tuple of int
    calibration : Calibration
    ndim : int
        Space dimensions; in 2D the axes are T, Y, X.
    version : str
        Of NGFF.
    """
    factors = [1, *list_factors(shape)]
    image = _describe(name, calibration, ndim, factors)
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    stored = shape if ndim == 3 else (shape[0], *shape[2:])
    names = [axis["name"] for axis in image["axes"]]
    for level, factor in enumerate(factors):
        small = (*stored[:-2], -(-stored[-2] // factor), -(-stored[-1] // factor))
        chunks = (1, *(min(n, c) for n, c in zip(small[1:], _CHUNK_ZYX[3 - ndim :], strict=True)))
        group.create_array(
            str(level),
            shape=small,
            chunks=chunks,
            dtype=np.uint32,
            fill_value=0,
            **(_ZARR_2 if version == "0.4" else _ZARR_3 | {"dimension_names": names}),
        )
    if version == "0.4":
        image = {"version": version, **image}
        group.attrs.update({"multiscales": [image], "image-label": {"version": version}})
    else:
        group.attrs["ome"] = {"version": version, "multiscales": [image], "image-label": {}}


def open_arrays(path: Path) -> list[Any] | None:
    """Open the arrays of a label movie, the voxels first; None where they are damaged."""
    try:
        # Empty chunks are written, so that a missing one is known to be lost. The setting is all
        # threads': one at a time sets it.
        with _setting, zarr.config.set({"array.write_empty_chunks": True}):
            group = zarr.open_group(path, mode="r+")
            levels = [group["0"]]
            levels += [group[str(n + 1)] for n in range(len(list_factors(levels[0].shape)))]
    except (zarr.errors.BaseZarrError, OSError, ValueError, KeyError, TypeError):
        return None
    return levels


def name_frame(array: Any, t: int) -> str:
    """Give the path, inside an array's folder, of the folder that holds a frame's chunks."""
    key: str = array.metadata.encode_chunk_key((t, *[0] * (array.ndim - 1)))
    return key.rsplit("/", array.ndim - 1)[0]


def fill_levels(levels: list[Any], t: int) -> None:
    """Make the smaller copies of frame t: every second row and column of the next larger one.

    Labels cannot be averaged; voxel 0 stays where it is, so that only the scale changes.
    """
    for large, small in itertools.pairwise(levels):
        sizes = _BOX_ZYX[-(small.ndim - 1) :]
        starts = [range(0, n, step) for n, step in zip(small.shape[1:], sizes, strict=True)]
        for corner in itertools.product(*starts):
            box = [slice(at, at + step) for at, step in zip(corner, sizes, strict=True)]
            source = [
                *box[:-2],
                *(slice(2 * side.start, 2 * side.stop, 2) for side in box[-2:]),
            ]
            small[(t, *box)] = large[(t, *source)]


def _describe(name: str, calibration: Calibration, ndim: int, factors: list[int]) -> dict[str, Any]:
    """Give what NGFF tells of an image (https://ngff.openmicroscopy.org/0.5/), but its version."""
    axes: list[dict[str, str]] = [{"name": "t", "type": "time"}]
    axes += [{"name": letter, "type": "space"} for letter in "zyx"[3 - ndim :]]
    units = [calibration.time_unit] + [calibration.space_unit] * ndim
    for axis, unit in zip(axes, units, strict=True):
        if unit in NGFF_NAMES:
            axis["unit"] = NGFF_NAMES[unit]
    spacing = (calibration.dt, *calibration.spacing(ndim))
    datasets = []
    for level, factor in enumerate(factors):
        scale = [*spacing[:-2], spacing[-2] * factor, spacing[-1] * factor]
        transformation = {"type": "scale", "scale": scale}
        datasets.append({"path": str(level), "coordinateTransformations": [transformation]})
    return {"name": name, "axes": axes, "datasets": datasets}
