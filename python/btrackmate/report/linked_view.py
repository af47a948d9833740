"""The report's interactive part: lineage trees and 3D tracks over time, linked."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from btrackmate.analysis.tracklets import Ints, Members
from btrackmate.core.graph import TrackGraph
from btrackmate.report.figures import place_tracklets
from btrackmate.report.markup import render
from btrackmate.report.montage import rank_tracks
from btrackmate.report.plots import label_feature

#: Spots that are put into the page: about 12 bytes each.
MAX_SPOTS = 200_000
#: Features that can be chosen for the colour.
_MOST_FEATURES = 6
_FINE = 65_535
_MISSING = 255
_SCRIPT = (Path(__file__).parent / "linked_view.js").read_text(encoding="utf-8")


def render_linked_view(graph: TrackGraph, ids: Ints, max_spots: int = MAX_SPOTS) -> Markup:
    """Render the interactive part as HTML that works by itself; empty without tracks.

    Parameters
    ----------
    graph : TrackGraph
        Spots in no track are not shown.
    ids : (n_tracks,) ndarray of int
        Ids of the tracks; the picked one stands in the page's address as ``#track=ID``.
    max_spots : int
        Of larger movies, whole tracks are shown up to this many spots: those with most divisions,
        then most spots.
    """
    if not graph.n_tracks:
        return Markup()
    chosen = _choose_tracks(graph, max_spots)
    data = _collect(graph, ids, chosen)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return render(
        "linked_view.html",
        first=data["first"],
        last=data["last"],
        features=[one["label"] for one in data["features"]],
        picked=f"{chosen.size:,}" if chosen.size < graph.n_tracks else "",
        total=f"{graph.n_tracks:,}",
        space_unit=graph.spots.calibration.space_unit,
        data=Markup(text),
        script=Markup(_SCRIPT),
    )


def _choose_tracks(graph: TrackGraph, max_spots: int) -> Ints:
    """Choose whole tracks, as many as fit; the first in any case."""
    order = rank_tracks(graph)
    sizes = np.bincount(graph.track[graph.track >= 0], minlength=graph.n_tracks)
    fits = np.cumsum(sizes[order]) <= max_spots
    fits[:1] = True
    return np.sort(order[fits]).astype(np.int64)


def _collect(graph: TrackGraph, ids: Ints, chosen: Ints) -> dict[str, Any]:
    """Collect the numbers that the page draws from; arrays as base64, little-endian."""
    table = graph.tracklets
    table = table[table["track"].isin(chosen)]
    number = table.index.to_numpy()
    members = Members.of(graph)
    rows = members.rows[np.isin(graph.tracklet[members.rows], number)]
    spots = graph.spots
    size = spots.calibration
    sizes = np.diff(members.offsets)[number]
    place = spots.positions[rows]
    low, extent = place.min(axis=0), np.ptp(place, axis=0)
    fine = (place - low) / np.where(extent > 0, extent, 1) * _FINE
    rank = np.full(len(graph.tracklets), -1)
    rank[number] = np.arange(number.size)
    parent, child = (rank[one] for one in graph.tracklet_links)
    both = (parent >= 0) & (child >= 0)
    level = pd.Series(place_tracklets(table)).reindex(number).to_numpy(np.float32)
    time = "" if size.time_unit == "frame" and size.dt == 1 else size.time_unit
    box = " × ".join(f"{one:.4g}" for one in extent[: spots.ndim])
    return {
        "frame": _encode(spots.frame[rows], "<u2"),
        "place": _encode(fine.round().ravel(), "<u2"),
        "offset": _encode(np.concatenate([[0], np.cumsum(sizes)]), "<i4"),
        "track": _encode(np.searchsorted(chosen, table["track"].to_numpy()), "<i4"),
        "row": _encode(level, "<f4"),
        "links": _encode(np.column_stack([parent[both], child[both]]).ravel(), "<i4"),
        "root": (table["parent"].to_numpy() < 0).astype(int).tolist(),
        "ids": ids[chosen].tolist(),
        "rows": int(level.max()) + 1,
        "extent": [float(one) for one in extent],
        "first": int(spots.frame[rows].min()),
        "last": int(spots.frame[rows].max()),
        "dt": size.dt,
        "time": time,
        "scale": f"{box} {size.space_unit} (x{' × y' if spots.ndim == 2 else ' × y × z'})",
        "features": [_encode_feature(graph, name, rows) for name in _list_features(graph, rows)],
    }


def _list_features(graph: TrackGraph, rows: Ints) -> list[str]:
    """List the features that differ between cells: intensities first, no positions or ids."""
    hidden = {"frame", "time", "x", "y", "label"}
    names = [name for name in graph.spots.features if name not in hidden]
    names.sort(key=lambda name: (not name.startswith("mean_intensity"), name != "volume",
                                 name != "boundary_distance"))  # fmt: skip
    found = []
    for name in names:
        values = graph.spots.feature(name)[rows]
        values = values[np.isfinite(values)]
        if values.size and values.min() < values.max():
            found.append(name)
    return found[:_MOST_FEATURES]


def _encode_feature(graph: TrackGraph, name: str, rows: Ints) -> dict[str, str]:
    """Encode values in 255 steps between the 2nd and 98th percentile."""
    values = graph.spots.feature(name)[rows]
    known = np.isfinite(values)
    low, high = np.percentile(values[known], [2, 98])
    if low == high:
        low, high = values[known].min(), values[known].max()
    step = np.full(values.size, _MISSING)
    scaled = ((values[known] - low) / (high - low)).clip(0, 1) * (_MISSING - 1)
    step[known] = scaled.astype(np.int64)
    label = label_feature(name, graph.spots)
    return {"label": f"{label}, {low:.3g} to {high:.3g}", "values": _encode(step, "u1")}


def _encode(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values.astype(kind)).tobytes()).decode("ascii")
