"""How cells move: speed, path, straightness and turning of each tracklet."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.analysis.paths import Paths, sum_by
from btrackmate.analysis.sampling import Bools, Floats
from btrackmate.analysis.tracklets import Ints


def measure_motility(paths: Paths, tracklets: pd.DataFrame) -> pd.DataFrame:
    """Measure the motion of each tracklet.

    Parameters
    ----------
    paths : Paths
        Of all cells, drift taken away where that is wished.
    tracklets : DataFrame
        As :func:`btrackmate.analysis.tracklets.make_tracklets_table` gives it.

    Returns
    -------
    DataFrame
        One row a tracklet: track, tracklet; n_steps, n_single_steps (from one frame to the next);
        duration (time unit); path_length, displacement (first to last), max_displacement (from the
        first), in the space unit; mean_speed (path_length / duration), max_speed (of single steps);
        straightness (displacement / path_length), outreach_ratio (max_displacement / path_length);
        asphericity (0: wanders evenly all around, 1: along a line); mean_turning_angle (degrees,
        between successive single steps) and n_turns. NaN where a tracklet is too short, or does not
        move.

    References
    ----------
    .. [1] I. Wortel, A. Liu, K. Dannenberg, J. Berry, M. Miller, J. Textor, "CelltrackR: an R
       package for fast and flexible analysis of immune cell migration data", ImmunoInformatics 1-2
       (2021) 100003, doi:10.1016/j.immuno.2021.100003: the same formulas (there, a gap counts as
       one step, and the straightness of a cell that never moves is 1)
    .. [2] C. Mokhtari et al., "Automated characterization and parameter-free classification of cell
       tracks based on local migration behavior", PLoS ONE 8 (2013) e80808: asphericity
    """
    sizes = np.diff(np.append(paths.first, paths.frame.size))
    count = paths.first.size
    group = np.repeat(np.arange(count), sizes)
    last = paths.first + sizes - 1
    duration = (paths.frame[last] - paths.frame[paths.first]) * paths.dt
    single = paths.span == 1
    path = sum_by(group, paths.length, count)
    away = np.sqrt(((paths.place - paths.place[paths.first][group]) ** 2).sum(axis=1))
    furthest = np.maximum.reduceat(away, paths.first) if count else np.empty(0)
    fastest = np.where(single, paths.length / paths.dt, -np.inf)
    fastest = np.maximum.reduceat(fastest, paths.first) if count else np.empty(0)
    angle, owner = find_turns(paths)
    turns = np.bincount(group[owner], minlength=count)
    table = pd.DataFrame(
        {
            "n_steps": sizes - 1,
            "n_single_steps": np.bincount(group[single], minlength=count),
            "duration": duration,
            "path_length": np.where(sizes > 1, path, np.nan),
            "displacement": np.where(sizes > 1, away[last], np.nan),
            "max_displacement": np.where(sizes > 1, furthest, np.nan),
            "mean_speed": divide(path, duration),
            "max_speed": np.where(np.isfinite(fastest), fastest, np.nan),
            "straightness": divide(away[last], path),
            "outreach_ratio": divide(furthest, path),
            "asphericity": _measure_asphericity(paths.place, group, sizes),
            "mean_turning_angle": divide(sum_by(group[owner], angle, count), turns),
            "n_turns": turns,
        },
        index=pd.Index(paths.tracklet[paths.first], name="tracklet"),
    )
    result = tracklets[["track"]].join(table).reset_index()
    return result[["track", "tracklet", *table.columns]]


def find_turns(paths: Paths) -> tuple[Floats, Ints]:
    """Find the angle of each turn between two successive single steps that are no rest.

    Returns
    -------
    angle : (k,) ndarray of float
        Degrees, 0 straight on.
    at : (k,) ndarray of int
        Place before the first step.
    """
    at, first, second = pair_steps(paths, 1)
    cosine = divide((first * second).sum(axis=1), norm(first) * norm(second))
    moving = np.isfinite(cosine)
    return np.degrees(np.arccos(cosine[moving].clip(-1, 1))), at[moving]


def pair_steps(paths: Paths, lag: int) -> tuple[Ints, Floats, Floats]:
    """Give single steps and those that begin `lag` frames later in the same tracklet."""
    single: Bools = paths.span == 1
    early, late = paths.find_pairs(lag)
    both = single[early] & single[late]
    return early[both], paths.step[early[both]], paths.step[late[both]]


def norm(vectors: Floats) -> Floats:
    """Give the length of each vector (n, ndim)."""
    return np.asarray(np.sqrt((vectors**2).sum(axis=1)), np.float64)


def divide(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    """Divide, NaN where below is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def _measure_asphericity(place: Floats, group: Ints, sizes: Ints) -> Floats:
    """Measure the asphericity of each tracklet of three places or more.

    With the eigenvalues λ of the places' covariance and their mean m:
    Σ (λ − m)² / (d·(d − 1)·m²).
    """
    count, ndim = sizes.size, place.shape[1]
    mean = np.stack([sum_by(group, place[:, i], count) for i in range(ndim)], axis=1)
    off = place - (mean / sizes[:, None])[group]
    spread = np.empty((count, ndim, ndim))
    for i in range(ndim):
        for j in range(ndim):
            spread[:, i, j] = sum_by(group, off[:, i] * off[:, j], count)
    axes = np.linalg.eigvalsh(spread)
    middle = axes.mean(axis=1)
    squares = ((axes - middle[:, None]) ** 2).sum(axis=1)
    return np.where(sizes > 2, divide(squares, ndim * (ndim - 1) * middle**2), np.nan)
