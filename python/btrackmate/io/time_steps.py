"""Frames from times: the step of a movie whose table or graph names times only."""

import logging
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.calibration import LARGEST, SMALLEST
from btrackmate.core.scratch import cut_rows

_log = logging.getLogger(__name__)

#: Relative to the shortest distance of two times: how far a time may lie from a whole step, and
#: into how many steps that distance may fall (2 and 5 have the step 1).
_TOLERANCE = 1e-3
_MOST_STEPS = 12
#: By how much, relative, a stated interval may differ from that of the times.
_OFF = 1e-3
#: The same for times of a clock, which come a little early or late.
JITTER = 0.25


def find_time_step(times: NDArray[Any]) -> float | None:
    """Find the largest step of which all distances of times are whole multiples.

    Parameters
    ----------
    times : (n,) ndarray
        In any order, doubled or not.

    Returns
    -------
    float or None
        In the unit of `times`; None for fewer than two different times, or no such step.

    Notes
    -----
    Euclid's algorithm with a tolerance of a thousandth of the shortest distance. Times of a clock,
    up to a quarter of a step early or late, have the median distance as step.
    """
    distances = np.diff(np.unique(np.asarray(times, np.float64)))
    if not distances.size or not np.isfinite(distances).all():
        return None
    shortest, longest = float(distances.min()), float(distances.max())
    if not SMALLEST <= shortest <= longest <= LARGEST:  # The calibration refuses such a step.
        return shortest if shortest < SMALLEST else longest
    step = shortest
    for distance in np.unique(distances).tolist():
        step = _common_divisor(distance, step, shortest * _TOLERANCE)
    if step >= shortest / _MOST_STEPS:
        whole = float(distances.sum() / np.round(distances / step).sum())
        return float(round(whole)) if abs(whole - round(whole)) < whole * 1e-9 else whole
    step = float(np.median(distances))
    off = np.cumsum(distances) / step
    return step if np.abs(off - np.round(off)).max() <= JITTER else None


def _common_divisor(a: float, b: float, tolerance: float) -> float:
    while b > tolerance:
        a, b = b, math.fmod(a, b)
        if a - b <= tolerance:  # A remainder of almost the divisor is none.
            b = 0.0
    return a


def settle_interval(
    frame: NDArray[Any], time: NDArray[Any], dt: float, source: str, names: tuple[str, str]
) -> float:
    """Settle the time step where a file states both an interval and each spot's time.

    Parameters
    ----------
    frame, time : (n,) ndarray
    dt : float
        The interval that is stated, not above 0 if none is.
    source : str
        File, for the message.
    names : (str, str)
        What the file calls times and interval.

    Returns
    -------
    float
        By how much the times go up a frame, where that is one number, as tracks last by their
        times; the log warns where it is not `dt`. Else `dt`, or 1.
    """
    step = find_rise(frame, time)
    if dt <= 0:
        dt = step or 1.0
        _log.warning("%s: no %s, taken from the spots as %s", source, names[1], dt)
    elif step is not None and abs(step - dt) > _OFF * dt:
        _log.warning(
            "%s: the times of its spots (%s) go up by %g a frame, and the %s is %g: the spots' "
            "times count, as in TrackMate", source, names[0], step, names[1], dt,
        )  # fmt: skip
        return step
    elif step is None:
        _warn_of_uneven(frame, time, dt, source, names)
    return dt


def _warn_of_uneven(
    frame: NDArray[Any], time: NDArray[Any], dt: float, source: str, names: tuple[str, str]
) -> None:
    """Warn where times are off by more than a clock's jitter: not all goes by them."""
    at, rows = np.unique(frame, return_index=True)
    times = np.asarray(time, np.float64)[rows]
    if at.size < 2 or not np.isfinite(times).all():
        return
    if np.abs(times - times[0] - (at - at[0]) * dt).max() > JITTER * dt:
        steps = np.diff(times) / np.diff(at)
        _log.warning(
            "%s: the times of its spots (%s) go up unevenly, by %g to %g a frame, and the %s is "
            "%g: features of tracks go by these times, analyses and pruning in time by the frames",
            source, names[0], steps.min(), steps.max(), names[1], dt,
        )  # fmt: skip


def find_rise(frame: NDArray[Any], time: NDArray[Any]) -> float | None:
    """Give by how much times go up a frame, where that is one number > 0 for all."""
    if not frame.size:
        return None
    first, step = int(frame.argmin()), None
    for rows in cut_rows(frame.size):
        since = frame[rows] - frame[first]
        later = since > 0
        steps = (time[rows][later] - time[first]) / since[later]
        if step is None and steps.size:
            step = float(steps[0])
        if steps.size and not np.allclose(steps, step or math.nan, rtol=1e-6):
            return None
    return step if step is not None and step > 0 else None


class Clock(NamedTuple):
    """How times count frames: frame 0 at `start`, one more each `step`."""

    step: float
    start: float

    def steps(self, times: NDArray[Any]) -> NDArray[np.float64]:
        """Give the time in frames, which need not be whole."""
        return (np.asarray(times, np.float64) - self.start) / self.step


def set_clock(times: NDArray[Any], step: float) -> Clock:
    """Set the start of times that go up in steps.

    It is 0 where the times are whole steps from 0, so that a movie whose first frames hold no cell
    keeps its frame numbers; else the first time.
    """
    first = float(np.min(times))
    steps = first / step
    whole = abs(steps - round(steps)) <= _TOLERANCE
    return Clock(step, 0.0 if first >= 0 and whole else first)


def warn_of_first(frames: NDArray[Any], source: str, column: str) -> None:
    """Warn where frames begin at another number than 0: many programs count from 1.

    Parameters
    ----------
    frames : (n,) ndarray of int
        Ascending.
    source, column : str
        File, and its name of the frames, for the message.
    """
    if frames.size and frames[0] > 0:
        _log.warning(
            "%s: the first cells are in frame %d, and the frames before it are taken for empty: "
            "frames are counted from 0; if the movie begins with these cells, subtract %d from "
            "the column %s", source, frames[0], frames[0], column,
        )  # fmt: skip


def warn_of_steps(frames: NDArray[Any], source: str, remedy: str) -> None:
    """Warn where frames go up in steps of several with nothing between: they look like times.

    Parameters
    ----------
    frames : (n,) ndarray of int
    source : str
        File, for the message.
    remedy : str
        What to do if they are times; ``{step}`` in it becomes the step.
    """
    different = np.unique(np.asarray(frames, np.int64))
    if different.size < 3:
        return
    step = int(np.gcd.reduce(np.diff(different)))
    if step > 1:
        _log.warning(
            "%s: its frames are %d, %d, %d, …, steps of %d with nothing between, so that cells of "
            "successive frames are never linked: they look like times; %s",
            source, *different[:3], step, remedy.format(step=step),
        )  # fmt: skip
