"""Reading GEFF, ours and other programs', through the geff package's array interface."""

import logging
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr
from numpy.typing import DTypeLike, NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.graph import TrackGraph
from btrackmate.core.paths import explain_missing
from btrackmate.core.schema import find_column, find_key
from btrackmate.core.scratch import ROWS, copy_array, cut_rows, make_array
from btrackmate.core.spots import Spots
from btrackmate.io.geff import DERIVED, WRITTEN_BY
from btrackmate.io.geff_axes import GeffAxes, find_axes, scale_positions, settle_frames
from btrackmate.io.geff_metadata import (
    find_costs,
    find_left_out,
    find_notes,
    find_own,
    list_numbers,
    list_numbers_of_tracks,
)
from btrackmate.io.link_order import link_forward
from btrackmate.io.ngff import ZARR_FAULTS, list_missing_chunks
from btrackmate.io.numbers import MAX_EXACT
from btrackmate.io.size_units import SizeScale
from btrackmate.io.time_steps import settle_interval
from btrackmate.io.units import normalise_space_unit
from btrackmate.io.zarr_store import ReadingStore

_log = logging.getLogger(__name__)

#: Values of a property, and which are missing where some are.
Prop = tuple[NDArray[Any], NDArray[np.bool_] | None]

#: Names of frames in other programs' graphs, beside TrackMate's FRAME.
_FRAMES = ("frame", "timepoint", "time_point")


def read_geff(path: Path) -> TrackGraph:
    """Read tracks from GEFF, ours or another program's.

    Parameters
    ----------
    path : Path
        Folder. Its axes must name time, x and y (z is 0 where it is missing).

    Returns
    -------
    TrackGraph
        Positions in the axes' units, after their scale and offset. Frames are the property FRAME
        where there is one, else counted from the time axis, whose values stay as `time`. Text and
        list properties are left out, and so are those of links other than cost and confidence; the
        log says so.

    Raises
    ------
    UserError
        If it is no GEFF, or its axes do not name time, x and y.

    References
    ----------
    GEFF specification 1.x, https://liveimagetrackingtools.org/geff/
    """
    content = _load(path)
    metadata = content.metadata
    own = find_own(metadata, path)
    props = _sort_props(content.node_props, list(metadata.node_props_metadata))
    axes = find_axes(metadata, list(props), path)
    for what, names_left in content.left_out.items():
        _log.warning("%s: %s are left out: %s", path, what, ", ".join(names_left))
    numbers = list_numbers_of_tracks(metadata)
    names = _name_columns(props, content.ids, axes, own, numbers)
    columns = {"id": content.ids}
    for name, column in names.items():
        values, missing = props.pop(name)  # so that it is not held twice
        columns[column] = _with_missing(values, missing)
    table = pd.DataFrame(columns, copy=False)
    if "calibration" in own:
        calibration = Calibration(**own["calibration"])
        if {"frame", "time"} <= set(table):
            frame, time = (table[name].to_numpy() for name in ("frame", "time"))
            dt = settle_interval(frame, time, calibration.dt, str(path), ("time", "time step"))
            calibration = replace(calibration, dt=dt)
    else:
        table, calibration = scale_positions(table, axes, path)
        calibration = replace(calibration, **own.get("spacing", {}))
        table, calibration = settle_frames(table, axes, calibration, path)
    ndim = own.get("ndim", 3 if _is_deep(table) else 2)
    table = _scale_sizes(table, axes, metadata, names, (calibration, ndim), own, path)
    n_frames = own.get("n_frames")
    if n_frames is not None and not content.ours and len(table):
        n_frames = max(n_frames, int(table["frame"].max()) + 1)
    spots = Spots.from_table(
        table,
        calibration,
        ndim=ndim,
        n_frames=n_frames,
        source=str(path),
    )
    spots = replace(spots, searched=_read_searched(own, spots.n_frames))
    edges = content.edges
    # Links of an undirected graph have no order that could be wrong.
    make = partial(link_forward, path) if metadata.directed else TrackGraph.from_ids
    try:
        return make(spots, edges[:, 0], edges[:, 1], **content.links)
    except UserError as error:
        msg = f"{path}: {error}"
        raise UserError(msg) from None


def list_left_out(path: Path) -> list[str]:
    """Name what a GEFF holds that is not read: written anew in its place, it would be lost.

    Raises
    ------
    UserError
        If it is no GEFF.
    """
    with _blame(path):
        left_out = find_left_out(_open(path))
    return [f"{what} {', '.join(names)}" for what, names in left_out.items()]


@dataclass(frozen=True)
class _Content:
    """What a GEFF holds: of its properties those that are one number a node, and costs of links.

    `node_props` gives values and, where some are missing, which; `links` cost and confidence;
    `left_out` names what is not read; `ours` tells whether no other program wrote it anew.
    """

    metadata: Any
    ids: NDArray[np.int64]
    edges: NDArray[np.int64]
    node_props: dict[str, Prop]
    links: dict[str, NDArray[np.float64]]
    left_out: dict[str, list[str]]
    ours: bool


def _sort_props(props: dict[str, Prop], told: list[str]) -> dict[str, Prop]:
    """Put properties in the order of the metadata: Zarr finds them in any.

    They are taken out of `props`, so that nothing else holds them.
    """
    names = [name for name in told if name in props]
    return {name: props.pop(name) for name in [*names, *sorted(set(props) - set(names))]}


@contextmanager
def _blame(path: Path) -> Iterator[None]:
    """Say of which file it is that Zarr or GEFF cannot read it."""
    try:
        yield
    except UserError:
        raise
    except ZARR_FAULTS as error:
        msg = f"{path}: not readable as GEFF: {describe_error(error)}"
        raise UserError(msg) from None


def _open(path: Path) -> Any:
    """Open a GEFF without reading the values of its properties."""
    from geff import GeffReader

    if not path.is_dir():
        msg = f"{path}: {explain_missing(path, 'folder')}; give a .geff folder"
        raise UserError(msg)
    with warnings.catch_warnings():
        # Of units that are none of NGFF's, as TrackMate's "sec"; we know them, or say so.
        warnings.simplefilter("ignore", UserWarning)
        reader = GeffReader(ReadingStore(path))
    reader.read_node_props()
    reader.read_edge_props()
    return reader


def _load(path: Path) -> _Content:
    with _blame(path):
        reader = _open(path)
        metadata = reader.metadata
        ours = WRITTEN_BY in reader.group.attrs or "whole" in find_notes(metadata)
        _check_complete(_find_incomplete(path), metadata, path, ours=ours)
        edge_props = _load_props(reader.edge_props, metadata.edge_props_metadata)
        costs = find_costs(metadata.edge_props_metadata, edge_props)
        return _Content(
            metadata,
            _load_ids(reader.nodes, path),
            _load_ids(reader.edges, path).reshape(-1, 2),
            _load_props(reader.node_props, metadata.node_props_metadata),
            {column: _read_cost(*edge_props[name]) for column, name in costs.items()},
            find_left_out(reader),
            ours,
        )


def _load_props(props: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Prop]:
    found: dict[str, Prop] = {}
    for name in list_numbers(props, described):
        missing = props[name].get("missing")
        gone = None if missing is None else _load_array(missing, np.dtype(np.bool_))
        found[name] = (
            _load_array(props[name]["values"], np.dtype(described[name].dtype)),
            gone if gone is not None and gone.any() else None,
        )
    return found


def _load_ids(array: Any, path: Path) -> NDArray[np.int64]:
    """Read ids of nodes, which may be unsigned, but not too high for a signed number."""
    ids = _load_array(array, np.uint64 if array.dtype.kind == "u" else np.int64)
    highest = int(ids.max(initial=0))
    if highest >= 2**63:
        msg = f"{path}: has node {highest}, expected ids below 2⁶³; number its nodes anew"
        raise UserError(msg)
    return ids.view(np.int64)


def _load_array(array: Any, kind: DTypeLike) -> NDArray[Any]:
    """Read a Zarr array, whole chunks at a time."""
    values = make_array(tuple(array.shape), kind)
    length = max(int(array.chunks[0]), 1)
    for part in cut_rows(values.shape[0], max(ROWS // length, 1) * length):
        values[part] = array[part]
    return values


def _find_incomplete(path: Path) -> list[str]:
    """Name the arrays that lack chunks; Zarr reads these as zeros."""
    found: list[str] = []

    def look(group: Any, place: str) -> None:
        for name, node in sorted(group.members()):
            if isinstance(node, zarr.Group):
                look(node, f"{place}{name}/")
            elif list_missing_chunks(node):
                found.append(f"{place}{name}")

    look(zarr.open_group(path, mode="r"), "")
    return found


def _check_complete(missing: Sequence[str], metadata: Any, path: Path, *, ours: bool) -> None:
    """Refuse a graph whose ids, links or positions lack chunks; warn of others, unless it is ours.

    Other programs leave out chunks of zeros, as of z in 2D, or of the time of a first frame.
    """
    axes = [axis for axis in metadata.axes or () if axis.type == "space"]
    needed = {f"nodes/props/{axis.name}/values" for axis in axes[-2:]}
    needed |= {"nodes/ids", "edges/ids"}
    for name in missing:
        what = name.removeprefix("nodes/props/").removesuffix("/values")
        if ours or name in needed:
            msg = f"{path}: not readable as GEFF: {what} is incomplete, chunks of it are not there"
            msg += "; copy or save it again"
            raise UserError(msg)
        _log.warning("%s: chunks of %s are not there and are read as 0", path, what)


def _name_columns(
    props: Mapping[str, Prop],
    ids: NDArray[np.int64],
    axes: GeffAxes,
    own: Mapping[str, Any],
    numbers: Collection[str],
) -> dict[str, str]:
    """Give the column of each property; no column has two, and numbers of tracks have none."""
    written, ours = own.get("columns", {}), "calibration" in own
    wanted = [
        (*_rank(name, axes, written, ours=ours), name)
        for name in props
        if not (own and name in DERIVED) and name not in numbers
    ]
    names: dict[str, str] = {}
    for _, column, name in sorted(wanted):
        taken = {"id", *names.values()}
        if column == "id" and np.array_equal(props[name][0], ids):
            continue
        if column in taken:
            free = find_column(name) is None and name not in taken
            column = name if free else f"{name}_property"
        names[name] = column
    return {name: names[name] for name in props if name in names}


def _rank(name: str, axes: GeffAxes, written: Mapping[str, str], *, ours: bool) -> tuple[int, str]:
    """Give the column that a property would be, and how sure that is (0 most)."""
    if name in written:
        return 0, written[name]
    if ours and find_column(name) is not None:
        return 0, name
    if name in axes.columns:
        return 0, axes.columns[name]
    if name == axes.radius:
        return 1, "radius"
    # Where the axes have TrackMate's names, its names count more than ours.
    ranks = (3, 2) if any(map(find_key, axes.columns)) else (2, 3)
    if find_column(name) is not None:
        return ranks[0], name
    column = find_key(name)
    if column is not None:
        return ranks[1], column.name
    return (4, "frame") if name.lower() in _FRAMES else (5, name)


def _with_missing(values: NDArray[Any], missing: NDArray[np.bool_] | None) -> Any:
    if missing is None:
        return values
    if values.dtype.kind in "iu":
        known = values[~missing].astype(np.float64)
        if (np.abs(known) > MAX_EXACT).any():
            return pd.arrays.IntegerArray(values, missing)
    if values.dtype != np.float64:
        values = copy_array(values, np.float64)
    values[missing] = np.nan
    return values


def _scale_sizes(
    table: pd.DataFrame,
    axes: GeffAxes,
    metadata: Any,
    names: Mapping[str, str],
    space: tuple[Calibration, int],
    own: Mapping[str, Any],
    path: Path,
) -> pd.DataFrame:
    """Bring lengths, areas and volumes to the positions' unit, from those that are stated.

    Radii and volumes without one are in the x axis' own.
    """
    calibration, ndim = space
    scale = SizeScale(
        calibration,
        ndim,
        calibration.space_unit,
        normalise_space_unit(axes.by_column["x"].unit or "") == "pixel",
        "calibration" in own or bool(own.get("spacing")),
    )
    factors: dict[str, float] = {}
    for name, column in names.items():
        told = metadata.node_props_metadata.get(name)
        stated = (told.unit or "").strip() if told is not None else ""
        if name in axes.columns or (own and stated in ("", scale.name_unit(column))):
            continue
        factor = scale.factor(column, stated)
        if factor is None:
            _log.warning(
                "%s: states %s in %s, which is not converted to %s: correct the unit of this "
                "property, or leave it out", path, name, stated, scale.name_unit(column),
            )  # fmt: skip
        elif factor != 1:
            factors[column] = factor
    return table.assign(**{column: table[column] * factor for column, factor in factors.items()})


def _read_searched(own: Mapping[str, Any], n_frames: int) -> tuple[int, int] | None:
    """Read in which frames cells were looked for; what is none is passed over."""
    match own.get("searched"):
        case [int(first), int(last)] if 0 <= first <= last < n_frames:
            return first, last
    return None


def _is_deep(table: pd.DataFrame) -> bool:
    return "z" in table and bool((table["z"] != 0).any())


def _read_cost(values: NDArray[Any], missing: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    cost: NDArray[np.float64] = _with_missing(values.astype(np.float64), missing)
    return cost
