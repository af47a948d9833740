"""Weights of the flow tracker from tracks that are right: distances, learning, scores."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.words import setting
from btrackmate.io.shown_tracks import read_shown_tracks
from btrackmate.io.track_formats import is_table_name
from btrackmate.metrics import TrackingScores, score_same_spots
from btrackmate.tracking.flow.learn import train_linking
from btrackmate.tracking.flow.settings import FlowSettings, FlowWeights
from btrackmate.tracking.flow.tracker import link_flow
from btrackmate.tracking.settings import parse_tracker
from btrackmate.tracking.true_reach import measure_true_reach

_log = logging.getLogger(__name__)

_DISTANCES = ("linking_max_distance", "splitting_max_distance")
#: Distances of several movies that differ by more are not those of one kind of movie.
_MOST_DIFFERENT = 2.0


@dataclass(frozen=True)
class LearntLinking:
    """What was learnt.

    Parameters
    ----------
    settings : dict
        Settings of the flow tracker: those given, distances and weights, as for ``--config``.
    weights : FlowWeights
    scores : list of TrackingScores
        Of each movie, tracked with what was learnt from it.
    """

    settings: dict[str, Any]
    weights: FlowWeights
    scores: list[TrackingScores]


def learn_linking(
    paths: Sequence[Path],
    values: dict[str, Any],
    ridge: float,
    progress: Progress = ignore_progress,
) -> LearntLinking:
    """Learn the weights of the flow tracker from tracks that are right.

    Parameters
    ----------
    paths : sequence of Path
        .xml, .geff, .csv or run folders.
    values : dict
        Settings of the tracker, as given; distances that are not among them are taken from the true
        links of each movie, see :func:`btrackmate.tracking.true_reach.measure_true_reach`.
    ridge : float
        Pull towards the default weights, > 0.
    progress : Progress

    Raises
    ------
    UserError
        If there is nothing to learn from, or a setting is wrong.
    """
    given = {name.lower(): value for name, value in values.items()}
    parse_tracker("flow", given, "settings")
    graphs = [read_shown_tracks(path) for path in paths]
    pairs = zip(paths, graphs, strict=True)
    reaches = [_choose_distances(path, graph, given) for path, graph in pairs]
    settings = [_parse(given | reach) for reach in reaches]
    weights = train_linking(graphs, settings, ridge=ridge, progress=progress)
    scores = []
    for number, (graph, one) in enumerate(zip(graphs, settings, strict=True)):
        found = link_flow(graph.spots, one.model_copy(update={"weights": weights}))
        scores.append(score_same_spots(graph, found))
        progress("tracking what was learnt from", number + 1, len(graphs))
    units = {  # a table of the movies' own unit says none
        graph.spots.calibration.space_unit
        for path, graph in zip(paths, graphs, strict=True)
        if not is_table_name(path)
    }
    shared = given | share_distances(reaches, units) | {"weights": weights.model_dump()}
    return LearntLinking(shared, weights, scores)


def _parse(values: dict[str, Any]) -> FlowSettings:
    settings = parse_tracker("flow", values, "settings")
    if not isinstance(settings, FlowSettings):
        raise TypeError(type(settings))
    return settings


def _choose_distances(path: Path, graph: TrackGraph, given: dict[str, Any]) -> dict[str, float]:
    """Give the distances that are not given, from the true links of a movie."""
    wanted = [name for name in _DISTANCES if name not in given]
    if not wanted:
        return {}
    try:
        reach = measure_true_reach(graph)
    except UserError as error:
        msg = f"{path}: {error}"
        raise UserError(msg) from None
    measured = dict(zip(_DISTANCES, (reach.linking, reach.splitting), strict=True))
    unit = graph.spots.calibration.space_unit
    chosen = {name: measured[name] for name in wanted}
    words = ", ".join(f"{name} {value:g} {unit}" for name, value in chosen.items())
    _log.info("%s: from its links, %s", path, words)
    return chosen


def share_distances(reaches: Sequence[dict[str, float]], units: set[str]) -> dict[str, float]:
    """Give the largest distances of all movies; none where they differ too much, or in unit."""
    shared: dict[str, float] = {}
    if len(units) > 1 and reaches[0]:
        _log.warning(
            "the movies are in %s, so that no distances are written; give %s when you track, in "
            "the unit of that movie",
            " and ".join(sorted(units)),
            " and ".join(map(setting, reaches[0])),
        )
        return shared
    for name in reaches[0]:
        values = [reach[name] for reach in reaches]
        if max(values) > _MOST_DIFFERENT * min(values):
            _log.warning(
                "the movies' own values of %s go from %g to %g, so that none is written; give "
                "%s when you track, in the unit of that movie",
                name,
                min(values),
                max(values),
                setting(name),
            )
            continue
        shared[name] = max(values)
    return shared
