"""What stands in a GEFF beside its numbers: notes of ours, and what is not read."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from btrackmate.core.calibration import Calibration
from btrackmate.core.schema import Column, find_column, find_key
from btrackmate.io.geff import DERIVED, WRITTEN_BY, describe_axis
from btrackmate.io.size_units import SIZES
from btrackmate.io.units import read_unit

_log = logging.getLogger(__name__)

#: Properties of links that are read, and which column each is.
_COSTS = {"cost": "cost", "LINK_COST": "cost", "confidence": "confidence",
          "LINK_CONFIDENCE": "confidence"}  # fmt: skip


def find_own(metadata: Any, path: Path) -> dict[str, Any]:
    """Give what BTrackMate noted beside the graph, without what is stale.

    As where another program read the graph and wrote it with other units, but all of its metadata:
    then the calibration is left out, but for the voxel size (`spacing`) where space is as it was.
    """
    own = find_notes(metadata)
    if "calibration" not in own:
        return own
    calibration = Calibration(**own["calibration"])
    changed = [axis for axis in metadata.axes or () if not _is_as_written(axis, calibration)]
    if not changed:
        return own
    in_space = any(axis.type == "space" for axis in changed)
    _log.warning(
        "%s: its axis %s is not as BTrackMate wrote it, as another program did since: the axes "
        "count%s", path, changed[0].name, ", and the voxel size is not known" if in_space else "",
    )  # fmt: skip
    spacing = {} if in_space else {name: own["calibration"][name] for name in ("dx", "dy", "dz")}
    return {"columns": own.get("columns", {}), "spacing": spacing}


def _is_as_written(axis: Any, calibration: Calibration) -> bool:
    written = describe_axis(axis.name, calibration)
    names = ("unit", "scale", "scaled_unit", "offset")
    return all(getattr(axis, name) == written.get(name) for name in names)


def find_notes(metadata: Any) -> dict[str, Any]:
    """Give what BTrackMate noted beside a graph, as it stands there."""
    notes: dict[str, Any] = (metadata.extra or {}).get("btrackmate", {})
    return notes


def find_left_out(reader: Any) -> dict[str, list[str]]:
    """Name what is not read, by kinds; those that there are."""
    metadata = reader.metadata
    nodes = list_numbers(reader.node_props, metadata.node_props_metadata)
    links = list_numbers(reader.edge_props, metadata.edge_props_metadata)
    costs = find_costs(metadata.edge_props_metadata, links).values()
    others = set(metadata.extra or {}) - {"btrackmate"}
    others |= set(reader.group.attrs) - {"geff", WRITTEN_BY}
    described = [*_list_described(metadata, nodes), *_list_described_links(metadata, costs)]
    found = {
        "numbers of tracks": sorted(list_numbers_of_tracks(metadata) & set(reader.node_props)),
        "properties that are no numbers": sorted(set(reader.node_props) - set(nodes)),
        "properties of links": sorted(set(reader.edge_props) - set(costs)),
        "units, names or descriptions of properties": described,
        "metadata": sorted(others | _list_objects(metadata)),
    }
    return {what: names for what, names in found.items() if names}


def list_numbers_of_tracks(metadata: Any) -> set[str]:
    """Name the properties that are numbers of tracks, which follow from the links; not ours."""
    ours = DERIVED if find_notes(metadata) else ()
    return set((metadata.track_node_props or {}).values()) - set(ours)


def _list_objects(metadata: Any) -> set[str]:
    """Name what metadata hold beside axes and properties."""
    names = ("related_objects", "display_hints")
    return {name for name in names if getattr(metadata, name, None)}


def _list_described(metadata: Any, names: Iterable[str]) -> list[str]:
    """List the properties of nodes whose units, names or descriptions are not those of columns."""
    ours = {axis.name for axis in metadata.axes or ()} | {metadata.sphere}
    notes = find_notes(metadata)
    renamed = notes.get("columns", {})
    found = []
    for name in names:
        told = metadata.node_props_metadata[name]
        column = find_column(name) or find_key(name)
        is_read = column is not None and (bool(notes) or _is_read(column, told.unit or ""))
        is_known = name in ours or is_read
        called = told.name not in (None, name, renamed.get(name))
        if not is_known and (told.unit or told.description or called):
            found.append(name)
    return sorted(found)


def _is_read(column: Column, unit: str) -> bool:
    """Tell whether the unit of a column is heeded, or says nothing that counts."""
    return column.dimension not in SIZES or not unit.strip() or bool(read_unit(unit)[0])


def _list_described_links(metadata: Any, names: Iterable[str]) -> list[str]:
    """List the properties of links that have a unit or a description."""
    told = {name: metadata.edge_props_metadata[name] for name in names}
    return sorted(name for name, one in told.items() if one.unit or one.description)


def list_numbers(props: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """List the properties that are one number for each node or link."""
    return [
        name
        for name, prop in props.items()
        if prop["values"].ndim == 1
        and np.dtype(described[name].dtype).kind in "biuf"
        and not described[name].varlength
    ]


def find_costs(described: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """Name the properties that are cost and confidence of the links, where there are such."""
    numbers = {name for name in names if np.dtype(described[name].dtype).kind in "iuf"}
    found: dict[str, str] = {}
    for name, column in _COSTS.items():  # Zarr finds properties in any order
        if name in numbers:
            found.setdefault(column, name)
    return found
