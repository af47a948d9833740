"""The files that arrays are read from, also behind dask and xarray."""

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np


def find_files(*arrays: Any) -> list[Path]:
    """Name the files that arrays are read from, as others may change them while they are.

    Those are mapped files (also behind views of them), Zarr's, HDF5's, TIFFs that tifffile gives as
    Zarr, and what dask reads: such arrays, and files that its tasks name. What is not there, or
    not known to be a file, is left out.
    """
    found: set[Path] = set()
    waiting = [array for array in arrays if not isinstance(array, str | os.PathLike)]
    seen: dict[int, Any] = {}  # Held, so that none gets another's number.
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if isinstance(one, str | os.PathLike):
            found.update(_find_named(one))
            continue
        found.update(path for path in _find_own(one) if path.exists())
        waiting.extend(_look_behind(one))
    return sorted(found)


def _find_named(name: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the file that a task names; other texts are names of tasks and settings."""
    text = os.fspath(name)
    if isinstance(text, str) and (os.sep in text or "." in text) and "\0" not in text:
        path = Path(text)
        if os.path.isfile(path):  # noqa: PTH113 - it takes names that are too long.
            yield path


def _find_own(one: Any) -> Iterator[Path]:
    """Give the files that an object itself reads from."""
    library = _library(one)
    if isinstance(one, np.memmap) and one.filename is not None:
        yield Path(one.filename)
    elif library == "zarr":
        store = getattr(one, "store", None)
        if (root := getattr(store, "root", None)) is not None:
            yield Path(root, str(getattr(one, "path", "")))
        elif isinstance(path := getattr(store, "path", None), str | Path):
            yield Path(path)
        for series in getattr(store, "_data", None) or () if _library(store) == "tifffile" else ():
            yield Path(series.parent.filehandle.path)
    elif library == "h5py" and hasattr(one, "file"):
        yield Path(one.file.filename)
    elif library == "xarray" and isinstance(name := getattr(one, "_filename", None), str):
        yield Path(name)


def _look_behind(one: Any) -> Iterable[Any]:
    """Give what an object takes its values from."""
    if isinstance(one, np.ndarray):
        return () if one.base is None else (one.base,)
    library = _library(one)
    if library == "dask":  # Before mappings: layers are such, and would make all their tasks.
        return _look_behind_dask(one)
    if isinstance(one, Mapping):
        return one.values()
    if isinstance(one, list | tuple | set | frozenset):
        return one
    if isinstance(one, partial):
        return (one.func, *one.args, *one.keywords.values())
    if library == "xarray":
        names = ("variable", "_data", "array", "_array", "datastore")
        return [getattr(one, name) for name in names if hasattr(one, name)]
    return ()


def _look_behind_dask(one: Any) -> Iterable[Any]:
    if hasattr(one, "__dask_graph__"):
        graph = one.__dask_graph__()
        layers = getattr(graph, "layers", None) or {"": graph}
        return layers.values()
    # Of a layer of tasks that are alike what they have in common; of one task what it is given.
    names = ("task", "indices", "io_deps", "mapping", "args", "kwargs", "value")
    return [getattr(one, name) for name in names if hasattr(one, name)]


def _library(one: Any) -> str:
    return type(one).__module__.partition(".")[0]
