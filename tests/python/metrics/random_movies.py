"""Small random label movies with divisions, and results that are wrong in every known way."""

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.metrics import LabelMovie

_CELL = 4  # columns a cell takes; one empty column between cells
_FRAMES = 9


def make_case(seed: int, *, ndim: int = 2, scale: int = 1) -> tuple[LabelMovie, LabelMovie]:
    """Make a truth and a faulty result: lost, invented, joined cells, wrong links, cut tracks.

    Labels of tracklet i are 1 + i·scale. Tracklets are numbered by their first frame, parents
    before children, which is what py-ctcmetrics needs to follow chains of parents.
    """
    rng = np.random.default_rng(seed)
    frame, slot, source, target = _grow_tree(rng)
    truth = _movie(_graph(frame, slot, source, target), slot, slot, scale, ndim)
    keep_link = rng.random(source.size) > 0.08 * rng.integers(0, 3)
    source, target = source[keep_link], target[keep_link].copy()
    for _ in range(rng.integers(0, 4)):  # two cells swap their successors
        a, b = rng.integers(0, source.size, 2)
        if frame[target[a]] == frame[target[b]]:
            target[a], target[b] = target[b], target[a]
    for _ in range(rng.integers(0, 4)):  # a false or shifted division: a new link to a newborn
        born = np.setdiff1d(np.flatnonzero(frame > 0), target)
        child = rng.choice(born) if born.size else 0
        mothers = np.flatnonzero(frame == frame[child] - 1)
        if mothers.size:
            mother = rng.choice(mothers)
            source, target = np.append(source, mother), np.append(target, child)
    source, target = _delay_divisions(rng, source, target)
    pairs = np.unique(np.column_stack((source, target)), axis=0)
    lost = rng.random(frame.size) < 0.06 * rng.integers(0, 3)
    wide = slot.copy()  # last slot that a result object covers
    for node in np.flatnonzero(rng.random(frame.size) < 0.04 * rng.integers(0, 3)):
        right = np.flatnonzero((frame == frame[node]) & (slot == slot[node] + 1))
        if right.size and not lost[node]:
            lost[right], wide[node] = True, slot[node] + 1
    kept = np.flatnonzero(~lost)
    row = np.cumsum(~lost) - 1
    pairs = pairs[~lost[pairs].any(axis=1)]
    graph = _graph(frame[kept], slot[kept], row[pairs[:, 0]], row[pairs[:, 1]])
    thin = rng.random(kept.size) < 0.1  # covers half of its cell only: not enough
    cut = rng.random(kept.size) < 0.1 * rng.integers(0, 2)
    movie = _movie(graph, slot[kept], wide[kept], scale, ndim, thin=thin, cut=cut)
    return truth, movie


def _grow_tree(rng):
    """Cells keep their slot; a daughter takes the free slot beside it. No gaps, no empty frame."""
    frames, slots, links, alive = [], [], [], {}
    for t in range(_FRAMES):
        now = {}
        for s, parent in sorted(alive.items()):
            if rng.random() < 0.04 and s != 0:
                continue
            divides = t > 1 and rng.random() < 0.2 and s + 1 not in alive and s + 1 not in now
            for place in (s, s + 1)[: 1 + divides]:
                now[place] = len(frames)
                links.append((parent, len(frames)))
                frames.append(t)
                slots.append(place)
        for s in range(0, 24, 4):
            seeded = rng.random() < (0.6 if t == 0 else 0.1)
            if s not in now and s not in alive and (seeded or s == 0):
                now[s] = len(frames)
                frames.append(t)
                slots.append(s)
        alive = now
    order = np.lexsort((slots, frames))
    rank = np.argsort(order)
    links = rank[np.array(links, int).reshape(-1, 2)]
    return np.array(frames)[order], np.array(slots)[order], links[:, 0], links[:, 1]


def _delay_divisions(rng, source, target):
    """Let some divisions come a frame late: the second daughter's first node loses its links."""
    links = {(int(a), int(b)) for a, b in zip(source, target, strict=True)}
    for mother in np.unique(source):
        daughters = sorted(b for a, b in links if a == mother)
        if len(daughters) != 2 or rng.random() < 0.5:
            continue
        stays, late = daughters
        later = sorted(b for a, b in links if a == late)
        if len(later) == 1:
            links -= {(mother, late), (late, later[0])}
            links |= {(stays, later[0])}
    pairs = np.array(sorted(links), int).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _graph(frame, slot, source, target):
    table = pd.DataFrame({"frame": frame, "x": slot.astype(float), "y": 0.0})
    spots = Spots.from_table(table, Calibration(), ndim=2, n_frames=_FRAMES)
    return TrackGraph.from_links(spots, source, target)


def _movie(graph, first, last, scale, ndim, thin=None, cut=None):
    """Draw each spot over its slots; tracklets become labels, split once more where `cut`."""
    number = graph.tracklet.copy()
    parent = graph.tracklets["parent"].to_numpy().tolist()
    frame = graph.spots.frame
    for row in np.flatnonzero(cut) if cut is not None else ():
        rest = (number == number[row]) & (frame >= frame[row])
        if frame[number == number[row]].min() == frame[row]:
            continue
        old, new = number[row], len(parent)
        children = [child for child, mother in enumerate(parent) if mother == old]
        for child in children:
            parent[child] = new
        parent.append(old)
        number[rest] = new
    # Number by first frame, so that parents stand before children.
    begin = np.array([frame[number == i].min() for i in range(len(parent))], int)
    end = np.array([frame[number == i].max() for i in range(len(parent))], int)
    order = np.argsort(begin, kind="stable")
    label = np.empty(len(parent), int)
    label[order] = 1 + scale * np.arange(len(parent))
    frames = np.zeros((_FRAMES, 2, 30 * (_CELL + 1)), np.uint16 if scale < 1000 else np.uint32)
    for row in range(frame.size):
        start = first[row] * (_CELL + 1)
        stop = last[row] * (_CELL + 1) + _CELL
        if thin is not None and thin[row]:
            stop = start + _CELL // 2
        frames[frame[row], :, start:stop] = label[number[row]]
    tracks = pd.DataFrame(
        {
            "label": label,
            "begin": begin,
            "end": end,
            "parent": [label[i] if i >= 0 else 0 for i in parent],
        }
    ).sort_values("label", ignore_index=True)
    return LabelMovie(frames if ndim == 2 else np.repeat(frames[:, None], 3, axis=1), tracks)
