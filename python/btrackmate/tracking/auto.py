"""Linking distances from the data: how far cells step, and how far apart they are."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.neighbours import Neighbours
from btrackmate.core.spots import Spots
from btrackmate.tracking.distances import AUTO
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.settings import TrackerSettings

_log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Spots whose neighbours are looked at, in pairs of frames spread over the movie.
_SPOTS = 40_000
#: Part of the cells that have a neighbour within the spacing.
_SPACING_QUANTILE = 0.95
#: Median steps that a cell's step rarely exceeds, and within which a match is believed.
_STEPS, _SURE_STEPS = 3.0, 2.5
#: Largest and, where nothing tells, usual linking distance, in spacings.
_WIDEST, _USUAL = 1.0, 0.75
#: Part of the greatest surplus of far links that must be within the linking distance.
_SURPLUS = 0.95
#: What a pair by chance takes from the surplus, so that it does not grow by noise.
_PRICE = 1.25
#: Fewest far pairs that tell where links end, and fewest more than by chance.
_FEWEST, _FEWEST_MORE = 10, 3
#: Daughters go this much farther than links, at most one spacing.
_DAUGHTERS = 1.4
#: Reach of the flow tracker in spacings and in median steps.
_FLOW_SPACING, _FLOW_STEPS = 1.2, 7.0
#: Frames between those whose leftover spots are compared by chance.
_APART = (3, 4, 5, 6)
#: Fewest matches, and part of the spots matched, that make a frame's median step believed.
_JUMP_MATCHES, _JUMP_SHARE = 5, 0.8
#: Linking distance where there is but one cell that never moves [voxels].
_LAST_RESORT = 10.0


@dataclass(frozen=True)
class Distances:
    """What the data tell about distances; all in the spots' space unit.

    Parameters
    ----------
    spacing : float
        95 % of the cells have their nearest neighbour within it; NaN if no frame holds two spots.
    near : float
        Median distance to the nearest neighbour; NaN likewise.
    step : float
        Median displacement of mutual nearest neighbours from frame to frame; NaN if there is none.
    jump : float
        The largest median displacement of a frame; NaN if none is sure.
    linking, gap_closing, splitting, merging : float
        Largest distances of links.
    flow : float
        Largest distance from the predicted position that the tracker flow looks at.
    """

    spacing: float
    near: float
    step: float
    jump: float
    linking: float
    gap_closing: float
    splitting: float
    merging: float
    flow: float


@dataclass(frozen=True)
class _Pair:
    """Two successive frames: rows of what a sure match leaves over, and the matches' lengths."""

    frame: int
    lost: IntArray
    found: IntArray
    steps: Floats
    share: float


def measure_distances(spots: Spots) -> Distances:
    """Measure how far cells are apart and how far they step, and derive linking distances.

    Parameters
    ----------
    spots : Spots
        The spots; large movies are sampled in pairs of frames.

    Returns
    -------
    Distances

    Notes
    -----
    With W the 95 % quantile of the distances to the nearest neighbour and m the median displacement
    of mutual nearest neighbours in successive frames:

    1. A link may be 3 m long (99.9 % of a Maxwell distribution lie within 2.6 medians), and 2 m
       more than the largest median displacement of a frame, so that frames that jump are followed.
    2. Longer links (fast cells, daughters) show as a surplus: the spots that no match within 2.5 m
       explains, lost in one frame and found in the next, form more close pairs than the lost and
       found of frames that have nothing to do with each other. The surplus is the number of the
       former less 1.25 times that of the latter; the linking distance is the largest, up to W,
       that holds no less than 95 % of the greatest surplus. Where cells come and go far apart
       there is none, and 3 m remain; where too few spots are left over to tell, it is 0.75 W.
    3. Daughters may lie 1.4 times as far, but not beyond W.
    4. The tracker flow, which weighs each link, looks 1.2 W or 7 m around the predicted position,
       whichever is more.

    References
    ----------
    The comparison with pairs that are wrong by construction is the target-decoy approach of Elias
    and Gygi, Nature Methods 4, 207–214 (2007), doi:10.1038/nmeth1019.
    """
    positions = spots.positions
    apart, pairs = _look_at_frames(positions, spots.frame_offsets)
    steps = np.concatenate([pair.steps for pair in pairs] or [np.empty(0)])
    spacing, near = _quantile(apart, _SPACING_QUANTILE), _quantile(apart, 0.5)
    step = _quantile(steps, 0.5)
    medians = [
        _quantile(pair.steps, 0.5)
        for pair in pairs
        if pair.steps.size >= _JUMP_MATCHES and pair.share >= _JUMP_SHARE
    ]
    jump = max(medians, default=float("nan"))
    least = _largest(_STEPS * step, jump + 2 * step)
    linking = _find_linking(positions, pairs, least, spacing, step)
    if not linking > 0:
        linking = _LAST_RESORT * max(spots.calibration.spacing(spots.ndim))
    splitting = max(linking, _smallest(_DAUGHTERS * linking, spacing))
    flow = _largest(_FLOW_SPACING * spacing, _FLOW_STEPS * step, splitting)
    return Distances(
        spacing, near, step, jump, *map(_round, (linking, linking, splitting, linking, flow))
    )


def fill_distances(settings: TrackerSettings, spots: Spots) -> TrackerSettings:
    """Replace the distances that are ``"auto"`` by those that the spots tell.

    Parameters
    ----------
    settings : TrackerSettings
        Settings of any tracker.
    spots : Spots
        What will be linked.

    Returns
    -------
    TrackerSettings
        `settings` itself if no distance is ``"auto"``.

    See Also
    --------
    measure_distances : the rule.
    """
    asked = [name for name, value in settings if value == AUTO]
    if not asked:
        return settings
    distances = measure_distances(spots)
    is_flow = isinstance(settings, FlowSettings)
    filled: dict[str, Any] = {}
    for name in asked:
        kind = name.removesuffix("_max_distance")
        if is_flow:
            filled[name] = distances.flow
        elif name == "kalman_search_radius":
            filled[name] = distances.linking
        else:
            filled[name] = getattr(distances, kind)
    unit = spots.calibration.space_unit
    seen = [
        f"{words} {value:.3g} {unit}"
        for words, value in (
            ("median step", distances.step),
            ("median nearest neighbour", distances.near),
            ("95 % of these within", distances.spacing),
        )
        if np.isfinite(value)
    ]
    _log.info(
        "distances from the data: %s (%s)",
        ", ".join(f"{name} {value:g} {unit}" for name, value in filled.items()),
        ", ".join(seen) or "no two cells to measure: from the size of a voxel",
    )
    return settings.model_copy(update=filled)


def _look_at_frames(positions: Floats, offsets: IntArray) -> tuple[Floats, list[_Pair]]:
    """Give distances to nearest neighbours, and pairs of successive frames that have spots."""
    count = np.diff(offsets)
    both = np.flatnonzero((count[:-1] > 0) & (count[1:] > 0))
    step = max(1, -(-int(count.sum()) // _SPOTS))
    apart, trees, pairs = [], {}, []
    for f in np.flatnonzero(count > 1)[::step].tolist():
        here = positions[offsets[f] : offsets[f + 1]]
        trees[f] = Neighbours(here)
        apart.append(trees[f].query(here, 2)[0][:, 1])
    for f in both[::step].tolist():
        one, other = (
            positions[offsets[f] : offsets[f + 1]],
            positions[offsets[f + 1] : offsets[f + 2]],
        )
        ahead, place = Neighbours(other).query(one)
        back = trees.get(f, Neighbours(one)).query(other)[1]
        mutual = np.flatnonzero(back[place] == np.arange(len(one)))
        pairs.append((f, mutual, place[mutual], ahead[mutual]))
    steps = np.concatenate([pair[3] for pair in pairs] or [np.empty(0)])
    sure = _SURE_STEPS * _quantile(steps, 0.5)
    distances = np.concatenate(apart or [np.empty(0)])
    return distances[distances > 0], [
        _split_pair(f, source, target, length, sure, offsets) for f, source, target, length in pairs
    ]


def _split_pair(
    f: int, source: IntArray, target: IntArray, length: Floats, sure: float, offsets: IntArray
) -> _Pair:
    """Tell what the matches within `sure` leave over."""
    begin, middle, end = (int(row) for row in offsets[f : f + 3])
    near = length <= sure
    lost, found = np.ones(middle - begin, np.bool_), np.ones(end - middle, np.bool_)
    lost[source[near]] = False
    found[target[near]] = False
    share = length.size / min(lost.size, found.size)
    return _Pair(f, begin + np.flatnonzero(lost), middle + np.flatnonzero(found), length, share)


def _find_linking(
    positions: Floats, pairs: list[_Pair], least: float, spacing: float, step: float
) -> float:
    """Give the largest linking distance that the surplus of far links supports; NaN for none."""
    usual = _largest(least, _USUAL * spacing)
    widest = _WIDEST * spacing
    if not widest > least:
        return usual
    true = np.sort(
        np.concatenate([_match(positions, one.lost, one.found, widest) for one in pairs])
    )
    by_chance, compared = [], 0
    by_frame = {pair.frame: pair for pair in pairs}
    stride = pairs[1].frame - pairs[0].frame if len(pairs) > 1 else 1
    for one in pairs:
        for away in _APART:
            for sign in (-1, 1):
                other = by_frame.get(one.frame + sign * away * stride)
                if other is not None:
                    by_chance.append(_match(positions, one.lost, other.found, widest))
                    compared += 1
    chance = np.sort(np.concatenate(by_chance or [np.empty(0)]))
    share = len(pairs) / compared if compared else 0.0
    lengths = np.linspace(least, widest, 61)
    price = _PRICE * share
    surplus = np.searchsorted(true, lengths, "right") - price * np.searchsorted(
        chance, lengths, "right"
    )
    if true.size + share * chance.size < _FEWEST:
        return usual
    best = float(surplus.max())
    if best < max(_FEWEST_MORE, 2 * np.sqrt(true.size)):
        return least
    return float(lengths[np.flatnonzero(surplus >= _SURPLUS * best)[-1]])


def _match(positions: Floats, lost: IntArray, found: IntArray, widest: float) -> Floats:
    """Give the distances of mutual nearest spots."""
    if not lost.size or not found.size:
        return np.empty(0)
    one, other = positions[lost], positions[found]
    distance, place = Neighbours(other).query(one)
    back = Neighbours(one).query(other)[1]
    mutual = (back[place] == np.arange(lost.size)) & (distance <= widest)
    matched: Floats = distance[mutual]
    return matched


def _quantile(values: Floats, share: float) -> float:
    return float(np.quantile(values, share)) if values.size else float("nan")


def _largest(*values: float) -> float:
    """Give the largest number, NaN if there is none."""
    return float(np.fmax.reduce(values))


def _smallest(*values: float) -> float:
    return float(np.fmin.reduce(values))


def _round(value: float) -> float:
    """Keep three digits, as more would pretend."""
    return float(f"{value:.3g}")
