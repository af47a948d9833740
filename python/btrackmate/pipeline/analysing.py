"""Analysis of files of tracks: tables, pictures and a report in one folder."""

import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from btrackmate.analysis import AnalysisSettings, analyse_movies, analyse_tracks
from btrackmate.analysis.tables import Tables
from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.files import make_folder, write_atomically, write_text, write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import ANALYSIS, check_apart, check_output, check_whole, note_outputs
from btrackmate.core.paths import explain_missing
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.reading import read_whole
from btrackmate.core.watching import watch_inputs
from btrackmate.io.csv_formulas import format_rounded
from btrackmate.io.images import Movie, hash_path
from btrackmate.io.run_folder import FIGURES, REPORT, name_run_movies
from btrackmate.io.track_formats import check_once, is_tracks, name_format, name_inputs
from btrackmate.measurement import MeasureSettings
from btrackmate.measurement.mask import judge_points
from btrackmate.measurement.tissue import Tissue, check_mask_length
from btrackmate.pipeline.calibrating import find_mask_size, rename_calibration
from btrackmate.pipeline.inputs import MovieFrames, open_mask
from btrackmate.pipeline.record import describe_environment
from btrackmate.pipeline.settings import InputSettings
from btrackmate.report.analysis_plots import draw_analysis
from btrackmate.report.data import ReportData, load_run, load_tracks, warn_of_changed, warn_of_gone
from btrackmate.report.html import write_report

_log = logging.getLogger(__name__)
_PLACES = 7


@dataclass(frozen=True)
class AnalysisJob:
    """What is analysed, and what beside the tables is made.

    Parameters
    ----------
    tracks : sequence of Path
        Run folders and files of tracks, a movie each.
    groups : Path, optional
        CSV of track (or tracklet), the user's columns and, of several movies, movie.
    mask : Path, optional
        Tissue mask of all movies, for the distance to its boundary.
    options : InputSettings
        How the mask is read; dt and units for the tracks.
    figures, report : bool
        Whether pictures and a report are made.
    """

    tracks: Sequence[Path]
    groups: Path | None = None
    mask: Path | None = None
    options: InputSettings = InputSettings()
    figures: bool = True
    report: bool = True


def analyse_files(
    job: AnalysisJob,
    output: Path,
    settings: AnalysisSettings,
    *,
    progress: Progress = ignore_progress,
    command: Sequence[str] = (),
) -> tuple[list[Path], Tables]:
    """Analyse tracks and write tables, pictures and a report.

    Parameters
    ----------
    job : AnalysisJob
    output : Path
        Folder; replaced as a whole if it is there.
    settings : AnalysisSettings
    progress : Progress
    command : sequence of str
        The command line, for the record.

    Returns
    -------
    paths : list of Path
        What was written.
    tables : dict of DataFrame

    Raises
    ------
    UserError
        If an input is wrong; nothing is written then.
    """
    movies = [one for path in job.tracks for one in name_run_movies(path)]
    read = [*movies, *(one for path in job.tracks for one in name_inputs(path))]
    with write_together(), watch_inputs(*read, job.groups, job.mask):
        return _analyse_files(job, output, settings, progress, command)


def _analyse_files(
    job: AnalysisJob,
    output: Path,
    settings: AnalysisSettings,
    progress: Progress,
    command: Sequence[str],
) -> tuple[list[Path], Tables]:
    started = datetime.now(UTC)
    movies = {name: _load(path, job) for name, path in name_movies(job.tracks).items()}
    conditions: dict[str, pd.DataFrame] = {}
    if job.groups is not None:
        ids = {name: data.ids for name, data in movies.items()}
        conditions, column = read_groups(job.groups, ids)
        if settings.group_by is None:
            settings = settings.model_copy(update={"group_by": column})
    tracked = {
        name: replace(data.tracked, conditions=conditions.get(name))
        for name, data in movies.items()
    }
    if len(movies) == 1:
        name = next(iter(movies))
        tables = analyse_tracks(tracked[name], settings, progress)
        movies = {name: replace(movies[name], tables=tables, analysis=settings)}
    else:
        tables = analyse_movies(tracked, settings, progress)
        movies = {
            name: replace(data, tables=select_movie(tables, name), analysis=settings)
            for name, data in movies.items()
        }
    if job.figures or job.report:
        movies = _draw(movies, settings, progress)
    with write_atomically(output) as folder:
        make_folder(folder)
        names = _write_tables(folder, tables)
        if job.figures:
            names += _write_figures(folder, movies)
        if job.report:
            for name, data in movies.items():
                file = REPORT if len(movies) == 1 else f"{name}.{REPORT}"
                write_report(folder / file, data)
                names.append(file)
        record = _describe(job, movies, tables, settings)
        record = {**describe_environment(command, started), **record, "files": _list_files(folder)}
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
        write_text(folder / ANALYSIS, text)
    return [output / name for name in [*names, ANALYSIS]], tables


def check_analysis(output: Path, job: AnalysisJob, *, overwrite: bool = False) -> None:
    """Refuse a folder that is, or holds, an input or what no analysis wrote.

    Raises
    ------
    UserError
        One line.
    """
    inputs = [one for path in job.tracks for one in (path, *name_inputs(path))]
    check_apart([output], [*inputs, job.groups, job.mask])
    check_output(output, overwrite=overwrite, keeps=True)
    check_whole(output, analysis=True)
    note_outputs([output])


def _list_files(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def name_movies(paths: Sequence[Path]) -> dict[str, Path]:
    """Name each movie by its file, without what all files of its kind end in.

    Raises
    ------
    UserError
        If two have the same name, or are the same tracks.
    """
    check_once(paths)
    names: dict[str, Path] = {}
    for path in paths:
        found = name_format(path)
        name = path.resolve().name if found is None else found.stem(path)
        name = name.encode("utf-8", "backslashreplace").decode()
        if name in names:
            msg = f"{path} and {names[name]} would both be movie {name!r}; rename one of them"
            raise UserError(msg)
        names[name] = path
    return names


def select_movie(tables: Tables, name: str) -> Tables:
    """Give the tables of one of several movies."""
    return {
        key: table[table["movie"] == name].drop(columns="movie").reset_index(drop=True)
        for key, table in tables.items()
    }


def add_distance(graph: TrackGraph, mask: Movie) -> TrackGraph:
    """Measure each spot's tissue and signed distance to the boundary of a tissue mask.

    Spots outside are kept: their distance is negative.

    Raises
    ------
    UserError
        If the mask has neither one frame nor as many as the movie.
    """
    spots = graph.spots
    frames = MovieFrames(mask, spots.ndim)
    check_mask_length(frames, spots.n_frames)
    size = find_mask_size(mask, spots.calibration)
    settings = MeasureSettings.parse({"mask": {"policy": "centroid"}})
    distance = np.full(len(spots), np.nan)
    tissue = np.zeros(len(spots), np.int64)
    place, offsets = spots.positions, spots.frame_offsets
    now: Tissue | None = None
    for t in spots.occupied_frames.tolist():
        if now is None or frames.n_frames > 1:
            now = Tissue(frames.frame(t), size, settings)
        rows = slice(offsets[t], offsets[t + 1])
        distance[rows] = now.distance_at(place[rows])
        tissue[rows], _ = judge_points(place[rows], now.mask, size, settings.mask, f"frame {t}")
    columns = {"boundary_distance": distance, "tissue": tissue}
    return graph.with_spots(spots.with_columns(columns))


def _load(path: Path, job: AnalysisJob) -> ReportData:
    data = load_tracks(path) if is_tracks(path) else load_run(path)
    if job.report and not is_tracks(path):  # It shows them.
        warn_of_gone(data)
        warn_of_changed(data, path)
    graph, options = data.graph, job.options
    calibration = rename_calibration(graph.spots.calibration, path, options)
    if calibration != graph.spots.calibration:
        graph = graph.with_spots(graph.spots.with_calibration(calibration))
    if job.mask is not None:
        graph = add_distance(graph, open_mask(job.mask, data.image or data.labels, options))
    return replace(data, graph=graph)


def read_groups(
    path: Path, ids: dict[str, NDArray[np.int64]]
) -> tuple[dict[str, pd.DataFrame], str]:
    """Read the user's table of groups.

    Parameters
    ----------
    path : Path
        CSV of track or tracklet, or movie, or movie and one of them, and the user's columns.
    ids : dict of (n_tracks,) ndarray of int
        Ids of each movie's tracks.

    Returns
    -------
    conditions : dict of DataFrame
        A table a movie, of track or tracklet and the user's columns.
    column : str
        The first of the user's columns.

    Raises
    ------
    UserError
        If the file cannot be read, lacks such columns, or names another movie.
    """
    try:
        table = _read_conditions(read_whole(path))
    except FileNotFoundError:
        msg = f"{path}: {explain_missing(path)}; give a CSV of track and a column of conditions"
        raise UserError(msg) from None
    except (OSError, ValueError) as error:
        msg = f"{path}: not readable as CSV: {describe_error(error)}"
        raise UserError(msg) from None
    keys = [name for name in ("movie", "track", "tracklet") if name in table]
    own = [str(name) for name in table.columns if name not in keys]
    if not keys or not own:
        msg = f"{path}: expected a column track, tracklet or movie and one of conditions; has "
        raise UserError(msg + ", ".join(map(str, table.columns)))
    if "movie" not in keys and len(ids) > 1:
        msg = f"{path}: has no column movie, and there are several: {', '.join(ids)}; say in it "
        msg += f"which one's {keys[0]} each row is of"
        raise UserError(msg)
    if "movie" not in keys:
        return dict.fromkeys(ids, table), own[0]
    named = {unicodedata.normalize("NFC", name).strip(): name for name in ids}
    movie = table["movie"].fillna("").map(lambda name: named.get(name, name))
    unknown = sorted(set(movie) - set(ids))
    if unknown:
        msg = f"{path}: names movie {unknown[0]!r}, but the movies are {', '.join(ids)}"
        raise UserError(msg)
    found = {}
    for name, tracks in ids.items():
        part = table[movie == name].drop(columns="movie")
        if keys == ["movie"] or not len(part):
            if len(part) > 1:
                msg = f"{path}: movie {name!r} stands there twice, expected one row each"
                raise UserError(msg)
            if not len(part):
                _log.warning("%s: has no row of movie %s, whose tracks are in no group", path, name)
            # the movie's conditions are those of all of its tracks; none if it is not there
            values = part.iloc[0] if len(part) else pd.Series(np.nan, index=own)
            part = pd.DataFrame({"track": tracks, **{key: values[key] for key in own}})
        found[name] = part
    return found, own[0]


def _read_conditions(content: bytes) -> pd.DataFrame:
    """Read a table of groups: numbers of tracks, and names as they stand there, 01 apart from 1.

    Spaces around names, and how Unicode composes their letters, tell nothing apart.
    """
    head = content.partition(b"\n")[0]
    separator = max(",;\t", key=lambda mark: head.count(mark.encode()))
    names = pd.read_csv(BytesIO(content), sep=separator, nrows=0).columns
    texts = [name for name in names if name.strip() not in ("track", "tracklet")]
    table = pd.read_csv(
        BytesIO(content),
        sep=separator,
        dtype=dict.fromkeys(texts, str),
        keep_default_na=False,
        na_values={name: [""] for name in names},
    )
    for name in texts:
        plain = table[name].str.normalize("NFC").str.strip()
        table[name] = plain.mask(plain == "")
    return table.rename(columns=str.strip)


def _write_tables(folder: Path, tables: Tables) -> list[str]:
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", format_rounded(table, _PLACES))
    return [f"{name}.csv" for name in tables]


def _draw(
    movies: dict[str, ReportData], settings: AnalysisSettings, progress: Progress
) -> dict[str, ReportData]:
    drawn = {}
    for done, (name, data) in enumerate(movies.items()):
        progress("draw", done, len(movies))
        pictures = draw_analysis(data.graph, data.tables or {}, settings, data.ids)
        drawn[name] = replace(data, pictures=pictures)
    progress("draw", len(movies), len(movies))
    return drawn


def _write_figures(folder: Path, movies: dict[str, ReportData]) -> list[str]:
    import matplotlib as mpl

    for movie, data in movies.items():
        place = folder / FIGURES / (movie if len(movies) > 1 else "")
        make_folder(place)
        for name, figure in (data.pictures or {}).items():
            with mpl.rc_context({"svg.hashsalt": "btrackmate"}):
                figure.savefig(place / f"{name}.svg", metadata={"Date": None})
            figure.savefig(place / f"{name}.png", metadata={"Software": None}, dpi=200)
    return [FIGURES]


def _describe(
    job: AnalysisJob, movies: dict[str, ReportData], tables: Tables, settings: AnalysisSettings
) -> dict[str, Any]:
    inputs = {}
    for (name, data), path in zip(movies.items(), job.tracks, strict=True):
        size = data.graph.spots.calibration
        inputs[name] = {
            "path": str(path.absolute()),
            "sha256": hash_path(path),
            "spots": len(data.graph.spots),
            "tracks": data.graph.n_tracks,
            "frames": data.graph.spots.n_frames,
            "dt": size.dt,
            "time_unit": size.time_unit,
            "space_unit": size.space_unit,
        }
    beside = {"groups": job.groups, "mask": job.mask}
    units = next(iter(inputs.values()))
    return {
        "inputs": inputs,
        **{name: str(path.absolute()) for name, path in beside.items() if path is not None},
        "units": {
            "times, durations, periods": units["time_unit"],
            "lengths, distances, positions": units["space_unit"],
            "frequencies, rates of exchange": f"1/{units['time_unit']}",
            "speeds, rates of approach": f"{units['space_unit']}/{units['time_unit']}",
            "msd": f"{units['space_unit']}^2",
            "angles": "degrees; phases in radians",
            "lags": "frames",
        },
        "tables": {name: len(table) for name, table in tables.items()},
        "settings": settings.model_dump(mode="json"),
    }
