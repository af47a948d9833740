"""What to write about tracks and links: kept from the file where nothing changed, else computed."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.core.track_features import compute_edge_features, compute_track_features
from btrackmate.io.trackmate.declarations import (
    CONFIDENCE,
    EDGE_DECLARATIONS,
    TRACK_DECLARATIONS,
    Declaration,
)
from btrackmate.io.trackmate.document import TrackMateDocument, match_links
from btrackmate.io.trackmate.feature_table import FeatureTable
from btrackmate.io.trackmate.session import Filter, Session

_log = logging.getLogger(__name__)

_COMPARED = ("x", "y", "z", "time", "quality")
_EDGE_SPECIAL = ("SPOT_SOURCE_ID", "SPOT_TARGET_ID", "LINK_COST", CONFIDENCE.key)


@dataclass(frozen=True)
class TrackPlan:
    """Attributes of all Track and Edge elements.

    Parameters
    ----------
    order : (n_tracks,) ndarray of int
        Tracks of the graph in the order in which they are written.
    ids : (n_tracks,) ndarray of int
        TRACK_ID of each track of the graph.
    tracks, edges : FeatureTable
        One row a track and a link of the graph.
    visible : (n_tracks,) ndarray of bool
        Which tracks stand in FilteredTracks.
    kept : (n_tracks,) ndarray of bool
        Tracks that are as in the document.
    """

    order: NDArray[np.int64]
    ids: NDArray[np.int64]
    tracks: FeatureTable
    edges: FeatureTable
    visible: NDArray[np.bool_]
    kept: NDArray[np.bool_]


def plan_tracks(
    graph: TrackGraph,
    document: TrackMateDocument | None,
    session: Session,
) -> TrackPlan:
    """Decide what is written about each track and link.

    A track whose spots and links are all as in `document` keeps everything that the document says
    about it. Any other track gets computed features; features of others' analyzers are left out
    of it, because they would be stale, but stay with their links. A changed track keeps the id,
    name and visibility of the track that it has most spots of; if the document has track
    filters, its visibility is what they say.

    Parameters
    ----------
    graph : TrackGraph
        What is written.
    document : TrackMateDocument, optional
        The file that serves as template.
    session : Session
        Its track filters decide the visibility of all tracks; where it was corrected, a changed
        track is visible if any of its spots was, or is new. Its ids are those of the tracks.
    """
    computed_edges = compute_edge_features(graph)
    computed_tracks = compute_track_features(graph, computed_edges)
    if document is None:
        return _plan_new(graph, computed_edges, computed_tracks, session)
    link_row = match_links(
        document.edges, graph.spots.id[graph.source], graph.spots.id[graph.target]
    )
    kept = _find_kept(graph, document, link_row)
    ids, parent = _assign_ids(graph, document)
    if session.track_ids is not None:
        ids = session.track_ids
        kept &= ids == parent  # Else it would get what the document says of another.
    row_of = {int(i): row for row, i in enumerate(_ids(document.tracks))}
    track_row = np.array([row_of.get(int(i), -1) for i in ids], np.int64)
    kept &= track_row >= 0
    edges = _merge_edges(graph, document, link_row, kept, computed_edges)
    tracks = _merge_tracks(document, track_row, kept, computed_tracks)
    tracks.columns["TRACK_ID"] = ids.astype(np.float64)
    _name_tracks(tracks, document, track_row, ids)
    order = np.lexsort((ids, np.where(track_row < 0, len(row_of), track_row)))
    if not kept.all() or len(kept) != document.tracks.n:
        _renumber(tracks, order)
    visible = np.isin(parent, np.array(document.filtered_tracks, np.int64)) | (parent < 0)
    if session.track_filters is not None:
        visible = _pass(tracks, session.track_filters)
    elif session.corrected:
        visible = np.where(kept, visible, _hold_shown(graph, document))
    elif document.track_filters:
        visible = np.where(kept, visible, _pass(tracks, document.track_filters))
    return TrackPlan(order, ids, tracks, edges, visible, kept)


def _hold_shown(graph: TrackGraph, document: TrackMateDocument) -> NDArray[np.bool_]:
    """Tell which tracks hold a spot that the document does not hide, (n_tracks,)."""
    hidden = document.graph.spots.id[~document.visible_spots]
    shown = (graph.track >= 0) & ~np.isin(graph.spots.id, hidden)
    return np.bincount(graph.track[shown], minlength=graph.n_tracks) > 0


def _plan_new(
    graph: TrackGraph,
    edges: Mapping[str, NDArray[Any]],
    tracks: Mapping[str, NDArray[Any]],
    session: Session,
) -> TrackPlan:
    count = graph.n_tracks
    ids = np.arange(count) if session.track_ids is None else session.track_ids
    order = np.argsort(ids)
    columns: dict[str, NDArray[Any]] = {"name": np.array([f"Track_{i}" for i in ids], object)}
    columns |= {
        "TRACK_ID": ids.astype(np.float64),
        "TRACK_INDEX": np.argsort(order).astype(np.float64),
    }
    columns |= {d.key: tracks[d.key] for d in TRACK_DECLARATIONS if d.key in tracks}
    track_table = FeatureTable(count, columns)
    link_columns, absent = _special_edges(graph)
    link_columns |= {d.key: edges[d.key] for d in EDGE_DECLARATIONS if d.key in edges}
    edge_table = FeatureTable(graph.n_links, link_columns, absent)
    visible = _pass(track_table, session.track_filters or ())
    return TrackPlan(order, ids, track_table, edge_table, visible, np.zeros(count, np.bool_))


def _special_edges(
    graph: TrackGraph,
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.bool_]]]:
    """Give the attributes that come from the graph itself: ids, cost and confidence."""
    columns: dict[str, NDArray[Any]] = {
        "SPOT_SOURCE_ID": graph.spots.id[graph.source].astype(np.float64),
        "SPOT_TARGET_ID": graph.spots.id[graph.target].astype(np.float64),
        "LINK_COST": graph.cost,
        CONFIDENCE.key: graph.confidence,
    }
    absent: dict[str, NDArray[np.bool_]] = {}
    for key in ("LINK_COST", CONFIDENCE.key):
        missing = np.isnan(columns[key])
        if missing.all():
            del columns[key]
        elif missing.any():
            absent[key] = missing
    return columns, absent


def _ids(table: FeatureTable) -> NDArray[np.int64]:
    return table.columns.get("TRACK_ID", np.empty(0)).astype(np.int64)


def _find_kept(
    graph: TrackGraph, document: TrackMateDocument, link_row: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which tracks have the same links between the same, unmoved spots as in the document."""
    kept = np.ones(graph.n_tracks, np.bool_)
    track_of_link = graph.track[graph.source]
    kept[track_of_link[link_row < 0]] = False
    named = np.full(graph.n_tracks, -1, np.int64)
    known = link_row >= 0
    named[track_of_link[known]] = document.edge_track[link_row[known]]
    mixed = known.copy()
    mixed[known] = document.edge_track[link_row[known]] != named[track_of_link[known]]
    kept[track_of_link[mixed]] = False
    values, counts = np.unique(document.edge_track, return_counts=True)
    size = dict(zip(values.tolist(), counts.tolist(), strict=True))
    links = np.bincount(track_of_link, minlength=graph.n_tracks)
    kept &= links == np.array([size.get(int(name), -1) for name in named], np.int64)
    changed = _changed_spots(graph, document) & (graph.track >= 0)
    kept[graph.track[changed]] = False
    return kept


def _changed_spots(graph: TrackGraph, document: TrackMateDocument) -> NDArray[np.bool_]:
    before = document.graph.spots
    if graph.spots is before:
        return np.zeros(len(before), np.bool_)
    order = np.argsort(before.id)
    place = np.searchsorted(before.id[order], graph.spots.id)
    place = np.minimum(place, max(len(before) - 1, 0))
    row = order[place] if len(before) else place
    changed: NDArray[np.bool_] = np.ones(len(graph.spots), np.bool_)
    if not len(before):
        return changed
    changed = (before.id[row] != graph.spots.id) | (before.frame[row] != graph.spots.frame)
    for name in _COMPARED:
        if (name in before.table) != (name in graph.spots.table):
            return np.ones(len(graph.spots), np.bool_)
        if name in before.table:
            old, new = before.feature(name)[row], graph.spots.feature(name)
            changed |= ~((old == new) | (np.isnan(old) & np.isnan(new)))
    return changed


def _assign_ids(
    graph: TrackGraph, document: TrackMateDocument
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give each track its TRACK_ID, and the document's track that it has most spots of (or −1)."""
    ids = np.full(graph.n_tracks, -1, np.int64)
    parent = ids.copy()
    track_of_spot: dict[int, int] = {}
    for key in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID"):
        spots = document.edges.columns.get(key, np.empty(0)).astype(np.int64).tolist()
        track_of_spot.update(zip(spots, document.edge_track.tolist(), strict=True))
    linked = np.flatnonzero(graph.track >= 0)
    before = [track_of_spot.get(i, -1) for i in graph.spots.id[linked].tolist()]
    pairs = np.stack([graph.track[linked], np.array(before, np.int64)], axis=1)
    pairs, votes = np.unique(pairs[pairs[:, 1] >= 0], axis=0, return_counts=True)
    taken: set[int] = set()
    for row in np.lexsort((pairs[:, 1], pairs[:, 0], -votes)).tolist():
        track, named = int(pairs[row, 0]), int(pairs[row, 1])
        if parent[track] < 0:
            parent[track] = named
        if ids[track] < 0 and named not in taken:
            ids[track] = named
            taken.add(named)
    fresh = np.flatnonzero(ids < 0)
    highest = max([*taken, *_ids(document.tracks).tolist(), -1])
    ids[fresh] = highest + 1 + np.arange(fresh.size)
    return ids, parent


def _merge_edges(
    graph: TrackGraph,
    document: TrackMateDocument,
    link_row: NDArray[np.int64],
    kept: NDArray[np.bool_],
    computed: Mapping[str, NDArray[Any]],
) -> FeatureTable:
    columns, absent = _special_edges(graph)
    table = document.edges
    known = link_row >= 0
    same = known & kept[graph.track[graph.source]]
    for key in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID"):
        if same.any():
            columns[key] = columns[key].copy()
            columns[key][same] = table.columns[key][link_row[same]]
    _keep_explicit_nan(columns, absent, table, link_row, same)
    wanted = {d.key: None for d in document.declarations("edge")} | dict.fromkeys(table.columns)
    for key in wanted:
        if key in _EDGE_SPECIAL:
            continue
        calculated = computed.get(key)
        from_file = same if calculated is not None else known
        values, missing = _take_or(table, key, link_row, from_file, calculated)
        if not missing.all() or not missing.size:
            columns[key] = values
            absent[key] = missing
    return FeatureTable(graph.n_links, columns, absent)


def _keep_explicit_nan(
    columns: dict[str, NDArray[Any]],
    absent: dict[str, NDArray[np.bool_]],
    table: FeatureTable,
    link_row: NDArray[np.int64],
    same: NDArray[np.bool_],
) -> None:
    """Write an unknown cost as "NaN" where the file does so."""
    key = "LINK_COST"
    named = table.explicit_nan(key) if key in table.columns else None
    if named is None:
        return
    written = np.zeros(link_row.size, np.bool_)
    written[same] = named[link_row[same]]
    cost = columns.setdefault(key, np.full(link_row.size, np.nan))
    absent[key] = np.isnan(cost) & ~written


def _merge_tracks(
    document: TrackMateDocument,
    track_row: NDArray[np.int64],
    kept: NDArray[np.bool_],
    computed: Mapping[str, NDArray[Any]],
) -> FeatureTable:
    table = document.tracks
    columns: dict[str, NDArray[Any]] = {}
    absent: dict[str, NDArray[np.bool_]] = {}
    wanted = {d.key: None for d in document.declarations("track")} | dict.fromkeys(table.columns)
    for key in wanted:
        values, missing = _take_or(table, key, track_row, kept, computed.get(key))
        columns[key] = values
        absent[key] = missing
    foreign = set(table.columns) - set(computed) - {"name", "TRACK_ID", "TRACK_INDEX"}
    if foreign and not kept.all():
        _log.info(
            "%d changed tracks lose features that only other analyzers compute: %s",
            int((~kept).sum()), ", ".join(sorted(foreign)),
        )  # fmt: skip
    return FeatureTable(len(kept), columns, absent)


def _take_or(
    table: FeatureTable,
    key: str,
    row: NDArray[np.int64],
    from_file: NDArray[np.bool_],
    computed: NDArray[Any] | None,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Take the file's values for some rows and computed ones, if there are, for the others."""
    column = table.columns.get(key)
    textual = column is not None and column.dtype == object
    values: NDArray[Any]
    if textual:
        values = np.full(row.size, None, object)
    elif computed is None:
        values = np.full(row.size, np.nan)
    else:
        values = computed.astype(np.float64, copy=True)
    missing = np.full(row.size, computed is None or textual)
    if column is None:
        missing |= from_file
        return values, missing
    values[from_file] = column[row[from_file]]
    missing[from_file] = table.absent[key][row[from_file]] if key in table.absent else False
    return values, missing


def _name_tracks(
    tracks: FeatureTable,
    document: TrackMateDocument,
    track_row: NDArray[np.int64],
    ids: NDArray[np.int64],
) -> None:
    known = document.tracks.columns.get("name")
    names = np.array([f"Track_{i}" for i in ids.tolist()], object)
    if known is not None:
        for track in np.flatnonzero(track_row >= 0).tolist():
            names[track] = known[track_row[track]]
    tracks.columns["name"] = names
    tracks.absent.pop("name", None)
    tracks.absent.pop("TRACK_ID", None)


def _renumber(tracks: FeatureTable, order: NDArray[np.int64]) -> None:
    """Give new values of TRACK_INDEX, where the document has it, as tracks came or went."""
    if "TRACK_INDEX" in tracks.columns:
        index = np.empty(order.size)
        index[order] = np.arange(order.size)
        tracks.columns["TRACK_INDEX"] = index
        tracks.absent.pop("TRACK_INDEX", None)


def _pass(tracks: FeatureTable, filters: Sequence[Filter]) -> NDArray[np.bool_]:
    visible = np.ones(tracks.n, np.bool_)
    for condition in filters:
        values = tracks.columns.get(condition.key)
        if values is None or values.dtype == object:
            _log.warning("track filter on %s: no such track feature; ignored", condition.feature)
            continue
        visible &= condition.passes(values)
    return visible


def declared_ints(declarations: Sequence[Declaration]) -> frozenset[str]:
    """Give the keys of the declarations of whole numbers."""
    return frozenset(d.key for d in declarations if d.is_int)
