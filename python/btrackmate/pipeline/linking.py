"""From measured spots to pruned, filtered tracks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from btrackmate import __version__ as version
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress
from btrackmate.core.spots import Spots
from btrackmate.io.trackmate import Session
from btrackmate.io.trackmate.plugin import CSV_DETECTOR, LABEL_DETECTOR
from btrackmate.measurement.frames import FrameSource
from btrackmate.pipeline.settings import RunSettings
from btrackmate.tracking.auto import fill_distances
from btrackmate.tracking.filters import filter_spots, filter_tracks
from btrackmate.tracking.pruning import PruneResult, prune
from btrackmate.tracking.settings import PruneSettings, TrackerSettings, to_trackmate

if TYPE_CHECKING:
    from btrackmate.io.images import Movie

#: A tracking engine: spots, settings, progress and, where the cells come from label images, these
#: images, to tracks.
Linker = Callable[[Spots, TrackerSettings, Progress, FrameSource | None], TrackGraph]


@dataclass(frozen=True)
class LinkingResult:
    """Tracks, and what did not come so far.

    Parameters
    ----------
    graph : TrackGraph
        What is left.
    tracker : TrackerSettings
        Settings that the spots were linked with, distances from the data filled in.
    dropped : DataFrame
        Spots that a filter dropped: id, frame, label (where known), x, y, z, reason.
    pruned : DataFrame
        Removed spots and links: what (spot or link), id (spot), source, target, frame, track, rule.
    """

    graph: TrackGraph
    tracker: TrackerSettings
    dropped: pd.DataFrame
    pruned: pd.DataFrame


def link_and_prune(
    spots: Spots,
    settings: RunSettings,
    linker: Linker,
    progress: Progress,
    labels: FrameSource | None = None,
) -> LinkingResult:
    """Filter spots, link them, prune short tracklets, filter tracks.

    Parameters
    ----------
    spots : Spots
    settings : RunSettings
        Its filters, tracker and pruning.
    linker : Linker
        The engine.
    progress : Progress
    labels : FrameSource, optional
        The label images that the spots were measured in, for a tracker that compares shapes.

    Raises
    ------
    UserError
        If a filter or penalty names a feature that the spots lack, or the tracker needs labels
        and there are none.
    """
    filtered = filter_spots(spots, settings.spot_filters)
    tracker = fill_distances(settings.tracker, filtered.spots)
    graph = linker(filtered.spots, tracker, progress, labels)
    pruned = prune(graph, settings.prune)
    kept = filter_tracks(pruned.graph, settings.track_filters)
    dropped = [filtered.dropped, kept.dropped]
    return LinkingResult(kept.graph, tracker, join_tables(dropped), list_pruned(pruned))


def join_tables(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables of dropped cells; a column that one lacks is missing there."""
    filled = [table for table in tables if len(table)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    return pd.DataFrame(columns=["frame", "label", "x", "y", "z", "reason"])


def list_pruned(result: PruneResult) -> pd.DataFrame:
    """Put removed spots and links in one table, spots first.

    Columns what (spot or link), id, frame, track, tracklet (of spots), source, target, cost (of
    links) and rule.
    """
    spots = result.removed_spots.assign(what="spot")
    links = result.removed_links.assign(what="link")
    columns = ["what", "id", "frame", "track", "tracklet", "source", "target", "cost", "rule"]
    filled = [table for table in (spots, links) if len(table)]
    if not filled:
        return pd.DataFrame(columns=columns)
    table = pd.concat(filled, ignore_index=True).reindex(columns=columns)
    whole = ["id", "frame", "track", "tracklet", "source", "target"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def make_session(
    settings: RunSettings,
    movie: "Movie | None",
    origin: str,
    linked: LinkingResult,
    files: Mapping[str, Path | None],
) -> Session:
    """Say what tracks.xml tells of image, tracker, filters and pruning.

    Parameters
    ----------
    settings : RunSettings
    movie : Movie, optional
        The image that TrackMate shall open with the tracks.
    origin : str
        Where the spots come from, in words, for the log.
    linked : LinkingResult
        Its tracker's settings, and what was pruned, which the log names.
    files : mapping
        Input files by role (labels or spots, mask): the Fiji plugin finds the cells in them again.
    """
    log = f"Written by BTrackMate {version}. Spots: {origin}.\n"
    log += log_pruning(settings.prune, linked.pruned)
    return Session(
        image_path=movie.path if movie else None,
        image_shape=movie.shape if movie else None,
        tracker=to_trackmate(linked.tracker),
        spot_filters=[one.to_trackmate("spot") for one in settings.spot_filters],
        track_filters=[one.to_trackmate("track") for one in settings.track_filters],
        log=log,
        plugin_detector=_describe_detector(settings, files),
        pruning=settings.prune.model_dump(),
    )


def _describe_detector(
    settings: RunSettings, files: Mapping[str, Path | None]
) -> tuple[str, dict[str, Any]] | None:
    """Name the detector of the Fiji plugin that finds the same cells; None for segmented ones."""
    mask = settings.measure.mask
    ids = ",".join(str(one) for one in mask.tissues or ())
    tissue = {"MASK_IMAGE": _absolute(files.get("mask")), "MASK_CHANNEL": 0, "MASK_TISSUES": ids}
    if "labels" in files:
        values = {"LABEL_IMAGE": _absolute(files["labels"]), "TARGET_CHANNEL": 1, **tissue}
        rules = {"MASK_POLICY": mask.policy, "MASK_FRACTION": mask.fraction}
        return LABEL_DETECTOR, {**values, **rules, "SIMPLIFY_CONTOURS": True}
    if "spots" in files:
        given = settings.input
        return CSV_DETECTOR, {
            "CSV_FILE": _absolute(files["spots"]),
            "CSV_UNITS": given.csv_units,
            "CSV_TIME": given.csv_time,
            "CSV_COLUMNS": "",
            "DEFAULT_RADIUS": 5.0,
            "SKIP_BAD_ROWS": given.skip_bad_rows,
            **tissue,
        }
    return None


def _absolute(path: Path | None) -> str:
    return str(path.absolute()) if path is not None else ""


def group_pruned(pruned: pd.DataFrame) -> dict[str, dict[str, list[int] | list[str]]]:
    """Give what was pruned by rule: ``spots`` (ids) and ``links`` (``"source-target"``).

    Parameters
    ----------
    pruned : DataFrame
        As :func:`list_pruned` gives it.
    """
    groups: dict[str, dict[str, list[int] | list[str]]] = {}
    for rule, group in pruned.groupby("rule", sort=True):
        spots = group.loc[group["what"] == "spot", "id"]
        links = group.loc[group["what"] == "link", ["source", "target"]]
        groups[str(rule)] = {
            "spots": [int(one) for one in spots],
            "links": [f"{a}-{b}" for a, b in links.itertuples(index=False)],
        }
    return groups


def log_pruning(settings: PruneSettings, pruned: pd.DataFrame) -> str:
    """Name the pruning rule and all that went, for the log of a TrackMate file."""
    lines = [describe_pruning(settings)]
    for rule, groups in group_pruned(pruned).items():
        for what, ids in groups.items():
            if ids:
                lines.append(f"Pruned {what}, {rule}: {', '.join(str(one) for one in ids)}")
    if len(lines) == 1 and settings.min_tracklet_length > 0:
        lines.append("Nothing was pruned.")
    return "\n".join(lines)


def describe_pruning(settings: PruneSettings) -> str:
    """Say in one line what was pruned."""
    if settings.min_tracklet_length <= 0:
        return "Pruning: off."
    rules = [name for name in ("prune_censored", "prune_internal", "prune_short_tracks")
             if getattr(settings, name)]  # fmt: skip
    unit = "frames" if settings.unit == "frames" else "time units"
    more = f", {', '.join(rules)}" if rules else ""
    return f"Pruning: leaf tracklets shorter than {settings.min_tracklet_length:g} {unit}{more}."
