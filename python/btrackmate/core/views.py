"""Tracks as others want them: tables, networkx graphs, napari layers, a few words."""

from html import escape
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.track_features import make_tracks_table

if TYPE_CHECKING:
    import networkx

    from btrackmate.core.graph import TrackGraph
    from btrackmate.core.spots import Spots

TableName = Literal["spots", "links", "tracks", "tracklets", "divisions"]
TABLES: tuple[TableName, ...] = ("spots", "links", "tracks", "tracklets", "divisions")


def make_table(graph: "TrackGraph", table: str) -> pd.DataFrame:
    """Make one of the tables of a graph; see :meth:`TrackGraph.to_dataframe`.

    Raises
    ------
    UserError
        If there is no such table.
    """
    if table == "spots":
        return graph.spots_table()
    if table == "links":
        return graph.links_table()
    if table == "tracks":
        return make_tracks_table(graph)
    if table == "tracklets":
        return _list_tracklets(graph)
    if table == "divisions":
        return _list_divisions(graph)
    msg = f"no table {table!r}; there are {', '.join(TABLES)}"
    raise UserError(msg)


def _list_tracklets(graph: "TrackGraph") -> pd.DataFrame:
    """Give the tracklets with spot ids in place of rows."""
    table = graph.tracklets.reset_index(names="tracklet")
    for name in ("first", "last"):
        table[f"{name}_spot"] = graph.spots.id[table.pop(f"{name}_row").to_numpy()]
    return table


def _list_divisions(graph: "TrackGraph") -> pd.DataFrame:
    """List each daughter of each division: mother, daughter, and what they belong to."""
    mother = np.repeat(graph.divisions, graph.out_degree[graph.divisions])
    links = np.flatnonzero(graph.out_degree[graph.source] >= 2)
    daughter = graph.target[links]
    spots = graph.spots
    return pd.DataFrame(
        {
            "track": graph.track[mother],
            "frame": spots.frame[mother],
            "time": spots.table["time"].to_numpy()[mother],
            "mother": spots.id[mother],
            "daughter": spots.id[daughter],
            "mother_tracklet": graph.tracklet[mother],
            "daughter_tracklet": graph.tracklet[daughter],
            "cost": graph.cost[links],
        }
    )


def make_networkx(graph: "TrackGraph") -> "networkx.DiGraph":
    """Make a networkx graph; see :meth:`TrackGraph.to_networkx`."""
    import networkx

    result = networkx.DiGraph()
    table = graph.spots_table()
    rows = table.drop(columns="id").to_dict("records")
    result.add_nodes_from(zip(table["id"].tolist(), rows, strict=True))
    links = graph.links_table()
    values = links[["cost", "confidence"]].to_dict("records")
    result.add_edges_from(
        zip(links["source"].tolist(), links["target"].tolist(), values, strict=True)
    )
    return result


def make_napari_tracks(graph: "TrackGraph") -> dict[str, Any]:
    """Make the arguments of napari's ``add_tracks``; see :meth:`TrackGraph.to_napari`."""
    spots = graph.spots
    axes = ["z", "y", "x"] if spots.ndim == 3 else ["y", "x"]
    order = np.lexsort((spots.frame, graph.tracklet))
    data = np.column_stack(
        (graph.tracklet, spots.frame, spots.table[axes].to_numpy(dtype=np.float64))
    )[order]
    parent, child = graph.tracklet_links
    parents: dict[int, list[int]] = {}
    for a, b in zip(parent.tolist(), child.tolist(), strict=True):
        parents.setdefault(b, []).append(a)
    table = graph.spots_table()
    numeric = table.select_dtypes("number").columns
    return {
        "data": data,
        "graph": {one: sorted(of) for one, of in sorted(parents.items())},
        "properties": {str(name): table[name].to_numpy()[order] for name in numeric},
        "scale": (1.0,) * (1 + len(axes)),
    }


def describe_spots(spots: "Spots") -> str:
    """Describe spots in one line."""
    return f"<Spots: {_count_spots(spots)}>"


def describe_graph(graph: "TrackGraph") -> str:
    """Describe tracks in one line."""
    return (
        f"<TrackGraph: {_count_spots(graph.spots)}; {graph.n_links} links, {graph.n_tracks} "
        f"tracks, {len(graph.divisions)} divisions>"
    )


def _count_spots(spots: "Spots") -> str:
    c = spots.calibration
    size = " × ".join(f"{value:g}" for value in c.spacing(spots.ndim))
    axes = "z × y × x" if spots.ndim == 3 else "y × x"
    return (
        f"{len(spots)} spots in {spots.n_frames} frames, {spots.ndim}D, voxel {size} "
        f"{c.space_unit} ({axes}), every {c.dt:g} {c.time_unit}"
    )


def render_table(words: str, table: pd.DataFrame) -> str:
    """Render a line and the head of a table as HTML."""
    more = f"<p>… {len(table)} rows</p>" if len(table) > _HEAD else ""
    return f"<p>{escape(words)}</p>{table.head(_HEAD).to_html(index=False)}{more}"


#: Rows of a table that a notebook shows.
_HEAD = 8
