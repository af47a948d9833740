"""Tracks to napari's plain layers and back, where there is no window of ours."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.ctc_tracks import link_tracklets
from btrackmate.io.time_steps import find_time_step, set_clock
from btrackmate.io.units import TIMES, convert, normalise_space_unit, normalise_time_unit
from btrackmate.napari_plugin.model.movies import LazyMovie
from btrackmate.napari_plugin.model.opening import Opened

_log = logging.getLogger(__name__)

#: The property that napari makes of a layer's data.
_NAPARIS = "track_id"

LayerData = tuple[Any, dict[str, Any], str]


def make_layers(opened: Opened) -> list[LayerData]:
    """Give image, labels and tracks as napari's layer data."""
    graph, layers = opened.graph, list[LayerData]()
    ndim = graph.spots.ndim
    for movie, kind in ((opened.image, "image"), (opened.labels, "labels")):
        if movie is None:
            continue
        scale = (1.0, *movie.calibration.spacing(ndim))
        for channel in range(movie.shape[1]):
            name = f"{movie.path.name} {channel + 1}" if movie.shape[1] > 1 else movie.path.name
            layers.append((LazyMovie(movie, channel, ndim), {"name": name, "scale": scale}, kind))
    tracks = graph.to_napari()
    if len(tracks["data"]):
        data = tracks.pop("data")
        layers.append((data, {"name": opened.path.name, **tracks}, "tracks"))
    return layers


def read_layer(
    data: NDArray[Any], options: dict[str, Any], tell: Callable[[str], object] = _log.warning
) -> TrackGraph:
    """Make tracks of the data of any Tracks layer.

    Parameters
    ----------
    data : (n, 4 or 5) array
        Track, frame, [z,] y, x in voxels of `scale`. Times that are no whole frames are counted in
        their step.
    options : dict
        Of the layer: scale, graph, properties.
    tell : callable
        Told of properties that are left out: texts, and places that are others than the data's.

    Raises
    ------
    UserError
        If times are no whole frames and have no common step, or the layer is turned or sheared.
    """
    _check_placing(options)
    properties = options.get("properties") or {}
    ids = _find_ids(properties)
    order = np.lexsort((data[:, 0] if ids is None else ids, data[:, 1]))
    data = np.asarray(data, np.float64)[order]
    ndim = data.shape[1] - 2
    scale = np.asarray(options.get("scale", np.ones(ndim + 1)), np.float64)[-ndim - 1 :]
    translate = np.asarray(options.get("translate", np.zeros(ndim + 1)), np.float64)[-ndim - 1 :]
    factors, space_unit, time_unit = _read_units(options, ndim)
    scale[1:] *= factors
    translate[1:] *= factors
    names = ["z", "y", "x"][3 - ndim :]
    table = pd.DataFrame(data[:, 2:] * scale[1:] + translate[1:], columns=names)
    frame, step = _count_frames(data[:, 1] + translate[0] / scale[0])
    table.insert(0, "frame", frame)
    if ids is not None:
        table.insert(0, "id", ids[order])
    left_out = []
    for name, values in properties.items():
        numeric = np.asarray(values)[order]
        if name == _NAPARIS:
            continue
        if name in table:  # A place, or the id.
            if not np.array_equal(numeric, table[name]):
                left_out.append(name)
        elif numeric.dtype.kind in "biuf" and name != "id":
            table[name] = numeric.astype(np.int64) if numeric.dtype.kind == "b" else numeric
        else:
            left_out.append(name)
    if left_out:
        tell(f"the layer: properties {', '.join(left_out)} are left out")
    size = dict(zip(["dz", "dy", "dx"][3 - ndim :], scale[1:].tolist(), strict=True))
    dt = float(scale[0]) * step
    calibration = Calibration(dt=dt, space_unit=space_unit, time_unit=time_unit, **size)
    spots = Spots.from_table(table, calibration, ndim=ndim, source="the layer")
    return TrackGraph.from_links(
        spots,
        *link_tracklets(spots.frame, data[:, 0].astype(np.int64), _list_parents(options)),
    )


def _find_ids(properties: dict[str, Any]) -> NDArray[np.int64] | None:
    """Find the ids that a layer gives its spots."""
    ids = np.asarray(properties.get("id", ()))
    if ids.dtype.kind not in "iu" or not ids.size or np.unique(ids).size < ids.size:
        return None
    return ids.astype(np.int64) if ids.min() >= 0 else None


def _check_placing(options: dict[str, Any]) -> None:
    """Refuse layers whose positions are moved otherwise than by scale and translation."""
    for name in ("rotate", "shear", "affine"):
        given = np.asarray(options.get(name, 0.0), np.float64)
        if given.any() and not (given.ndim == 2 and np.array_equal(given, np.eye(len(given)))):
            msg = f"the layer has {name}, which its positions here do not have: apply it to the "
            msg += "data first"
            raise UserError(msg)


def _count_frames(times: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
    """Give the frames of a layer's times, and the time between two."""
    whole = times.round()
    if np.array_equal(whole, times):
        return whole.astype(np.int64), 1.0
    step = find_time_step(times)
    if step is None:
        msg = "the layer's times are no whole frames and have no common step: give it frames, and "
        msg += "the time between them as its scale"
        raise UserError(msg)
    _log.info("the layer: frames are counted in steps of %g", step)
    return set_clock(times, step).steps(times).round().astype(np.int64), step


def _list_parents(options: dict[str, Any]) -> pd.DataFrame:
    """List the parents of each track of a layer."""
    pairs = [
        (child, parent)
        for child, parents in (options.get("graph") or {}).items()
        for parent in np.atleast_1d(parents).tolist()
    ]
    return pd.DataFrame(pairs, columns=["label", "parent"], dtype=np.int64)


def _read_units(options: dict[str, Any], ndim: int) -> tuple[NDArray[np.float64], str, str]:
    """Give the factors that bring the axes of space to the unit of x, that unit, and that of time.

    Raises
    ------
    UserError
        If the units of two axes cannot be converted.
    """
    named = [str(unit) for unit in options.get("units") or ["pixel"] * (ndim + 1)][-ndim - 1 :]
    space = [normalise_space_unit(unit) for unit in named[1:]]
    factors = [convert(1.0, unit, space[-1]) for unit in space]
    if None in factors:
        msg = f"the layer's axes have the units {', '.join(named[1:])}, which cannot be converted"
        raise UserError(msg)
    time = normalise_time_unit(named[0])
    return np.array(factors, np.float64), space[-1], time if time in TIMES else "frame"
