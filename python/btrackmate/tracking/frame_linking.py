"""Linking each frame to the next."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from btrackmate.core.errors import UserError
from btrackmate.core.parallel import count_cores, run_in_order
from btrackmate.core.progress import Progress
from btrackmate.core.scratch import fill_array, make_array
from btrackmate.core.spots import Spots
from btrackmate.tracking import kernels
from btrackmate.tracking.costs import gather_terms
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.kernels import Floats, Grid, Ints, Rows
from btrackmate.tracking.settings import LapSettings, TrackerSettings

#: Spots of the frames that are linked from together, unless one frame has more.
_CHUNK = 20_000
#: Most threads; each may hold the candidates of a pair of frames.
_THREADS = 4


@dataclass(frozen=True)
class FrameLinks:
    """At most one link out of and into each spot; spots are numbered in the order of the grid.

    Parameters
    ----------
    order : (n,) ndarray of int32
        Table row of each spot: frame after frame, in each by the cells of a grid.
    size : float
        Size of these cells, at least [space unit].
    successor : (n,) ndarray of int32
        Spot in the next (after Kalman filters, or a later) frame that each spot is linked to, −1
        for none.
    cost : (n,) ndarray of float
        Cost of that link, NaN for none.
    """

    order: Rows
    size: float
    successor: Rows
    cost: Floats

    @classmethod
    def start(cls, n: int, size: float) -> "FrameLinks":
        """Make room for n spots without links."""
        order, successor = make_array(n, np.int32), fill_array(n, -1, np.int32)
        return cls(order, size, successor, fill_array(n, np.nan, np.float64))


class Window(NamedTuple):
    """Some frames of a movie, sorted into a grid; its spots are counted from its first.

    Parameters
    ----------
    spots : Spots
        Those of the frames.
    begin : int
        Table row of the first.
    grid : Grid
    """

    spots: Spots
    begin: int
    grid: Grid

    def gather(self, settings: TrackerSettings, kind: str) -> tuple[Floats, Floats]:
        """Collect what settings add to the distance, see :func:`gather_terms`, in grid order."""
        features, weights = gather_terms(self.spots, settings, kind)
        return features[self.grid.order], weights


def open_window(spots: Spots, offsets: Ints, frames: tuple[int, int], size: float) -> Window:
    """Sort the spots of a range of frames into a grid with cells of at least `size` [space unit].

    Parameters
    ----------
    spots : Spots
        All spots.
    offsets : (frames + 1,) ndarray of int
        Their rows in each frame.
    frames : tuple of int
        First frame and one past the last.
    size : float
    """
    first, last = frames
    begin, end = int(offsets[first]), int(offsets[last])
    part = spots.between(begin, end)
    own = offsets[first : last + 1] - begin
    return Window(part, begin, build_grid(part.positions, own, size))


def build_grid(positions: Floats, offsets: Ints, size: float) -> Grid:
    """Sort spots, (n, 3), whose rows in frame f are ``offsets[f]:offsets[f + 1]``, into a grid."""
    grid: Grid = kernels.build_grid(np.ascontiguousarray(positions), offsets, float(size))
    return grid


def link_frames(spots: Spots, settings: LapSettings, progress: Progress) -> FrameLinks:
    """Link each frame to the next at the lowest total cost.

    A link must cost less than the squared maximum distance. A spot without a link costs
    `alternative_linking_cost_factor` times the largest candidate cost of the pair of frames.
    Frames without spots end all links.

    Raises
    ------
    UserError
        If the spots lack a penalised feature, or so many spots lie within reach of each other
        that the candidate links would not fit into memory.

    References
    ----------
    Jaqaman et al., Nature Methods 5, 695–702 (2008), doi:10.1038/nmeth.1237.
    """
    distance = known_distance(settings.linking_max_distance)
    limits = (distance, settings.alternative_linking_cost_factor)
    gather_terms(spots.between(0, 0), settings, "linking")  # says at once what they lack

    def link(window: Window, frames: tuple[int, int], successor: Rows, cost: Floats) -> int:
        penalties = window.gather(settings, "linking")
        full: int = kernels.link_frames(window.grid, frames, limits, penalties, successor, cost)
        return full

    return _link_windows(spots, distance, link, progress)


def link_nearest(spots: Spots, distance: float, progress: Progress) -> FrameLinks:
    """Link each spot, in order of id, to the nearest free spot of the next frame.

    The link costs the squared distance, which is at most `distance`² [space unit²].

    Raises
    ------
    UserError
        If so many spots lie within reach of each other that the search would not end.
    """

    def link(window: Window, frames: tuple[int, int], successor: Rows, cost: Floats) -> int:
        full: int = kernels.link_nearest(window.grid, frames, distance, successor, cost)
        return full

    return _link_windows(spots, distance, link, progress)


def _link_windows(
    spots: Spots,
    distance: float,
    link: Callable[[Window, tuple[int, int], Rows, Floats], int],
    progress: Progress,
) -> FrameLinks:
    """Link some frames at a time to the next ones, in threads; report after each.

    Pairs of frames are independent and each writes its own spots, so that the links do not depend
    on the number of threads. Memory holds the frames that are worked on, and of all others their
    links.
    """
    links, offsets = FrameLinks.start(len(spots), distance), spots.frame_offsets

    def work(frames: tuple[int, int]) -> int:
        first, end = frames
        window = open_window(spots, offsets, (first, min(end + 1, spots.n_frames)), distance)
        begin, n = window.begin, int(offsets[end]) - window.begin
        successor, cost = links.successor[begin : begin + n], links.cost[begin : begin + n]
        full = link(window, (0, window.grid.offsets.size - 2), successor, cost)
        successor[successor >= 0] += begin
        links.order[begin : begin + n] = window.grid.order[:n] + begin
        return full + first if full >= 0 else -1

    windows = list(cut_frames(offsets))
    results = run_in_order(work, windows, min(count_cores(), _THREADS))
    for (_, end), full in zip(windows, results, strict=True):
        _check_full(full, spots, distance)
        if spots.n_frames > 1:
            progress("linking frames", min(end, spots.n_frames - 1), spots.n_frames - 1)
    return links


def _check_full(full: int, spots: Spots, distance: float) -> None:
    """Refuse a frame, unless it is −1, that has too many candidate links."""
    if full >= 0:
        count = int((spots.frame == full).sum())
        msg = f"frames {full} and {full + 1} ({count} spots in frame {full}) have more than "
        msg += f"{kernels.MAX_CANDIDATES} candidate links within linking_max_distance "
        msg += f"{distance:g} {spots.calibration.space_unit}; lower it, or check the calibration"
        raise UserError(msg)


def cut_frames(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Give ranges of frames to link from, that together are all frames."""
    frames, begin = offsets.size - 1, 0
    while begin < frames:
        end = int(np.searchsorted(offsets, offsets[begin] + _CHUNK))
        end = min(max(end, begin + 1), frames)
        yield begin, end
        begin = end
