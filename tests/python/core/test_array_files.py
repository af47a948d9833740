"""Files behind arrays: those that another program may rewrite while they are read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr
from dask import delayed

import btrackmate as bt
from btrackmate.core.array_files import find_files
from btrackmate.core.errors import UserError


def make_movie(cells: int) -> np.ndarray:
    movie = np.zeros((12, 4, 16, 16), np.uint16)
    for n in range(cells):
        movie[:, 1:3, 5 * n : 5 * n + 4, 2:6] = n + 1
    return movie


def write_zarr(folder: Path, movie: np.ndarray) -> Path:
    path = folder / "a.zarr"
    chunks = (1, *movie.shape[1:])
    array = zarr.open(path, mode="w", shape=movie.shape, chunks=chunks, dtype=movie.dtype)
    array[:] = movie
    return path


def write_tiff(folder: Path, movie: np.ndarray) -> Path:
    path = folder / "a.tif"
    tifffile.imwrite(path, movie, photometric="minisblack")
    return path


def write_h5(folder: Path, movie: np.ndarray) -> Path:
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("movie", data=movie, chunks=(1, *movie.shape[1:]))
    return path


def open_h5(path: Path) -> Any:
    return h5py.File(path, "r")["movie"]


def by_task(path: Path) -> Any:
    """Give what dask reads by a function that is given the file's name."""
    read = delayed(tifffile.imread)
    frames = [da.from_delayed(read(str(path), key=slice(4 * t, 4 * t + 4)), (4, 16, 16), np.uint16)
              for t in range(12)]  # fmt: skip
    return da.stack(frames)


KINDS: dict[str, tuple[Callable[..., Path], Callable[[Path], Any]]] = {
    "zarr": (write_zarr, lambda path: zarr.open(path, mode="r")),
    "dask.from_zarr": (write_zarr, da.from_zarr),
    "dask.from_array": (write_zarr, lambda path: da.from_array(zarr.open(path, mode="r"))),
    "dask computed": (write_zarr, lambda path: (da.from_zarr(path) * 1)[:, :, ::-1]),
    "xarray of dask": (write_zarr, lambda path: xr.DataArray(da.from_zarr(path), dims=[*"tzyx"])),
    "memmap": (write_tiff, lambda path: tifffile.memmap(path, mode="r")),
    "view of memmap": (write_tiff, lambda path: np.asarray(tifffile.memmap(path, mode="r"))[:, 1:]),
    "xarray of memmap": (
        write_tiff, lambda path: xr.DataArray(tifffile.memmap(path, mode="r"), dims=[*"tzyx"]),
    ),
    "tifffile as zarr": (
        write_tiff, lambda path: zarr.open(tifffile.imread(path, aszarr=True), mode="r"),
    ),
    "dask's tasks": (write_tiff, by_task),
    "h5": (write_h5, open_h5),
    "dask of h5": (write_h5, lambda path: da.from_array(open_h5(path))),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_files_behind_arrays_are_found(tmp_path: Path, kind: str) -> None:
    write, open_array = KINDS[kind]
    path = write(tmp_path, make_movie(3))
    assert find_files(open_array(path)) == [path]


def test_an_xarray_of_a_zarr_store_that_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    xr.Dataset({"movie": (tuple("tzyx"), make_movie(3))}).to_zarr(path, zarr_format=2)
    for chunks in (None, {}):
        found = find_files(xr.open_zarr(path, chunks=chunks)["movie"])
        assert [file.relative_to(path).as_posix() for file in found] == ["movie"]


def test_arrays_in_memory_and_names_that_are_none_have_no_file(tmp_path: Path) -> None:
    name = str(write_tiff(tmp_path, make_movie(1)))
    arrays = [make_movie(1), make_movie(1)[::2], da.zeros((2, 3)), zarr.zeros((2, 3)), name, None]
    assert find_files(*arrays) == []


@pytest.mark.parametrize("kind", ["dask.from_zarr", "view of memmap", "xarray of dask"])
def test_one_that_is_rewritten_while_it_is_measured_is_refused(tmp_path: Path, kind: str) -> None:
    write, open_array = KINDS[kind]
    path = write(tmp_path, make_movie(3))
    array = open_array(path)
    assert len(bt.measure(array)) == 36

    def rewrite(step: str, done: int, total: int) -> None:
        if done == 5:
            into = (
                zarr.open(path, mode="r+")
                if path.suffix == ".zarr"
                else tifffile.memmap(path, mode="r+")
            )
            into[:] = make_movie(1)

    with pytest.raises(UserError, match="was changed while it was read"):
        bt.measure(array, progress=rewrite)
