"""Writing GEFF, the Zarr format of cell tracking graphs.

Written with zarr alone, as loading the geff package takes longer than a small file; tests read what
is written with that package, which validates it.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from btrackmate import __version__ as version
from btrackmate.core.calibration import Calibration
from btrackmate.core.files import write_atomically
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import find_column
from btrackmate.core.scratch import cut_rows, make_array
from btrackmate.io.units import NGFF_NAMES

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger(__name__)

#: Version of the specification that is written.
GEFF_VERSION = "1.3"
#: Attribute beside GEFF's own, by which a graph is known that no other program wrote anew: all of
#: its chunks are there.
WRITTEN_BY = "btrackmate"
#: Properties of tracks that follow from the links.
DERIVED = ("track", "tracklet")
#: What a folder may be called on every system, and in Zarr; a feature's name may be anything.
_ILLEGAL = re.compile(r"[^\w \-.]|^[. ]|[. ]$")
_DEVICES = (
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(10)),
)
_RESERVED = frozenset((*DERIVED, "zarr.json", *_DEVICES))
_LONGEST = 60


def write_geff(path: Path, graph: TrackGraph, track_ids: NDArray[np.int64] | None = None) -> None:
    """Write tracks as GEFF.

    Parameters
    ----------
    path : Path
        Folder, by convention ``….geff``; replaced if it exists.
    graph : TrackGraph
        Positions are node properties x, y, z in physical units, time is the property `frame`, whose
        scale is the time step. Each numeric feature is a property of its own, missing values are
        marked as missing; columns of text are left out. A property whose name no folder may have
        is written under another, and keeps its name in the metadata. Tracks are GEFF's lineages.
    track_ids : (n_tracks,) ndarray of int, optional
        Numbers of the tracks; by default 0 … n−1.

    References
    ----------
    GEFF specification 1.x, https://liveimagetrackingtools.org/geff/
    """
    spots = graph.spots
    numeric = spots.table.select_dtypes(["number", "bool"], exclude="timedelta").columns
    columns = [str(name) for name in numeric if name != "id"]
    text = [str(name) for name in spots.table if name not in numeric]
    if text:
        _log.warning("%s: columns of text are left out: %s", path, ", ".join(text))
    flat = spots.ndim == 2 and not (spots.table["z"] != 0).any()
    if flat:
        columns.remove("z")
    identifiers = make_identifiers(columns)
    node_props = {identifiers[name]: _as_property(spots.table[name]) for name in columns}
    metadata = _make_metadata(graph, identifiers, node_props, flat=flat)
    node_props["track"] = {"values": graph.name_tracks(track_ids), "missing": graph.track < 0}
    node_props["tracklet"] = {"values": graph.tracklet, "missing": None}
    edge_props = {
        name: {"values": values, "missing": np.isnan(values)}
        for name, values in (("cost", graph.cost), ("confidence", graph.confidence))
        if not np.isnan(values).all()
    }
    described = metadata["node_props_metadata"]
    described |= _describe_rest(node_props, described)
    metadata["edge_props_metadata"] = _describe_rest(edge_props, {})
    ids = spots.id.view(np.uint64)
    edges = make_array((graph.n_links, 2), np.uint64)
    for rows in cut_rows(graph.n_links):
        for column, ends in enumerate((graph.source, graph.target)):
            edges[rows, column] = ids[ends[rows]]
    import zarr

    from btrackmate.io.zarr_store import CarefulStore

    with write_atomically(path) as temporary:
        store = CarefulStore(temporary)
        told = {"geff": metadata, WRITTEN_BY: version}
        root = zarr.open_group(store, mode="w", zarr_format=2, attributes=told)
        for place, numbers, props in (("nodes", ids, node_props), ("edges", edges, edge_props)):
            group = root.create_group(place)
            _write_array(group, "ids", numbers)
            folder = group.create_group("props")
            for name, prop in props.items():
                inside = folder.create_group(name)
                for part, values in prop.items():
                    if values is not None:
                        _write_array(inside, part, values)
        store.check_whole()


def _write_array(group: Any, name: str, values: NDArray[Any]) -> None:
    # geff refuses to read arrays whose chunks have no element
    chunks = tuple(max(side, 1) for side in values.shape) if values.size == 0 else "auto"
    # All chunks are written, so that a missing one is known to be lost.
    group.create_array(name, data=values, chunks=chunks, config={"write_empty_chunks": True})


def _describe_rest(props: dict[str, dict[str, Any]], known: dict[str, Any]) -> dict[str, Any]:
    """State the types of properties that are not described yet."""
    return {
        name: _describe_prop(name, str(prop["values"].dtype))
        for name, prop in props.items()
        if name not in known
    }


def _describe_prop(
    identifier: str, dtype: str, unit: str | None = None, name: str | None = None
) -> dict[str, Any]:
    return {
        "identifier": identifier,
        "dtype": dtype,
        "varlength": False,
        "unit": unit,
        "name": name,
        "description": None,
    }


def make_identifiers(names: Iterable[str]) -> dict[str, str]:
    """Give each feature an identifier that is a folder's name on every system, and no other's."""
    identifiers: dict[str, str] = {}
    taken = set(_RESERVED)
    for name in names:
        stem = _ILLEGAL.sub("_", name)[:_LONGEST] or "_"
        identifier, number = stem, 2
        while identifier.lower() in taken:
            identifier, number = f"{stem}_{number}", number + 1
        taken.add(identifier.lower())
        identifiers[name] = identifier
    return identifiers


def _make_metadata(
    graph: TrackGraph,
    identifiers: dict[str, str],
    props: dict[str, dict[str, Any]],
    *,
    flat: bool,
) -> dict[str, Any]:
    spots = graph.spots
    calibration = spots.calibration
    axes = [
        describe_axis(name, calibration) | _range(spots.table[name])
        for name in ("frame", *("yx" if flat else "zyx"))
    ]
    described = {}
    for name, identifier in identifiers.items():
        column = find_column(name)
        if column is None and name == identifier:
            continue
        column = column.in_space(spots.ndim) if column is not None else None
        described[identifier] = _describe_prop(
            identifier,
            str(props[identifier]["values"].dtype),
            (column.unit(calibration) or None) if column is not None else None,
            column.label if column is not None else name,
        )
    return {
        "geff_version": GEFF_VERSION,
        "directed": True,
        "axes": axes,
        "node_props_metadata": described,
        "edge_props_metadata": {},
        "sphere": "radius" if "radius" in spots.table else None,
        "track_node_props": {"lineage": "track", "tracklet": "tracklet"},
        "extra": {
            "btrackmate": {
                "version": version,
                "calibration": asdict(calibration),
                "n_frames": spots.n_frames,
                "ndim": spots.ndim,
                **({"searched": list(spots.searched)} if spots.searched else {}),
                "columns": {i: name for name, i in identifiers.items() if i != name},
            }
        },
    }


def describe_axis(name: str, calibration: Calibration) -> dict[str, Any]:
    """Describe the axis x, y, z or frame; all others as z."""
    if name != "frame":
        return {"name": name, "type": "space", "unit": NGFF_NAMES.get(calibration.space_unit)}
    axis = {"name": name, "type": "time", "unit": None}
    time = NGFF_NAMES.get(calibration.time_unit)
    return axis | ({"scale": float(calibration.dt), "scaled_unit": time} if time else {})


def _range(values: "pd.Series[Any]") -> dict[str, float]:
    if not len(values):
        return {}
    return {"min": float(values.min()), "max": float(values.max())}


def _as_property(values: "pd.Series[Any]") -> dict[str, Any]:
    """Give values of a type that GEFF has, and which are missing.

    Whole numbers and yes/no stay so where some are missing, as after adding a spot by hand.
    """
    kind: Any = values.dtype
    if isinstance(kind, np.dtype):
        array = values.to_numpy()
        missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.size, np.bool_)
    else:  # one of pandas' own types
        missing = values.isna().to_numpy()
        plain = kind.numpy_dtype if hasattr(kind, "numpy_dtype") else np.dtype(np.float64)
        nothing = np.nan if plain.kind == "f" else plain.type(0)
        array = values.to_numpy(dtype=plain, na_value=nothing)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    return {"values": array, "missing": missing if missing.any() else None}
