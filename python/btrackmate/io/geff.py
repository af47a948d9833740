"""Writing GEFF, the Zarr format of cell tracking graphs, through the geff package."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from btrackmate import __version__ as version
from btrackmate.core.files import write_atomically
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import find_column
from btrackmate.io.units import NGFF_NAMES

if TYPE_CHECKING:
    import pandas as pd

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


def write_geff(path: Path, graph: TrackGraph) -> None:
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

    References
    ----------
    GEFF specification 1.x, https://liveimagetrackingtools.org/geff/
    """
    from geff.core_io import write_arrays

    spots = graph.spots
    numeric = spots.table.select_dtypes(["number", "bool"]).columns
    columns = [str(name) for name in numeric if name != "id"]
    flat = spots.ndim == 2 and not (spots.table["z"] != 0).any()
    if flat:
        columns.remove("z")
    identifiers = make_identifiers(columns)
    metadata = _make_metadata(graph, identifiers, flat=flat)
    node_props = {identifiers[name]: _as_property(spots.table[name]) for name in columns}
    node_props["track"] = {"values": graph.track, "missing": graph.track < 0}
    node_props["tracklet"] = {"values": graph.tracklet, "missing": None}
    edge_props = {
        name: {"values": values, "missing": np.isnan(values)}
        for name, values in (("cost", graph.cost), ("confidence", graph.confidence))
        if not np.isnan(values).all()
    }
    ids = spots.id.astype(np.uint64)
    edges = np.stack([ids[graph.source], ids[graph.target]], axis=1)
    import zarr

    # All chunks are written, so that a missing one is known to be lost.
    with write_atomically(path) as temporary, zarr.config.set({"array.write_empty_chunks": True}):
        write_arrays(
            temporary, ids, node_props, edges, edge_props, metadata, structure_validation=False
        )


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


def _make_metadata(graph: TrackGraph, identifiers: dict[str, str], *, flat: bool) -> Any:
    from geff import GeffMetadata
    from geff_spec import Axis, PropMetadata

    spots = graph.spots
    calibration = spots.calibration
    space, time = NGFF_NAMES.get(calibration.space_unit), NGFF_NAMES.get(calibration.time_unit)
    axes = [
        Axis(
            name="frame",
            type="time",
            **({"scale": calibration.dt, "scaled_unit": time} if time else {}),
            **_range(spots.table["frame"]),
        )
    ]
    for name in "yx" if flat else "zyx":
        axes.append(Axis(name=name, type="space", unit=space, **_range(spots.table[name])))
    described = {}
    for name, identifier in identifiers.items():
        column = find_column(name)
        if column is None and name == identifier:
            continue
        column = column.in_space(spots.ndim) if column is not None else None
        described[identifier] = PropMetadata(
            identifier=identifier,
            dtype=str(spots.table[name].dtype),
            unit=(column.unit(calibration) or None) if column is not None else None,
            name=column.label if column is not None else name,
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
                "whole": True,
                "calibration": asdict(calibration),
                "n_frames": spots.n_frames,
                "ndim": spots.ndim,
                "columns": {i: name for name, i in identifiers.items() if i != name},
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
