"""All tables of the analysis of tracks, in one go."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.analysis.aligned import (
    align_to_divisions,
    average_over_mothers,
    measure_sisters,
)
from btrackmate.analysis.boundary import DISTANCE, list_distances, measure_approach
from btrackmate.analysis.groups import ALL, Names, join_conditions, name_groups
from btrackmate.analysis.motility import find_turns, measure_motility
from btrackmate.analysis.msd import (
    choose_lags,
    fit_motion,
    make_autocorrelation_table,
    make_msd_table,
    make_tracklet_msd,
    sum_squares,
)
from btrackmate.analysis.neighbours import (
    find_neighbours,
    make_crowding_table,
    make_neighbours_table,
)
from btrackmate.analysis.paths import Paths
from btrackmate.analysis.rhythm import compare_families, find_rhythms
from btrackmate.analysis.series import list_left_out
from btrackmate.analysis.settings import AnalysisSettings
from btrackmate.analysis.survival import compare_groups, make_cycle_tables
from btrackmate.analysis.tracklets import Ints, make_tracklets_table, summarise_ends
from btrackmate.analysis.wavelet import follow_periods
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.words import option

_log = logging.getLogger(__name__)

Tables = dict[str, pd.DataFrame]
#: Bins of turning angles, in degrees.
_ANGLES = np.arange(0, 181, 10)
#: Measures of tracklets that are summed up, by table.
_MEASURES = {
    "tracklets": ("duration", "cycle_time"),
    "motility": ("mean_speed", "path_length", "displacement", "straightness", "asphericity",
                 "mean_turning_angle"),
    "boundary_approach": ("start_distance", "end_distance", "rate"),
    "neighbours": ("mean_neighbours", "mean_nearest_distance", "mean_relative_distance",
                   "exchange_rate"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Tracked:
    """Tracks, and what is known beside them.

    Parameters
    ----------
    graph : TrackGraph
    bounds : (2, 3) ndarray of float, optional
        Lowest and highest x, y, z of the image, see
        :func:`btrackmate.analysis.tracklets.find_bounds`.
    ids : (n_tracks,) ndarray of int, optional
        Ids of the tracks in their file.
    conditions : DataFrame, optional
        track or tracklet, and the user's columns.
    """

    graph: TrackGraph
    bounds: NDArray[np.float64] | None = None
    ids: NDArray[np.int64] | None = None
    conditions: pd.DataFrame | None = None


def analyse_tracks(
    tracks: TrackGraph | Tracked,
    settings: AnalysisSettings | None = None,
    progress: Progress = ignore_progress,
) -> Tables:
    """Analyse tracks: all tables by name.

    Parameters
    ----------
    tracks : TrackGraph or Tracked
    settings : AnalysisSettings, optional
    progress : Progress

    Returns
    -------
    dict of DataFrame
        tracklets; fates; cycle_curves, cycle_times, cycle_tests; rhythm, rhythm_families,
        rhythm_ridges (with `settings.rhythm.wavelet`); boundary_distance, boundary_approach (where
        spots have that column); motility, msd, msd_tracklets, velocity_autocorrelation,
        turning_angles, motion_fits; division_values, division_means, sisters, sister_means;
        neighbours, crowding; summary; left_out. docs/analysis.md describes their columns.

    Raises
    ------
    UserError
        If the spots have not the feature, or nothing the column, that was asked for.
    """
    settings = settings or AnalysisSettings.model_validate({})
    if isinstance(tracks, TrackGraph):
        tracks = Tracked(tracks)
    table = make_tracklets_table(tracks.graph, tracks.bounds, tracks.ids)
    if tracks.conditions is not None:
        table = join_conditions(table, tracks.conditions)
    group = name_groups(tracks.graph, table, settings.group_by)
    work = _Work(tracks.graph, table, group, settings, choose_features(tracks.graph, settings))
    steps: list[tuple[str, Callable[[_Work], Tables]]] = [
        ("cycles", _tabulate_cycles),
        ("rhythms", _tabulate_rhythms),
        ("boundary", _tabulate_boundary),
        ("motility", _tabulate_motility),
        ("divisions", _tabulate_divisions),
        ("neighbours", _tabulate_neighbours),
    ]
    tables: Tables = {}
    left_out: list[pd.DataFrame] = []
    for done, (name, tabulate) in enumerate(steps):
        progress(f"analyse: {name}", done, len(steps))
        for key, one in tabulate(work).items():
            if key == "left_out":
                left_out.append(one)
            else:
                tables[key] = one
    progress("analyse", len(steps), len(steps))
    tables = {"tracklets": work.add_group(table.reset_index()), **tables}
    tables["summary"] = _summarise(tables)
    gone = pd.concat(left_out, ignore_index=True)
    gone.insert(1, "track", table["track"].reindex(gone["tracklet"]).to_numpy())
    tables["left_out"] = gone
    return tables


def analyse_movies(
    movies: Mapping[str, Tracked],
    settings: AnalysisSettings | None = None,
    progress: Progress = ignore_progress,
) -> Tables:
    """Analyse several movies: their tables below each other, with a column movie.

    Cycle times are estimated of all movies together too, as movie "all".

    Raises
    ------
    UserError
        If the movies have different units, or a name is "all".
    """
    settings = settings or AnalysisSettings.model_validate({})
    _check_units(movies)
    found = {name: analyse_tracks(one, settings, progress) for name, one in movies.items()}
    keys = dict.fromkeys(key for tables in found.values() for key in tables)
    joined: Tables = {}
    for key in keys:
        parts = []
        for name, tables in found.items():
            if key in tables:
                part = tables[key].copy()
                part.insert(0, "movie", name)
                parts.append(part)
        filled = [part for part in parts if len(part)] or parts[:1]
        joined[key] = pd.concat(filled, ignore_index=True)
    if len(movies) > 1:
        whole = joined["tracklets"]
        group = whole["group"] if "group" in whole else pd.Series(ALL, index=whole.index)
        for key, one in _estimate_cycles(whole, group.to_numpy(object)).items():
            joined[key] = pd.concat([joined[key], one.assign(movie=ALL)], ignore_index=True)
    return joined


def choose_features(graph: TrackGraph, settings: AnalysisSettings) -> list[str]:
    """Choose the features whose course is analysed.

    Raises
    ------
    UserError
        If the spots have not what was asked for.
    """
    spots = graph.spots
    if settings.features is not None:
        for name in settings.features:
            spots.feature(name)
        return list(settings.features)
    wanted = [name for name in spots.features if name.startswith("mean_intensity_ch")]
    names = [*wanted, "volume", DISTANCE]
    return [name for name in names if name in spots.table and len(spots)
            and np.isfinite(spots.feature(name)).any()]  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Work:
    """One movie's tracks, tracklets (k) and their groups (k,)."""

    graph: TrackGraph
    tracklets: pd.DataFrame
    group: Names
    settings: AnalysisSettings
    features: list[str]

    @property
    def dt(self) -> float:
        return self.graph.spots.calibration.dt

    def add_group(self, table: pd.DataFrame, key: str = "tracklet") -> pd.DataFrame:
        """Add the column group by a column of tracklets, where there are groups."""
        if self.settings.group_by is None:
            return table
        group = pd.Series(self.group, index=self.tracklets.index)
        return table.assign(group=group.reindex(table[key]).to_numpy())

    def split(
        self, make: Callable[[Ints], pd.DataFrame], everything: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Make a table of all tracklets and of each group's; its first column is group.

        `everything` is the table of all, where that is of more than the tracklets.
        """
        names = [ALL] if self.settings.group_by is None else [ALL, *sorted(set(self.group))]
        parts = []
        for name in names:
            chosen = np.full(self.group.size, True) if name == ALL else self.group == name
            given = everything if name == ALL else None
            part = make(self.tracklets.index.to_numpy()[chosen]) if given is None else given
            part.insert(0, "group", name)
            parts.append(part)
        filled = [part for part in parts if len(part)] or parts[:1]
        return pd.concat(filled, ignore_index=True)


def _tabulate_cycles(work: _Work) -> Tables:
    fates = work.split(lambda kept: summarise_ends(work.tracklets.loc[kept]))
    return {"fates": fates, **_estimate_cycles(work.tracklets, work.group)}


def _estimate_cycles(tracklets: pd.DataFrame, group: Names) -> Tables:
    """Estimate cycle times of all, and of each group."""
    curves, times = make_cycle_tables(tracklets, np.full(len(tracklets), ALL, object))
    if set(group) - {ALL}:
        more = make_cycle_tables(tracklets, group)
        curves, times = (
            pd.concat([one, two], ignore_index=True)
            for one, two in zip((curves, times), more, strict=True)
        )
    return {"cycle_curves": curves, "cycle_times": times,
            "cycle_tests": compare_groups(tracklets, group)}  # fmt: skip


def _tabulate_rhythms(work: _Work) -> Tables:
    settings = work.settings.rhythm
    found = find_rhythms(work.graph, work.tracklets, work.features, settings)
    tables = {
        "rhythm": work.add_group(found.table),
        "rhythm_families": work.add_group(
            compare_families(found.table, work.tracklets), "daughter"
        ),
        "left_out": found.left_out,
    }
    if settings.wavelet:
        ridges, _ = follow_periods(work.graph, work.tracklets, work.features, settings)
        tables["rhythm_ridges"] = work.add_group(ridges)
    return tables


def _tabulate_boundary(work: _Work) -> Tables:
    if DISTANCE not in work.graph.spots.table:
        return {}
    ends, left_out = measure_approach(work.graph, work.tracklets)
    return {
        "boundary_distance": work.add_group(list_distances(work.graph, work.tracklets)),
        "boundary_approach": work.add_group(ends),
        "left_out": left_out,
    }


def _tabulate_motility(work: _Work) -> Tables:
    settings = work.settings
    paths = Paths.of(work.graph).remove_drift(settings.drift, settings.drift_neighbours)
    motility = measure_motility(paths, work.tracklets)
    longest = int(work.tracklets["length"].max()) if len(work.tracklets) else 0
    max_lag = settings.max_lag or min(max(longest // 4, 4), 50)
    lags = choose_lags(paths, max_lag)
    sums = sum_squares(paths, lags)
    ndim = work.graph.spots.ndim
    alone = motility.loc[motility["n_steps"] == 0, "tracklet"]
    reasons = [(int(i), "one spot only: no motion") for i in alone]

    def choose(kept: Ints) -> Paths:
        return paths.select(np.isin(paths.tracklet, kept))

    tracklet_msd = make_tracklet_msd(sums, work.dt)
    track = work.tracklets["track"].reindex(tracklet_msd["tracklet"]).to_numpy()
    tracklet_msd.insert(0, "track", track)
    return {
        "motility": work.add_group(motility),
        "msd": work.split(lambda kept: make_msd_table(sums.select(kept), work.dt)),
        "msd_tracklets": work.add_group(tracklet_msd),
        "motion_fits": work.split(
            lambda kept: fit_motion(sums.select(kept), work.dt, ndim, settings.fit_lags)
        ),
        "velocity_autocorrelation": work.split(
            lambda kept: make_autocorrelation_table(choose(kept), lags)
        ),
        "turning_angles": work.split(lambda kept: _count_angles(choose(kept), ndim)),
        "left_out": list_left_out("motility", reasons),
    }


def _count_angles(paths: Paths, ndim: int) -> pd.DataFrame:
    """Count turning angles in bins, beside the share that aimless turns would have."""
    angle, _ = find_turns(paths)
    n = np.histogram(angle, _ANGLES)[0]
    edges = np.cos(np.radians(_ANGLES))
    aimless = -np.diff(edges) / 2 if ndim == 3 else np.full(n.size, 1 / n.size)
    share = n / n.sum() if n.sum() else np.full(n.size, np.nan)
    return pd.DataFrame(
        {"angle_from": _ANGLES[:-1], "angle_to": _ANGLES[1:], "n": n, "share": share,
         "aimless_share": aimless}
    )  # fmt: skip


def _tabulate_divisions(work: _Work) -> Tables:
    graph, tracklets, dt = work.graph, work.tracklets, work.dt
    values = align_to_divisions(graph, tracklets, work.features, work.settings.align_window)
    sisters = measure_sisters(graph, tracklets)

    def average(kept: Ints) -> pd.DataFrame:
        mine = values[values["mother"].isin(kept)]
        parts = [
            average_over_mothers(mine[mine["feature"] == name], "value", dt).assign(feature=name)
            for name in work.features
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    return {
        "division_values": work.add_group(values, "mother"),
        "division_means": work.split(average),
        "sisters": work.add_group(sisters, "mother"),
        "sister_means": work.split(
            lambda kept: average_over_mothers(sisters[sisters["mother"].isin(kept)], "distance", dt)
        ),
    }


def _tabulate_neighbours(work: _Work) -> Tables:
    found = find_neighbours(work.graph, work.settings.neighbour_reach)
    table = make_neighbours_table(work.graph, work.tracklets, found).assign(reach=found.reach)
    of_spot = work.graph.tracklet

    def crowd(kept: Ints) -> pd.DataFrame:
        return make_crowding_table(work.graph, found, np.isin(of_spot, kept))

    # All cells, those in no track too; of a group its own.
    every = make_crowding_table(work.graph, found, np.full(of_spot.size, True))
    return {"neighbours": work.add_group(table), "crowding": work.split(crowd, every)}


def _summarise(tables: Tables) -> pd.DataFrame:
    """Sum up the measures of tracklets: n, mean, sd, quartiles, of all and of each group."""
    rows = []
    for key, names in _MEASURES.items():
        table = tables.get(key)
        if table is None:
            continue
        groups = [(ALL, table)]
        if "group" in table:
            groups += [(str(name), part) for name, part in table.groupby("group")]
        for group, part in groups:
            for name in names:
                value = part[name].dropna()
                quartiles = value.quantile([0.25, 0.5, 0.75]).tolist()
                rows.append((group, key, name, len(value), value.mean(), value.std(), *quartiles))
    columns = ["group", "table", "measure", "n", "mean", "sd", "lower_quartile", "median",
               "upper_quartile"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _check_units(movies: Mapping[str, Tracked]) -> None:
    units = {
        name: (one.graph.spots.calibration.space_unit, one.graph.spots.calibration.time_unit)
        for name, one in movies.items()
    }
    if ALL in units:
        msg = f"a movie is named {ALL!r}, which stands for all movies together; rename its file"
        raise UserError(msg)
    first, *others = units
    for name in others:
        if units[name] != units[first]:
            (a, b), (c, d) = units[first], units[name]
            msg = f"{name} is in {c} and {d}, {first} in {a} and {b}; give movies of the same "
            msg += f"units, or say what holds for all with {option('dt')} and {option('time_unit')}"
            raise UserError(msg)
    steps = {name: one.graph.spots.calibration.dt for name, one in movies.items()}
    if len(set(steps.values())) > 1:
        _log.warning(
            "the movies have other times between frames (%s %s), with which speeds, turning "
            "angles and rhythms change: compare them with care",
            ", ".join(f"{name} {dt:g}" for name, dt in steps.items()),
            units[first][1],
        )
