"""Candidate links and divisions around the predicted positions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.neighbours import Neighbours
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.flow.motion import Floats, IntArray, Motion
from btrackmate.tracking.flow.settings import FlowSettings


@dataclass(frozen=True)
class Candidates:
    """What may happen to the spots: links, divisions, and spots that are no cells.

    A link has `second` −1, a spot that is no cell has `first` −1 too.

    Parameters
    ----------
    source : (m,) ndarray of int
        Row of the mother, or of the spot.
    first, second : (m,) ndarray of int
        Rows linked to; ``first < second`` in a division.
    gap : (m,) ndarray of int
        Frames between, 1 for the next frame, 0 for a spot that is no cell.
    """

    source: IntArray
    first: IntArray
    second: IntArray
    gap: IntArray

    def __len__(self) -> int:
        return int(self.source.size)

    @classmethod
    def join(cls, parts: "list[Candidates]") -> "Candidates":
        """Put candidates one after the other."""
        names = ("source", "first", "second", "gap")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def count_from(self, row: int) -> "Candidates":
        """Count the rows of spots from one on, which changes nothing of what is chosen."""
        first, second = (np.where(one >= 0, one - row, -1) for one in (self.first, self.second))
        return Candidates(self.source - row, first, second, self.gap)

    def take(self, rows: NDArray[np.bool_] | IntArray) -> "Candidates":
        """Keep some candidates."""
        return Candidates(self.source[rows], self.first[rows], self.second[rows], self.gap[rows])


@dataclass(frozen=True)
class Reach:
    """How far and to how many spots candidates go.

    Parameters
    ----------
    distance : float
        Largest distance of a link from the predicted position [space unit].
    division : float
        Largest distance of a daughter from the mother's predicted position [space unit].
    nearest : int
        Largest number of targets, and of daughters, of a spot.
    max_gap : int
        Largest frame difference of a link.
    """

    distance: float
    division: float
    nearest: int
    max_gap: int


def make_reach(settings: FlowSettings) -> Reach:
    """Give the limits of candidates that settings ask for."""
    division = (
        known_distance(settings.splitting_max_distance) if settings.allow_track_splitting else 0.0
    )
    return Reach(
        known_distance(settings.linking_max_distance),
        division,
        settings.nearest,
        settings.max_frame_gap,
    )


def find_candidates(
    positions: Floats, offsets: IntArray, motion: Motion, span: tuple[int, int], reach: Reach
) -> Candidates:
    """Find all candidates whose source lies in a range of frames.

    Parameters
    ----------
    positions : (n, 3) ndarray of float
        Spots by frame.
    offsets : (frames + 1,) ndarray of int
        Rows of each frame.
    motion : Motion
        Predicted displacements.
    span : tuple of int
        First frame and one past the last.
    reach : Reach
        Limits.
    """
    frames = offsets.size - 1
    trees = {}
    filled = span[0] + np.flatnonzero(np.diff(offsets[span[0] : span[1] + reach.max_gap + 1]))
    for f in filled.tolist():
        trees[f] = Neighbours(positions[offsets[f] : offsets[f + 1]])
    rows = np.arange(offsets[span[0]], offsets[min(span[1], frames)])
    none = np.full(rows.size, -1)
    parts = [Candidates(rows, none, none, np.zeros_like(rows))]
    for f in filled[filled < min(span[1], frames - 1)].tolist():
        ahead = positions[offsets[f] : offsets[f + 1]]
        at = np.arange(offsets[f], offsets[f + 1])
        steps = motion.shift[at]
        carried = steps.copy()
        for gap in range(1, min(reach.max_gap, frames - 1 - f) + 1):
            if gap > 1:
                carried = carried + steps
            g = f + gap
            if offsets[g] == offsets[g + 1]:
                continue
            wide = max(reach.distance, reach.division) if gap == 1 else reach.distance
            nearest = reach.nearest if gap == 1 else min(reach.nearest, 3)
            found, distance = _query(trees[g], ahead + carried, nearest, wide)
            target = np.where(found >= 0, found + offsets[g], -1)
            parts.append(_links(at, target, distance <= reach.distance, gap))
            if gap == 1:
                parts.append(_divisions(at, target, distance <= reach.division))
                # whom a spot is nearest to may have nearer ones itself
                back, far = _query(
                    Neighbours(ahead + carried),
                    positions[offsets[g] : offsets[g + 1]],
                    2,
                    reach.distance,
                )
                parts.append(_backward(at, back, offsets[g], target))
    return Candidates.join(parts)


def _query(tree: Neighbours, points: Floats, count: int, radius: float) -> tuple[IntArray, Floats]:
    """Give the nearest spots of each point within a radius, −1 for none."""
    count = min(count, len(tree))
    distance, found = tree.query(points, count, radius * (1 + 1e-9))
    distance, found = distance.reshape(-1, count), found.reshape(-1, count)
    return np.where(np.isfinite(distance), found, -1), distance


def _links(source: IntArray, target: IntArray, near: NDArray[np.bool_], gap: int) -> Candidates:
    row, place = np.nonzero((target >= 0) & near)
    first = target[row, place]
    return Candidates(source[row], first, np.full_like(first, -1), np.full_like(first, gap))


def _divisions(source: IntArray, target: IntArray, near: NDArray[np.bool_]) -> Candidates:
    parts = []
    for a in range(target.shape[1]):
        for b in range(a + 1, target.shape[1]):
            both = np.flatnonzero((target[:, a] >= 0) & (target[:, b] >= 0) & near[:, b])
            one, other = target[both, a], target[both, b]
            parts.append((source[both], np.minimum(one, other), np.maximum(one, other)))
    if not parts:
        return Candidates(*(np.empty(0, np.int64) for _ in range(4)))
    mother, first, second = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Candidates(mother, first, second, np.ones_like(mother))


def _backward(source: IntArray, back: IntArray, begin: int, target: IntArray) -> Candidates:
    """Give the links to the nearest predicted positions that are not among `target` yet."""
    row, place = np.nonzero(back >= 0)
    local = back[row, place]
    first = row + begin
    new = ~(target[local] == first[:, None]).any(axis=1)
    first = first[new]
    return Candidates(source[local[new]], first, np.full_like(first, -1), np.ones_like(first))
