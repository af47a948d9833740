"""Writer of TrackMate files."""

import gzip
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_atomically
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import find_column
from btrackmate.core.spots import Spots
from btrackmate.io.numbers import format_numbers
from btrackmate.io.trackmate.declarations import (
    CONFIDENCE,
    EDGE_DECLARATIONS,
    SPOT_DECLARATIONS,
    TRACK_DECLARATIONS,
    Declaration,
    declare_column,
    declare_own,
)
from btrackmate.io.trackmate.document import TrackMateDocument, match_links
from btrackmate.io.trackmate.feature_table import (
    FeatureTable,
    RowFormat,
)
from btrackmate.io.trackmate.session import Session
from btrackmate.io.trackmate.skeleton import build_skeleton
from btrackmate.io.trackmate.tracks import TrackPlan, declared_ints, plan_tracks
from btrackmate.io.trackmate.tree import Content, escape_attribute, write_element

_log = logging.getLogger(__name__)

_MAX_JAVA_INT = 2**31 - 1
_BLOCK = 20_000
#: Features that TrackMate reads from every spot; see the notes of :func:`write_trackmate`.
_NEEDED = ("quality", "radius")
#: Radius of spots that have none, in pixels: TrackMate cannot draw, or open, a spot without one.
_NOMINAL_RADIUS = 5.0

Extras = Mapping[tuple[str, int], Sequence[Element]]


def write_trackmate(
    path: Path | str,
    graph: TrackGraph,
    document: TrackMateDocument | None = None,
    session: Session | None = None,
) -> None:
    """Write a TrackMate file.

    Parameters
    ----------
    path : Path or str
        File to write (gzipped if it ends with ``.gz``); replaced if it exists.
    graph : TrackGraph
        Spots and links; columns that are no feature of ours are declared as features under a
        legal key. A column VISIBILITY of 0 hides a spot.
    document : TrackMateDocument, optional
        A file read before, as template: everything that `graph` does not hold passes through,
        and tracks that did not change are written as they were. Without it the file is made
        anew, as TrackMate 8.1.6 makes it.
    session : Session, optional
        Image, detector, tracker, filters and log to write; replaces the template's.

    Raises
    ------
    UserError
        If a spot id is above 2³¹ − 1, which TrackMate cannot hold, or the file cannot be written.

    Notes
    -----
    A missing value is left out. TrackMate reads QUALITY and RADIUS from every spot: a missing
    quality is written as "NaN", and so are computed features that are not defined; a missing
    radius, with which TrackMate fails to open the file, is written as 5 pixels, and the log says
    so.
    """
    path = Path(path)
    session = session or Session()
    _check_ids(graph.spots, path)
    graph = _fill_radius(graph, path)
    plan = plan_tracks(graph, document, session.track_filters)
    columns = _name_columns(graph.spots, document)
    declared = [("SpotFeatures", d) for d in columns.values() if d.key not in _known(document)]
    if CONFIDENCE.key in plan.edges.columns and not _declares(document, CONFIDENCE.key):
        declared.append(("EdgeFeatures", CONFIDENCE))
    root = build_skeleton(path, graph, document, session, declared)
    contents = _make_contents(root, graph, plan, columns, document)
    with write_atomically(path) as temporary:
        opened = gzip.open(temporary, "wb") if path.suffix == ".gz" else temporary.open("wb")
        with opened as binary, io.TextIOWrapper(binary, "utf-8", newline="\n") as stream:
            stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
            for node in document.prolog if document else ():
                write_element(node, stream, {})
            write_element(root, stream, contents)
            for node in document.epilog if document else ():
                write_element(node, stream, {})


def _check_ids(spots: Spots, path: Path) -> None:
    if len(spots) and int(spots.id.max()) > _MAX_JAVA_INT:
        msg = f"{path}: spot id {spots.id.max()}, but TrackMate holds ids up to {_MAX_JAVA_INT}; "
        msg += "number the spots anew, or write GEFF or CSV"
        raise UserError(msg)


def _fill_radius(graph: TrackGraph, path: Path) -> TrackGraph:
    """Give a nominal radius to the spots that have none."""
    spots = graph.spots
    if not len(spots):
        return graph
    known = "radius" in spots.table
    radius = spots.feature("radius").copy() if known else np.full(len(spots), np.nan)
    missing = ~np.isfinite(radius)
    if not missing.any():
        return graph
    radius[missing] = _NOMINAL_RADIUS * spots.calibration.dx
    _log.warning(
        "%s: %d spots have no radius; TrackMate needs one, so they are written with %s %s",
        path, int(missing.sum()), _NOMINAL_RADIUS * spots.calibration.dx,
        spots.calibration.space_unit,
    )  # fmt: skip
    return graph.with_spots(spots.with_columns({"radius": radius}))


def _known(document: TrackMateDocument | None) -> frozenset[str]:
    """Keys of spot features that need no further declaration."""
    if document is None:
        return frozenset(d.key for d in SPOT_DECLARATIONS)
    declared = frozenset(d.key for d in document.declarations("spot"))
    return declared | frozenset(document.column_keys.values())


def _declares(document: TrackMateDocument | None, key: str) -> bool:
    return document is not None and any(d.key == key for d in document.declarations("edge"))


def _name_columns(spots: Spots, document: TrackMateDocument | None) -> dict[str, Declaration]:
    """Give each column of the spots table its key in the file."""
    in_file = {d.key: d for d in (document.declarations("spot") if document else ())}
    standard = {d.key: d for d in SPOT_DECLARATIONS}
    keys = dict(document.column_keys) if document else {}
    named: dict[str, Declaration] = {}
    own: list[str] = []
    for name in spots.table.columns:
        column = find_column(str(name))
        if name in ("id", "frame"):
            continue
        if name in keys:
            named[name] = in_file.get(keys[name], Declaration(keys[name], keys[name], keys[name]))
        elif column is not None:
            declared = declare_column(column, spots.calibration)
            named[name] = standard.get(declared.key, declared)
        elif name in standard:
            named[name] = standard[name]
        else:
            own.append(str(name))
    taken = {d.key for d in named.values()} | set(in_file) | set(standard)
    for name in own:
        values = spots.table[name]
        if not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            _log.warning("column %r holds text and is left out: TrackMate holds numbers", name)
            continue
        is_int = pd.api.types.is_integer_dtype(values) or pd.api.types.is_bool_dtype(values)
        named[name] = declare_own(name, taken, is_int=is_int)
        taken.add(named[name].key)
    return named


def _make_contents(
    root: Element,
    graph: TrackGraph,
    plan: TrackPlan,
    columns: Mapping[str, Declaration],
    document: TrackMateDocument | None,
) -> dict[int, Content]:
    model = root.find("Model")
    if model is None:
        msg = "the skeleton has no Model"
        raise ValueError(msg)
    contents: dict[int, Content] = {}
    parts: dict[str, Content] = {
        "AllSpots": lambda: _write_spots(graph.spots, columns, document),
        "AllTracks": lambda: _write_tracks(graph, plan, document),
        "FilteredTracks": lambda: _write_filtered(plan, document),
    }
    for child in model:
        if child.tag in parts:
            contents[id(child)] = parts[child.tag]
    return contents


def _write_spots(
    spots: Spots, columns: Mapping[str, Declaration], document: TrackMateDocument | None
) -> Iterator[str]:
    extras: Extras = document.extras if document else {}
    offsets = spots.frame_offsets
    frames = set(np.unique(spots.frame).tolist())
    frames |= {f for f in document.frames if f < spots.n_frames} if document else set()
    rows: list[str] = []
    begin = end = 0
    for frame in sorted(frames):
        first, last = int(offsets[frame]), int(offsets[frame + 1])
        inner = extras.get(("frame", frame), ())
        if first == last and not inner:
            yield f'      <SpotsInFrame frame="{frame}" />\n'
            continue
        if last > end:
            stop = (
                int(offsets[np.searchsorted(offsets, first + _BLOCK)])
                if _more(offsets, first)
                else len(spots)
            )
            begin, end = first, max(stop, last)
            rows = _format_spots(spots, columns, document, begin, end)
        yield f'      <SpotsInFrame frame="{frame}">\n'
        yield from rows[first - begin : last - begin]
        yield from _render(inner, 4)
        yield "      </SpotsInFrame>\n"
    yield from _render(extras.get(("spots", 0), ()), 3)


def _more(offsets: NDArray[np.int64], first: int) -> bool:
    return bool(offsets[-1] >= first + _BLOCK)


def _format_spots(
    spots: Spots,
    columns: Mapping[str, Declaration],
    document: TrackMateDocument | None,
    begin: int,
    end: int,
) -> list[str]:
    """Format the rows `begin` to `end` of the spots table as Spot elements."""
    table = spots.table.iloc[begin:end]
    ids = spots.id[begin:end]
    names = document.spot_names if document else {}
    rows = RowFormat("        <Spot", ids.size)
    id_texts = format_numbers(ids, is_int=True)
    rows.add_text([f' ID="{i}" name="ID{i}"' for i in id_texts])
    if names:
        rows = RowFormat("        <Spot", ids.size)
        named = [names.get(i) for i in ids.tolist()]
        rows.add("ID", ids, is_int=True)
        rows.add_text(
            [
                f' name="ID{i}"' if name is None else f' name="{escape_attribute(name)}"'
                for i, name in zip(id_texts, named, strict=True)
            ]
        )
    rows.add("FRAME", spots.frame[begin:end], is_int=True)
    for name, declaration in columns.items():
        values, absent = _column_values(name, table[name], ids, document)
        rows.add(declaration.key, values, is_int=declaration.is_int, absent=absent)
    _add_missing(rows, columns, ids, document)
    rows.add_text(_tails(spots, ids, document))
    return rows.rows()


def _column_values(
    name: str,
    values: "pd.Series[Any]",
    ids: NDArray[np.int64],
    document: TrackMateDocument | None,
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    if values.dtype == object or pd.api.types.is_string_dtype(values):
        return values.astype(object).where(values.notna(), None).to_numpy(object), None
    if pd.api.types.is_bool_dtype(values):
        return values.to_numpy(np.int64), None
    if values.dtype.kind in "iu" and isinstance(values.dtype, np.dtype):
        return values.to_numpy(), None
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    if name in _NEEDED:
        return numbers, None
    absent = np.isnan(numbers)
    if document is not None and name in document.explicit_nan:
        absent &= ~np.isin(ids, document.explicit_nan[name])
    return numbers, absent


def _add_missing(
    rows: RowFormat,
    columns: Mapping[str, Declaration],
    ids: NDArray[np.int64],
    document: TrackMateDocument | None,
) -> None:
    """Write what TrackMate needs of every spot, and what the document calls "NaN" throughout."""
    for name in _NEEDED:
        if name not in columns:
            rows.add_constant(f' {name.upper()}="NaN"')
    if not any(d.key == "VISIBILITY" for d in columns.values()):
        rows.add_constant(' VISIBILITY="1"')
    if document is not None:
        for name, named in document.explicit_nan.items():
            if name not in columns and name not in _NEEDED:
                text = f' {document.column_keys[name]}="NaN"'
                rows.add_text([text if there else "" for there in np.isin(ids, named).tolist()])


def _tails(spots: Spots, ids: NDArray[np.int64], document: TrackMateDocument | None) -> list[str]:
    """Close the Spot elements, with outlines and unknown children where there are any."""
    tails = [" />\n"] * ids.size
    children: Extras = document.extras if document else {}
    if not spots.contours and not children:
        return tails
    for row, i in enumerate(ids.tolist()):
        outline = spots.contours.get(i)
        inner = "".join(_render(children.get(("spot", i), ()), 5))
        if outline is not None:
            text = " ".join(format_numbers(outline.ravel()))
            tails[row] = f' ROI_N_POINTS="{len(outline)}">{text}{inner}</Spot>\n'
        elif inner:
            tails[row] = f">\n{inner}        </Spot>\n"
    return tails


def _write_tracks(
    graph: TrackGraph, plan: TrackPlan, document: TrackMateDocument | None
) -> Iterator[str]:
    ints = declared_ints(EDGE_DECLARATIONS + TRACK_DECLARATIONS)
    if document is not None:
        ints |= declared_ints(document.declarations("edge") + document.declarations("track"))
    track_of_link = graph.track[graph.source]
    place = np.empty(plan.order.size, np.int64)
    place[plan.order] = np.arange(plan.order.size)
    links = np.argsort(place[track_of_link], kind="stable")
    sizes = np.bincount(track_of_link, minlength=plan.order.size)[plan.order]
    heads = _format_rows("      <Track", plan.tracks.take(plan.order), ints)
    children = _track_children(plan, document)
    inner = _edge_children(graph, document)
    done = 0
    block: list[str] = []
    begin = end = 0
    for row, (head, size) in enumerate(zip(heads, sizes.tolist(), strict=True)):
        if done + size > end:
            begin, end = done, max(done + size, min(done + _BLOCK, links.size))
            block = _format_rows("        <Edge", plan.edges.take(links[begin:end]), ints)
        yield f"{head}>\n"
        for link, edge in enumerate(block[done - begin : done - begin + size], done):
            added = inner.get(int(links[link])) if inner else None
            yield f"{edge}>\n{added}        </Edge>\n" if added else f"{edge} />\n"
        yield from _render(children.get(int(plan.order[row]), ()), 4)
        yield "      </Track>\n"
        done += size
    yield from _render(document.extras.get(("tracks", 0), ()) if document else (), 3)


def _track_children(
    plan: TrackPlan, document: TrackMateDocument | None
) -> dict[int, Sequence[Element]]:
    """Find the unknown children of tracks that did not change, by track of the graph."""
    if document is None:
        return {}
    rows = {row: elements for (kind, row), elements in document.extras.items() if kind == "track"}
    if not rows:
        return {}
    ids = document.tracks.columns["TRACK_ID"].astype(np.int64).tolist()
    by_id = {ids[row]: elements for row, elements in rows.items()}
    kept = np.flatnonzero(plan.kept).tolist()
    return {t: by_id[int(plan.ids[t])] for t in kept if int(plan.ids[t]) in by_id}


def _edge_children(graph: TrackGraph, document: TrackMateDocument | None) -> dict[int, str]:
    """Render the unknown children of links, by link of the graph."""
    rows = {r: e for (kind, r), e in document.extras.items() if kind == "edge"} if document else {}
    if document is None or not rows:
        return {}
    ids = graph.spots.id
    known = match_links(document.edges, ids[graph.source], ids[graph.target]).tolist()
    return {link: "".join(_render(rows[row], 5)) for link, row in enumerate(known) if row in rows}


def _format_rows(head: str, table: FeatureTable, ints: frozenset[str]) -> list[str]:
    rows = RowFormat(head, table.n)
    for key, values in table.columns.items():
        rows.add(key, values, is_int=key in ints, absent=table.absent.get(key))
    return rows.rows()


def _write_filtered(plan: TrackPlan, document: TrackMateDocument | None) -> Iterator[str]:
    shown = plan.ids[plan.order][plan.visible[plan.order]].tolist()
    if document is not None:
        rank = {i: n for n, i in enumerate(document.filtered_tracks)}
        shown.sort(key=lambda i: rank.get(i, len(rank)))
    for track_id in shown:
        yield f'      <TrackID TRACK_ID="{track_id}" />\n'
    yield from _render(document.extras.get(("filtered", 0), ()) if document else (), 3)


def _render(elements: Sequence[Element], depth: int) -> Iterator[str]:
    for element in elements:
        stream = io.StringIO()
        write_element(element, stream, {}, depth)
        yield stream.getvalue()
