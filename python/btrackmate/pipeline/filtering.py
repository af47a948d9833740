"""Filtering of tracks that are there already; what passes keeps its links."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.words import option
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.io.trackmate import Session, TrackMateDocument
from btrackmate.pipeline.linking import join_tables
from btrackmate.tracking.feature_filter import FeatureFilter
from btrackmate.tracking.filters import filter_spots, filter_tracks


def filter_graph(
    graph: TrackGraph,
    spot_filters: Sequence[FeatureFilter],
    track_filters: Sequence[FeatureFilter],
) -> tuple[TrackGraph, pd.DataFrame]:
    """Keep the spots that pass, with the links between them, and of these tracks those that pass.

    Parameters
    ----------
    graph : TrackGraph
        Not changed.
    spot_filters, track_filters : sequence of FeatureFilter
        A spot or track must pass all; a missing value passes. Without track filters, spots that
        lost their links stay.

    Returns
    -------
    graph : TrackGraph
    dropped : DataFrame
        id, frame, label (where known), x, y, z, track (number in the graph after the spot filters)
        and reason: the first filter that was not passed, or ``no track``.

    Raises
    ------
    UserError
        If there is no such feature.
    """
    spots = filter_spots(graph.spots, spot_filters)
    kept = graph.keep_spots(~graph.spots.table["id"].isin(spots.dropped["id"]).to_numpy())
    tracks = filter_tracks(kept, track_filters)
    return tracks.graph, join_tables([spots.dropped, tracks.dropped])


def filter_file(
    source: Path,
    output: Path,
    spot_filters: Sequence[str],
    track_filters: Sequence[str],
) -> tuple[TrackGraph, TrackGraph, pd.DataFrame]:
    """Filter the tracks of a file or run folder, and write what is left.

    Parameters
    ----------
    source, output : Path
        .xml, .geff or .csv; the source may be a run folder.
    spot_filters, track_filters : sequence of str
        E.g. ``volume>50``, ``duration>=5``.

    Returns
    -------
    before, after : TrackGraph
    dropped : DataFrame
        As :func:`filter_graph` gives it; `track` is the track's number in the file.

    Raises
    ------
    UserError
        If there is no filter, no such feature, or the file is wrong.

    Notes
    -----
    A TrackMate file made from another one keeps its filters and hidden tracks, and its log says
    what was filtered out here; one made anew has these filters as its own.
    """
    spot = [FeatureFilter.parse(text) for text in spot_filters]
    track = [FeatureFilter.parse(text) for text in track_filters]
    if not spot and not track:
        msg = f"nothing to filter by: give {option('spot_filter')} or {option('track_filter')}, "
        msg += "e.g. " + option("track_filter", "'duration>=5'")
        raise UserError(msg)
    before, document = read_tracks(source)
    after, dropped = filter_graph(before, spot, track)
    if "track" in dropped:
        dropped["track"] = _name_tracks(before, document, dropped)
    session = _make_session(document, spot, track, dropped)
    write_tracks(output, after, document, session)
    return before, after, dropped


def _name_tracks(
    before: TrackGraph, document: TrackMateDocument | None, dropped: pd.DataFrame
) -> pd.Series:
    """Give the tracks of spots that went with theirs, as the file numbers them."""
    ids = None if document is None else document.single_track_ids
    names = pd.Series(before.name_tracks(ids), index=before.spots.id)
    named = dropped["id"].map(names).astype("Int64")
    return named.where(dropped["track"].notna() & (named >= 0))


def _make_session(
    document: TrackMateDocument | None,
    spot: Sequence[FeatureFilter],
    track: Sequence[FeatureFilter],
    dropped: pd.DataFrame,
) -> Session:
    log = document.log.rstrip() + "\n" if document is not None else "Written by BTrackMate.\n"
    counts = dropped["reason"].value_counts()
    for one in (*spot, *track):
        log += f"Filter {one}: {counts.get(str(one), 0)} spots removed.\n"
    if "no track" in counts:
        log += f"Spots in no track: {counts['no track']} removed.\n"
    if document is not None:
        return Session(log=log)
    return Session(
        log=log,
        spot_filters=[one.to_trackmate("spot") for one in spot],
        track_filters=[one.to_trackmate("track") for one in track],
    )
