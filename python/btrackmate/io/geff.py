"""GEFF, the Zarr format of cell tracking graphs, through the geff package's array interface."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate import __version__ as version
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_atomically
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import find_column
from btrackmate.core.spots import Spots
from btrackmate.io.units import NGFF_NAMES

_UNITS = {name: unit for unit, name in NGFF_NAMES.items()}
_DERIVED = ("track", "tracklet")


def write_geff(path: Path, graph: TrackGraph) -> None:
    """Write tracks as GEFF.

    Parameters
    ----------
    path : Path
        Folder, by convention ``….geff``; replaced if it exists.
    graph : TrackGraph
        Positions are node properties x, y, z in physical units, time is the property `frame`, whose
        scale is the time step. Each numeric feature is a property of its own, missing values are
        marked as missing; columns of text are left out. Tracks are GEFF's lineages.

    References
    ----------
    GEFF specification 1.x, https://liveimagetrackingtools.org/geff/
    """
    from geff.core_io import write_arrays

    spots = graph.spots
    metadata = _make_metadata(graph)
    numeric = spots.table.select_dtypes(["number", "bool"]).columns
    columns = [str(name) for name in numeric if name != "id"]
    if spots.ndim == 2:
        columns.remove("z")
    node_props = {name: _as_property(spots.table[name]) for name in columns}
    node_props["track"] = {"values": graph.track, "missing": graph.track < 0}
    node_props["tracklet"] = {"values": graph.tracklet, "missing": None}
    edge_props = {
        name: {"values": values, "missing": np.isnan(values)}
        for name, values in (("cost", graph.cost), ("confidence", graph.confidence))
        if not np.isnan(values).all()
    }
    ids = spots.id.astype(np.uint64)
    edges = np.stack([ids[graph.source], ids[graph.target]], axis=1)
    with write_atomically(path) as temporary:
        write_arrays(
            temporary, ids, node_props, edges, edge_props, metadata, structure_validation=False
        )


def read_geff(path: Path) -> TrackGraph:
    """Read tracks from GEFF, ours or another program's.

    Parameters
    ----------
    path : Path
        Folder. Its axes must name one time axis and x and y (z is 0 where it is missing).

    Returns
    -------
    TrackGraph
        Time points that are no integers 0, 1, … are numbered by their order. Text properties are
        left out.

    Raises
    ------
    UserError
        If it is no GEFF, or its axes do not name time, x and y.
    """
    from geff.core_io import read_to_memory

    if not path.is_dir():
        msg = f"{path}: no such folder; give a .geff folder"
        raise UserError(msg)
    try:
        content = read_to_memory(path)
    except (ValueError, KeyError, FileNotFoundError, TypeError) as error:
        msg = f"{path}: not readable as GEFF: {' '.join(str(error).split())}"
        raise UserError(msg) from None
    metadata = content["metadata"]
    names = _find_axes(metadata.axes or [], path)
    ids = np.asarray(content["node_ids"]).astype(np.int64)
    table = pd.DataFrame({"id": ids})
    for name, prop in content["node_props"].items():
        values = np.asarray(prop["values"])
        if values.ndim != 1 or values.dtype.kind not in "biuf" or name in _DERIVED:
            continue
        table[_column_of(name, names)] = _with_missing(values, prop["missing"])
    calibration, own = _read_calibration(metadata, names)
    table["frame"] = _number_frames(table["frame"])
    spots = Spots.from_table(
        table,
        calibration,
        ndim=3 if "z" in names.values() else 2,
        n_frames=own.get("n_frames"),
        source=str(path),
    )
    edges = np.asarray(content["edge_ids"]).reshape(-1, 2).astype(np.int64)
    links = {
        name: _with_missing(np.asarray(prop["values"], np.float64), prop["missing"])
        for name, prop in content["edge_props"].items()
        if name in ("cost", "confidence")
    }
    return TrackGraph.from_ids(
        spots, edges[:, 0], edges[:, 1], links.get("cost"), links.get("confidence")
    )


def _make_metadata(graph: TrackGraph) -> Any:
    from geff import GeffMetadata
    from geff_spec import Axis, PropMetadata

    spots = graph.spots
    calibration = spots.calibration
    space = NGFF_NAMES.get(calibration.space_unit)
    axes = [
        Axis(
            name="frame",
            type="time",
            scale=calibration.dt,
            scaled_unit=NGFF_NAMES.get(calibration.time_unit),
            **_range(spots.table["frame"]),
        )
    ]
    for name in "zyx"[3 - spots.ndim :]:
        axes.append(Axis(name=name, type="space", unit=space, **_range(spots.table[name])))
    described = {}
    for name in spots.table.select_dtypes(["number", "bool"]).columns:
        column = find_column(str(name))
        if column is None or name == "id" or (name == "z" and spots.ndim == 2):
            continue
        described[str(name)] = PropMetadata(
            identifier=str(name),
            dtype=str(spots.table[name].dtype),
            unit=column.unit(calibration) or None,
            name=column.label,
        )
    return GeffMetadata(
        directed=True,
        axes=axes,
        node_props_metadata=described,
        edge_props_metadata={},
        sphere="radius" if "radius" in spots.table else None,
        track_node_props={"lineage": "track", "tracklet": "tracklet"},
        extra={
            "btrackmate": {
                "version": version,
                "calibration": asdict(calibration),
                "n_frames": spots.n_frames,
            }
        },
    )


def _range(values: "pd.Series[Any]") -> dict[str, float]:
    if not len(values):
        return {}
    return {"min": float(values.min()), "max": float(values.max())}


def _as_property(values: "pd.Series[Any]") -> dict[str, Any]:
    array = values.to_numpy()
    missing = np.isnan(array) if array.dtype.kind == "f" else None
    return {"values": array, "missing": missing if missing is not None and missing.any() else None}


def _with_missing(values: NDArray[Any], missing: NDArray[np.bool_] | None) -> NDArray[Any]:
    if missing is None or not np.any(missing):
        return values
    return np.where(missing, np.nan, values.astype(np.float64))


def _find_axes(axes: list[Any], path: Path) -> dict[str, str]:
    """Map the names of the axes to our columns frame, x, y, z."""
    names = {axis.name: "frame" for axis in axes if axis.type == "time"}
    if len(names) != 1:
        msg = f"{path}: its axes name {len(names)} time axes, expected one"
        raise UserError(msg)
    space = [axis.name for axis in axes if axis.type == "space" or axis.name.lower() in "xyz"]
    for name in space:
        letter = name.lower()[-1:]
        if letter in ("x", "y", "z") and letter not in names.values():
            names[name] = letter
    if not {"x", "y"} <= set(names.values()):
        msg = f"{path}: its space axes are {space}, expected x and y (and z)"
        raise UserError(msg)
    return names


def _column_of(name: str, axes: dict[str, str]) -> str:
    """Give the column of a property; one that would hide an axis keeps apart."""
    if name in axes:
        return axes[name]
    return f"{name}_property" if name in axes.values() or name == "id" else name


def _number_frames(values: "pd.Series[Any]") -> NDArray[np.int64]:
    array = values.to_numpy()
    if np.all(array == np.floor(array)) and (array >= 0).all():
        return array.astype(np.int64)
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _read_calibration(metadata: Any, names: dict[str, str]) -> tuple[Calibration, dict[str, Any]]:
    own: dict[str, Any] = (metadata.extra or {}).get("btrackmate", {})
    if "calibration" in own:
        return Calibration(**own["calibration"]), own
    space_unit, time_unit, dt = "pixel", "frame", 1.0
    for axis in metadata.axes:
        if names.get(axis.name) == "frame":
            dt = float(axis.scale or 1.0)
            unit = axis.scaled_unit or axis.unit
            time_unit = _UNITS.get(unit, unit) or "frame"
        elif axis.unit:
            space_unit = _UNITS.get(axis.unit, axis.unit)
    return Calibration(dt=dt, space_unit=space_unit, time_unit=time_unit), own
