"""Linking each frame to the next."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from btrackmate.core.errors import UserError
from btrackmate.core.parallel import count_cores, run_in_order
from btrackmate.core.progress import Progress
from btrackmate.core.spots import Spots
from btrackmate.tracking import kernels
from btrackmate.tracking.costs import gather_terms
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.kernels import Floats, Grid, Rows
from btrackmate.tracking.settings import LapSettings

#: Spots linked between two calls of the progress callback.
_CHUNK = 20_000
#: Most threads; each may hold the candidates of a pair of frames.
_THREADS = 4


@dataclass(frozen=True)
class FrameLinks:
    """At most one link out of and into each spot; spots are numbered in the order of the grid.

    Parameters
    ----------
    grid : Grid
        All spots of the movie.
    successor : (n,) ndarray of int32
        Spot in the next (after Kalman filters, or a later) frame that each spot is linked to, −1
        for none.
    cost : (n,) ndarray of float
        Cost of that link, NaN for none.
    """

    grid: Grid
    successor: Rows
    cost: Floats


def build_grid(spots: Spots, size: float) -> Grid:
    """Sort the spots of all frames into a grid with cells of at least `size` [space unit]."""
    positions, offsets = np.array(spots.positions, order="C"), np.array(spots.frame_offsets)
    grid: Grid = kernels.build_grid(positions, offsets, float(size))
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
    features, weights = gather_terms(spots, settings, "linking")
    links = _start_links(spots, distance)
    limits = (distance, settings.alternative_linking_cost_factor)
    penalties = (features[links.grid.order], weights)

    def link(frames: tuple[int, int]) -> int:
        full: int = kernels.link_frames(
            links.grid, frames, limits, penalties, links.successor, links.cost
        )
        return full

    for full in _run_chunks(link, spots, progress):
        _check_full(full, spots, distance)
    return links


def link_nearest(spots: Spots, distance: float, progress: Progress) -> FrameLinks:
    """Link each spot, in order of id, to the nearest free spot of the next frame.

    The link costs the squared distance, which is at most `distance`² [space unit²].

    Raises
    ------
    UserError
        If so many spots lie within reach of each other that the search would not end.
    """
    links = _start_links(spots, distance)

    def link(frames: tuple[int, int]) -> int:
        full: int = kernels.link_nearest(links.grid, frames, distance, links.successor, links.cost)
        return full

    for full in _run_chunks(link, spots, progress):
        _check_full(full, spots, distance)
    return links


def _check_full(full: int, spots: Spots, distance: float) -> None:
    """Refuse a frame, unless it is −1, that has too many candidate links."""
    if full >= 0:
        count = int((spots.frame == full).sum())
        msg = f"frames {full} and {full + 1} ({count} spots in frame {full}) have more than "
        msg += f"{kernels.MAX_CANDIDATES} candidate links within linking_max_distance "
        msg += f"{distance:g} {spots.calibration.space_unit}; lower it, or check the calibration"
        raise UserError(msg)


def _start_links(spots: Spots, distance: float) -> FrameLinks:
    n = len(spots)
    return FrameLinks(build_grid(spots, distance), np.full(n, -1, np.int32), np.full(n, np.nan))


def _run_chunks(
    link: Callable[[tuple[int, int]], int], spots: Spots, progress: Progress
) -> Iterator[int]:
    """Link ranges of frames in threads; report after each.

    Pairs of frames are independent and each writes its own spots, so that the links do not depend
    on the number of threads.
    """
    chunks = list(_chunk_frames(spots))
    results = run_in_order(link, chunks, min(count_cores(), _THREADS))
    for (_, end), result in zip(chunks, results, strict=True):
        yield result
        progress("linking frames", end, spots.n_frames - 1)


def _chunk_frames(spots: Spots) -> Iterator[tuple[int, int]]:
    """Give ranges of frames to link from."""
    offsets, last = spots.frame_offsets, spots.n_frames - 1
    begin = 0
    while begin < last:
        end = int(np.searchsorted(offsets, offsets[begin] + _CHUNK))
        end = min(max(end, begin + 1), last)
        yield begin, end
        begin = end
