"""Writer of TrackMate files."""

import contextlib
import gzip
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_stream
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import find_column, find_key
from btrackmate.core.spots import Spots
from btrackmate.io.numbers import MAX_EXACT
from btrackmate.io.rows import NO_ROWS, RowFormat, Rows
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
from btrackmate.io.trackmate.feature_table import FeatureTable, add_attribute
from btrackmate.io.trackmate.session import Session
from btrackmate.io.trackmate.write_sections import build_skeleton
from btrackmate.io.trackmate.write_spots import render_extras, write_spots
from btrackmate.io.trackmate.write_tracks import TrackPlan, declared_ints, plan_tracks
from btrackmate.io.trackmate.write_tree import Content, Piece, Utf8Writer, write_element

_log = logging.getLogger(__name__)

_MAX_JAVA_INT = 2**31 - 1
_BLOCK = 20_000
#: Radius of spots that have none, in pixels: TrackMate cannot draw, or open, a spot without one.
_NOMINAL_RADIUS = 5.0


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
    plan = plan_tracks(graph, document, session)
    columns = _name_columns(graph.spots, document)
    declared = [("SpotFeatures", d) for d in columns.values() if d.key not in _known(document)]
    if CONFIDENCE.key in plan.edges.columns and not _declares(document, CONFIDENCE.key):
        declared.append(("EdgeFeatures", CONFIDENCE))
    root = build_skeleton(path, graph, document, session, declared)
    contents = _make_contents(root, graph, plan, columns, document)
    with write_stream(path, "wb") as file:
        # Without name and time: the same tracks are the same bytes.
        is_packed = path.suffix.lower() == ".gz"
        packed = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if is_packed else file
        with contextlib.closing(Utf8Writer(packed)) as stream:
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
        path.name, int(missing.sum()), _NOMINAL_RADIUS * spots.calibration.dx,
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
            declared = declare_column(column.in_space(spots.ndim), spots.calibration)
            named[name] = standard.get(declared.key, declared)
        elif name in standard and find_key(str(name)) is None:  # VISIBILITY, MANUAL_SPOT_COLOR
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
        if is_int and len(values) and float(values.abs().max(skipna=True) or 0) > MAX_EXACT:
            _log.warning(
                "column %r has whole numbers past 2⁵³, which TrackMate and what reads its files "
                "round; GEFF and CSV keep them",
                name,
            )
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
        "AllSpots": lambda: write_spots(graph.spots, columns, document),
        "AllTracks": lambda: _write_tracks(graph, plan, document),
        "FilteredTracks": lambda: _write_filtered(plan, document),
    }
    for child in model:
        if child.tag in parts:
            contents[id(child)] = parts[child.tag]
    return contents


def _write_tracks(
    graph: TrackGraph, plan: TrackPlan, document: TrackMateDocument | None
) -> Iterator[Piece]:
    ints = declared_ints(EDGE_DECLARATIONS + TRACK_DECLARATIONS)
    if document is not None:
        ints |= declared_ints(document.declarations("edge") + document.declarations("track"))
    track_of_link = graph.track[graph.source]
    place = np.empty(plan.order.size, np.int64)
    place[plan.order] = np.arange(plan.order.size)
    links = np.argsort(place[track_of_link], kind="stable")
    sizes = np.bincount(track_of_link, minlength=plan.order.size)[plan.order]
    heads = _format_rows("      <Track", plan.tracks.take(plan.order), ints, ">\n")
    children = _track_children(plan, document)
    inner = _edge_children(graph, document)
    done = 0
    block = NO_ROWS
    begin = end = 0
    for row, size in enumerate(sizes.tolist()):
        if done + size > end:
            begin, end = done, max(done + size, min(done + _BLOCK, links.size))
            shown = links[begin:end]
            tails = [inner.get(link, " />\n") for link in shown.tolist()] if inner else " />\n"
            edges = plan.edges.take(shown)
            block = _format_rows("        <Edge", edges, ints, tails, links.size - begin)
        yield heads.take(row, row + 1)
        yield block.take(done - begin, done - begin + size)
        yield from render_extras(children.get(int(plan.order[row]), ()), 4)
        yield "      </Track>\n"
        done += size
    yield from render_extras(document.extras.get(("tracks", 0), ()) if document else (), 3)


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
    """Render the unknown children of links, and the links' ends, by link of the graph."""
    rows = {r: e for (kind, r), e in document.extras.items() if kind == "edge"} if document else {}
    if document is None or not rows:
        return {}
    ids = graph.spots.id
    known = match_links(document.edges, ids[graph.source], ids[graph.target]).tolist()
    return {
        link: f">\n{''.join(render_extras(rows[row], 5))}        </Edge>\n"
        for link, row in enumerate(known)
        if row in rows
    }


def _format_rows(
    head: str,
    table: FeatureTable,
    ints: frozenset[str],
    tails: str | Sequence[str],
    ahead: int | None = None,
) -> Rows:
    """Format elements that begin with `head` and end with `tails`, the same or one a row.

    `ahead` is how many these are with those that come after them.
    """
    rows = RowFormat(table.n, ahead)
    rows.add_constant(head)
    for key, values in table.columns.items():
        add_attribute(rows, key, values, is_int=key in ints, absent=table.absent.get(key))
    if isinstance(tails, str):
        rows.add_constant(tails)
    else:
        rows.add_text(tails)
    return rows.render()


def _write_filtered(plan: TrackPlan, document: TrackMateDocument | None) -> Iterator[str]:
    shown = plan.ids[plan.order][plan.visible[plan.order]].tolist()
    if document is not None:
        rank = {i: n for n, i in enumerate(document.filtered_tracks)}
        shown.sort(key=lambda i: rank.get(i, len(rank)))
    for track_id in shown:
        yield f'      <TrackID TRACK_ID="{track_id}" />\n'
    yield from render_extras(document.extras.get(("filtered", 0), ()) if document else (), 3)
