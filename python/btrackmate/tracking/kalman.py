"""Linking with constant-velocity Kalman filters."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress
from btrackmate.core.spots import Spots
from btrackmate.tracking import kernels
from btrackmate.tracking.costs import gather_terms
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.frame_linking import FrameLinks, build_grid
from btrackmate.tracking.kernels import Floats, Points, Rows
from btrackmate.tracking.settings import AdvancedKalmanSettings, KalmanSettings

_log = logging.getLogger(__name__)

#: Cost of no link as a multiple of the largest cost; TrackMate does not let it be set here.
_ALTERNATIVE = 1.05


@dataclass(frozen=True)
class Noise:
    """Variances that all filters share [space unit²; velocity per frame].

    Parameters
    ----------
    process : float
        Added to the variances of position and velocity in each frame.
    measurement : float
        Of a measured position.
    """

    process: float
    measurement: float


@dataclass
class Filters:
    """The m Kalman filters at work, one a track; all axes have the same covariance.

    Parameters
    ----------
    spot : (m,) ndarray of int32
        Last spot of each track, in the order of the grid.
    position, velocity : (m, 3) ndarray of float
        State [space unit; per frame].
    covariance : (4, m) ndarray of float
        Of position with position, position with velocity, velocity with position, velocity with
        velocity, along any axis.
    misses : (m,) ndarray of int
        Frames without a spot so far.
    """

    spot: Rows
    position: Floats
    velocity: Floats
    covariance: Floats
    misses: NDArray[np.int64]

    @classmethod
    def start(cls, source: Rows, target: Rows, xyz: Floats) -> "Filters":
        """Start a filter on each link: position of the target, displacement as velocity."""
        m = target.size
        covariance = np.zeros((4, m))
        covariance[[0, 3]] = kernels.SMALLEST_COST
        velocity = xyz[target] - xyz[source]
        return cls(target, xyz[target], velocity, covariance, np.zeros(m, np.int64))

    def predict(self, noise: Noise) -> None:
        """Move all states to the next frame."""
        self.position = self.position + self.velocity
        pp, pv, vp, vv = self.covariance
        pp = (pp + pv) + (vp + vv) + noise.process
        self.covariance = np.stack((pp, pv + vv, vp + vv, vv + noise.process))

    def correct(self, found: Rows, xyz: Floats, noise: Noise) -> None:
        """Draw the states towards the spots found, −1 for none, which counts as missed."""
        hit = found >= 0
        self.misses[~hit] += 1
        pp, pv, vp, vv = self.covariance[:, hit]
        inverse = 1 / (pp + noise.measurement)
        gain, gain_velocity = pp * inverse, vp * inverse
        surprise = xyz[found[hit]] - self.position[hit]
        self.position[hit] += gain[:, None] * surprise
        self.velocity[hit] += gain_velocity[:, None] * surprise
        left = 1 - gain
        self.covariance[:, hit] = (
            left * pp,
            left * pv,
            vp - gain_velocity * pp,
            vv - gain_velocity * pv,
        )
        self.spot = np.where(hit, found, self.spot)

    def take(self, kept: NDArray[np.bool_]) -> "Filters":
        """Keep some of the filters."""
        return Filters(
            self.spot[kept],
            self.position[kept],
            self.velocity[kept],
            self.covariance[:, kept],
            self.misses[kept],
        )

    def join(self, other: "Filters") -> "Filters":
        """Put two sets of filters together."""
        return Filters(
            np.concatenate((self.spot, other.spot)),
            np.concatenate((self.position, other.position)),
            np.concatenate((self.velocity, other.velocity)),
            np.concatenate((self.covariance, other.covariance), axis=1),
            np.concatenate((self.misses, other.misses)),
        )


def link_kalman(
    spots: Spots, settings: KalmanSettings | AdvancedKalmanSettings, progress: Progress
) -> FrameLinks:
    """Link the spots of each frame to the positions that Kalman filters predict.

    In each frame the predictions of all tracks are assigned to spots at the lowest total cost;
    then the spots that are left are assigned to those left in the frame before, and each such
    link starts a track. A track that finds no spot goes on along its prediction, until it has
    missed more than `max_frame_gap` frames in all.

    Parameters
    ----------
    spots : Spots
        The spots.
    settings : KalmanSettings or AdvancedKalmanSettings
        Distances, frames that may be missed, and feature penalties.
    progress : Progress
        Called after each frame.

    Returns
    -------
    FrameLinks
        Links to the next frame or, where a track missed frames, to a later one. Their cost is
        that of the distance between prediction and spot (for the first link of a track, between
        the spots) [space unit²].

    Raises
    ------
    UserError
        If the spots lack a penalised feature, or so many spots lie within reach of each other
        that the candidate links would not fit into memory.

    Notes
    -----
    As TrackMate's Kalman tracker: the standard deviations of position and velocity grow by
    `kalman_search_radius` / 3 in each frame, that of a measured position is a tenth of the mean
    radius of the spots in the second frame that has any; a filter starts certain of its state.
    The first tracks start between the first two frames that have spots, however far apart these
    are, with the whole displacement as velocity. Unlike TrackMate, which makes no link at all if
    the second of them is the movie's last, we link these too.

    References
    ----------
    Kalman, J. Basic Eng. 82, 35–45 (1960), doi:10.1115/1.3662552.
    """
    work = _Linking(spots, settings)
    filled = np.flatnonzero(np.diff(spots.frame_offsets))
    if filled.size > 1:
        noise = Noise((work.radius / 3) ** 2, _measurement_noise(spots, filled))
        work.link(int(filled[0]), int(filled[1]), noise, progress)
    return work.links


def _measurement_noise(spots: Spots, filled: NDArray[np.int64]) -> float:
    """Give the variance of a measured position from the radii of the second frame."""
    if "radius" in spots.features:
        radius = spots.feature("radius")[spots.frame == filled[1]]
        if np.isfinite(radius).any():
            return float((np.nanmean(radius) / 10) ** 2)
    _log.warning(
        "Kalman filters: the spots of frame %d have no radius, a tenth of which is the error of a "
        "position; positions are taken as exact",
        filled[1],
    )
    return 0.0


class _Linking:
    """Links that grow frame by frame."""

    def __init__(self, spots: Spots, settings: KalmanSettings | AdvancedKalmanSettings) -> None:
        n = len(spots)
        self.spots, self.settings = spots, settings
        self.radius = known_distance(settings.kalman_search_radius)
        self.grid = build_grid(spots.positions, spots.frame_offsets, self.radius)
        self.links = FrameLinks.start(n, self.radius)
        self.links.order[:] = self.grid.order
        features, weight = gather_terms(spots, settings, "linking")
        self.penalties = (features[self.grid.order], weight)

    def link(self, first: int, second: int, noise: Noise, progress: Progress) -> None:
        """Link all frames from `first` on; `second` is the next one with spots."""
        grid, settings = self.grid, self.settings
        distance = known_distance(settings.linking_max_distance)
        none = np.empty(0, np.int32)
        filters = Filters.start(none, none, grid.xyz)
        left = self._frame_spots(first)
        for frame in self._busy_frames(second).tolist():
            spots = self._frame_spots(frame)
            free = np.ones(spots.size, np.bool_)
            filters.predict(noise)
            found = self._assign(frame, filters.position, filters.spot, free, self.radius)
            filters.correct(found, grid.xyz, noise)
            started = self._assign(frame, grid.xyz[left], left, free, distance)
            new = started >= 0
            filters = filters.take(filters.misses <= settings.max_frame_gap).join(
                Filters.start(left[new], started[new], grid.xyz)
            )
            left = spots[free]
            progress("linking frames", frame, self.spots.n_frames - 1)

    def _busy_frames(self, first: int) -> NDArray[np.int64]:
        """List the frames, from `first` on, that hold spots or where tracks wait for some."""
        occupied = self.spots.occupied_frames
        waits = np.arange(min(self.settings.max_frame_gap, self.spots.n_frames) + 2)
        if waits.size * occupied.size >= self.spots.n_frames:
            return np.arange(first, self.spots.n_frames)
        busy = np.unique(occupied[:, None] + waits)
        return busy[(busy >= first) & (busy < self.spots.n_frames)]

    def _frame_spots(self, frame: int) -> Rows:
        offsets = self.grid.offsets
        return np.arange(offsets[frame], offsets[frame + 1], dtype=np.int32)

    def _assign(
        self,
        frame: int,
        xyz: Floats,
        source: Rows,
        free: NDArray[np.bool_],
        distance: float,
    ) -> Rows:
        """Assign points to free spots of a frame, note the links, and take the spots from `free`.

        Returns the spot of each point, −1 for none.
        """
        grid = self.grid
        turns = np.argsort(grid.order[source]).astype(np.int32)
        limits = (distance, _ALTERNATIVE)
        spot, cost = kernels.link_points(
            grid, frame, Points(xyz, source, turns), free, limits, self.penalties
        )
        if spot.size > source.size:
            msg = f"frame {frame} ({free.size} spots) has more than {kernels.MAX_CANDIDATES} "
            msg += (
                f"candidate links within {distance:g} {self.spots.calibration.space_unit}; lower "
            )
            msg += "kalman_search_radius and linking_max_distance, or check the calibration"
            raise UserError(msg)
        hit = spot >= 0
        self.links.successor[source[hit]] = spot[hit]
        self.links.cost[source[hit]] = cost[hit]
        free[spot[hit] - grid.offsets[frame]] = False
        found: Rows = spot
        return found
