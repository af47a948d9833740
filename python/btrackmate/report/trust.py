"""What a user must know before trusting tracks: checks of a result, in plain words."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.core.scratch import cut_rows, make_array
from btrackmate.core.spots import Spots
from btrackmate.core.words import option, setting
from btrackmate.tracking.auto import Distances, measure_distances
from btrackmate.tracking.distances import AUTO
from btrackmate.tracking.settings import OverlapSettings, TrackerSettings

_log = logging.getLogger(__name__)

#: Links in the last tenth below the largest distance, at least, and part of all links.
_PILED_LINKS, _PILED_PART = 10, 0.03
#: Median step over median nearest neighbour from which frames are too far apart in time.
_FAST = 0.45
#: Growth of the number of cells that must come from divisions, and part of it that must be found.
_GROWTH, _FOUND = 1.5, 0.25
#: Fewest new cells, and part of the frames at either end whose mean counts them.
_NEW_CELLS, _END_PART = 8, 0.1
#: Part of the cells in no track, and fewest of them.
_LONE_PART, _LONE_CELLS = 0.1, 10
#: Part of the tracks that start or end inside, and fewest of them.
_BROKEN_PART, _BROKEN_TRACKS = 1 / 3, 5
#: Steps of a frame over the usual ones, and over the distance between neighbours, that are a jump.
_JUMP_STEPS, _JUMP_PART = 3.0, 0.1
#: Jumps that are named.
_NAMED = 5
#: Medians of the cells' agreement with StarDist's shapes (IoU) and of its scores that are low. The
#: shipped networks reached 0.6 and 0.7 on tissue like their training data (F1@0.5 0.96 to 0.99),
#: 0.48 and 0.7 on other membranes (0.7), 0.39 and 0.73 on an ovule (0.62), 0.35 and 0.57 on
#: nuclei (0).
_LOW_AGREEMENT, _LOW_SCORE = 0.5, 0.6


@dataclass(frozen=True)
class Note:
    """One thing to know.

    Parameters
    ----------
    what : str
        What was seen, in numbers.
    do : str
        What to do about it.
    """

    what: str
    do: str

    def to_dict(self) -> dict[str, str]:
        """Give it as ``what`` and ``do``."""
        return asdict(self)


def log_notes(notes: Iterable[Mapping[str, str]]) -> None:
    """Put notes, as ``what`` and ``do``, into the log as warnings."""
    for note in notes:
        _log.warning("to know before you trust it: %s %s", note["what"], note["do"])


def check_result(graph: TrackGraph, tracker: TrackerSettings | None = None) -> list[Note]:
    """Check tracks for what makes them less than they seem.

    Parameters
    ----------
    graph : TrackGraph
        The tracks; spots may have origin, segmentation_score and agreement.
    tracker : TrackerSettings, optional
        What they were linked with, distances filled in; None where that is not known.

    Returns
    -------
    list of Note
        The gravest first; empty if nothing was seen.
    """
    spots = graph.spots
    if not len(spots):
        return [Note("no cell was found.", "Check the image, its channel, and the segmentation.")]
    distances = measure_distances(spots)
    steps = _measure_steps(graph)
    checks = (
        _check_segmentation(spots),
        _check_steps(spots, distances),
        _check_divisions(graph, tracker),
        _check_limits(graph, steps[1], tracker),
        _check_jumps(spots, steps, distances),
        _check_lone(graph),
        _check_ends(graph, distances),
        _check_calibration(spots),
    )
    return [note for notes in checks for note in notes]


def _measure_steps(graph: TrackGraph) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give the frames that links to the next frame go out from, ascending, and their lengths."""
    spots, used = graph.spots, 0
    frames, lengths = make_array(graph.n_links, np.int64), make_array(graph.n_links, np.float64)
    for part in cut_rows(graph.n_links):
        source, target = graph.source[part], graph.target[part]
        frame = spots.frame[source]
        near = spots.frame[target] - frame == 1
        step = spots.place(target[near]) - spots.place(source[near])
        here = slice(used, used + len(step))
        frames[here], lengths[here] = frame[near], np.linalg.norm(step, axis=1)
        used = here.stop
    return frames[:used], lengths[:used]


def _check_segmentation(spots: Spots) -> Iterator[Note]:
    found = []
    if "agreement" in spots.features:
        agreement = np.nanmedian(_known(spots.feature("agreement")))
        if agreement < _LOW_AGREEMENT:
            found.append(
                f"half of the cells agree with StarDist's shape by less than IoU {agreement:.2f}"
            )
    if "segmentation_score" in spots.features:
        score = np.nanmedian(_known(spots.feature("segmentation_score")))
        if score < _LOW_SCORE:
            found.append(f"StarDist gives half of the cells a score below {score:.2f}")
    if found:
        yield Note(
            f"the segmentation is unsure: {' and '.join(found)}.",
            "Look at the outlines below. If they are wrong, train on a few volumes of your own: "
            "btrackmate train FOLDER --name mine --preset small.",
        )


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = values[np.isfinite(values)]
    return known if known.size else np.array([np.inf])


def _check_steps(spots: Spots, distances: Distances) -> Iterator[Note]:
    share = distances.step / distances.near
    if share >= _FAST:
        unit = spots.calibration.space_unit
        yield Note(
            "cells move about as far from frame to frame as they are apart (in the median the "
            f"nearest match lies {distances.step:.3g} {unit} away, the nearest neighbour "
            f"{distances.near:.3g} {unit}): many links are guesses.",
            "Take images more often; meanwhile trust numbers of many cells, not single tracks.",
        )


def _check_divisions(graph: TrackGraph, tracker: TrackerSettings | None) -> Iterator[Note]:
    spots = graph.spots
    counts = np.diff(spots.frame_offsets).astype(float)
    counts = counts[np.flatnonzero(counts)[0] :] if counts.any() else counts
    few = max(1, round(_END_PART * counts.size))
    first, last = counts[:few].mean(), counts[-few:].mean()
    new, n = last - first, len(graph.divisions)
    if counts.size < 2 or last < _GROWTH * first or new < _NEW_CELLS or n >= _FOUND * new:
        return
    advice = "Leave the distances at auto"
    if tracker is not None and not getattr(tracker, "allow_track_splitting", False):
        advice = f"This tracker finds no divisions: take {option('tracker', 'flow')} or lap, with "
        advice += "splitting on"
    yield Note(
        f"the cells go from {first:.0f} to {last:.0f}, but "
        f"{'no division was' if not n else f'only {n} divisions were'} found.",
        f"{advice}; if cells come into view instead, this is as it should be.",
    )


def _check_limits(
    graph: TrackGraph, length: NDArray[np.float64], tracker: TrackerSettings | None
) -> Iterator[Note]:
    if tracker is None or isinstance(tracker, OverlapSettings) or not graph.n_links:
        return
    limit = tracker.linking_max_distance
    if limit == AUTO:
        return
    piled = int(((length > 0.9 * limit) & (length <= limit * (1 + 1e-9))).sum())
    before = int(((length > 0.7 * limit) & (length <= 0.9 * limit)).sum()) / 2
    if piled >= _PILED_LINKS and piled >= _PILED_PART * length.size and piled > 0.7 * before:
        unit = graph.spots.calibration.space_unit
        yield Note(
            f"{piled} of {length.size} links are nearly as long as the largest that is allowed "
            f"({limit:g} {unit}): longer ones are probably cut off.",
            "Leave the linking distance at auto, or raise it.",
        )


def _check_jumps(
    spots: Spots, steps: tuple[NDArray[np.int64], NDArray[np.float64]], distances: Distances
) -> Iterator[Note]:
    frame, length = steps
    medians = np.full(spots.n_frames, np.nan)
    begins = np.searchsorted(frame, np.arange(spots.n_frames + 1))
    for f in np.flatnonzero(np.diff(begins)):
        here = length[begins[f] : begins[f + 1]]
        if here.size >= _BROKEN_TRACKS:
            medians[f] = np.median(here)
    if np.isfinite(medians).sum() < _BROKEN_TRACKS:
        return
    usual = np.nanmedian(medians)
    jump = (medians > _JUMP_STEPS * usual) & (medians > _JUMP_PART * distances.near)
    jumps = np.flatnonzero(jump)
    if jumps.size and jumps.size <= 0.2 * np.isfinite(medians).sum():
        unit = spots.calibration.space_unit
        named = ", ".join(f"{f} to {f + 1} (by {medians[f]:.3g} {unit})" for f in jumps[:_NAMED])
        more = f" and {jumps.size - _NAMED} more" if jumps.size > _NAMED else ""
        yield Note(
            f"all cells jump from frame {named}{more}; usually they step {usual:.3g} {unit}.",
            "Check for a moved stage or missing frames, and register the movie if it is.",
        )


def _check_lone(graph: TrackGraph) -> Iterator[Note]:
    lone = int((graph.track < 0).sum())
    if lone >= _LONE_CELLS and lone >= _LONE_PART * len(graph.spots) and graph.spots.n_frames > 1:
        yield Note(
            f"{lone} of {len(graph.spots)} cells are in no track.",
            "They may be false cells, or the linking distance is too small; a filter on size or "
            f"score ({option('spot_filter')}) takes out false ones.",
        )


def _check_ends(graph: TrackGraph, distances: Distances) -> Iterator[Note]:
    """Count tracks that begin or end in the middle of movie and tissue."""
    spots = graph.spots
    in_track = graph.track >= 0
    if not in_track.any() or spots.n_frames < 2:
        return
    margin = distances.near if np.isfinite(distances.near) else 0.0
    names = ["x", "y", "z"][: spots.ndim]
    edges = [(spots.table[name].min(), spots.table[name].max()) for name in names]
    # along an axis of few cells every cell is at a border
    deep = [axis for axis, (low, high) in enumerate(edges) if high - low > 4 * margin]
    first, last = spots.frame[0], spots.frame[-1]
    open_ended = []
    for rows in cut_rows(len(spots)):
        inside = in_track[rows].copy()
        for axis in deep:
            values = spots.table[names[axis]].to_numpy()[rows]
            inside &= (values > edges[axis][0] + margin) & (values < edges[axis][1] - margin)
        if "boundary_distance" in spots.features:
            inside &= ~(spots.feature("boundary_distance")[rows] < margin)
        begins = (graph.in_degree[rows] == 0) & (spots.frame[rows] > first)
        ends = (graph.out_degree[rows] == 0) & (spots.frame[rows] < last)
        open_ended.append(graph.track[rows][inside & (begins | ends)])
    broken = np.unique(np.concatenate(open_ended)).size
    if broken >= _BROKEN_TRACKS and broken >= _BROKEN_PART * graph.n_tracks:
        yield Note(
            f"{broken} of {graph.n_tracks} tracks begin or end in the middle of the tissue and of "
            "the movie.",
            "Cells were missed there: look at the segmentation, or bridge longer gaps "
            f"({setting('max_frame_gap', '3')}).",
        )


def _check_calibration(spots: Spots) -> Iterator[Note]:
    calibration = spots.calibration
    if calibration.space_unit == "pixel":
        flat = spots.ndim == 3 and calibration.dx == calibration.dy == calibration.dz
        z = " A step in z counts like one in x and y, which is rarely so." if flat else ""
        axes = "Z,Y,X" if spots.ndim == 3 else "Y,X"
        yield Note(
            f"the size of a voxel is not known: distances, volumes and speeds are in pixels.{z}",
            f"Give {option('voxel_size', axes)} and {option('space_unit')} (µm).",
        )
    if calibration.time_unit == "frame":
        yield Note(
            "the time between frames is not known: durations and speeds are in frames.",
            f"Give {option('dt')} and {option('time_unit')}.",
        )
