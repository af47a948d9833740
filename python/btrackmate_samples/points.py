"""Seeded movies of points with truth: a growing embryo as a detector would see it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.spatial import cKDTree

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate_samples.embryo import (
    Amount,
    Chance,
    Embryo,
    EmbryoSettings,
    FloatArray,
    IntArray,
    grow_embryo,
)

#: Voxel size and time step that the movies pretend to have.
CALIBRATION = Calibration(dx=0.5, dy=0.5, dz=2.0, dt=2.0, space_unit="µm", time_unit="min")
#: Mean intensity of a cell of brightness 1 in grey values.
GREY = 170.0


class PointMovieSettings(EmbryoSettings):
    """A growing embryo and what the detector makes of it."""

    noise_xy: Amount = Field(0.28, description="standard deviation of x and y [µm]")
    noise_z: Amount = Field(0.6, description="standard deviation of z [µm]")
    miss: Chance = Field(0.017, description="chance that a cell is not detected, per frame")
    false: Amount = Field(0.006, description="false positives per cell")
    merge: Chance = Field(
        0.002, description="chance that a cell is detected as one spot with its nearest neighbour"
    )
    noise_volume: Amount = Field(0.12, description="relative standard deviation of volumes")
    noise_intensity: Amount = Field(0.12, description="relative standard deviation of intensities")


#: Settings of the named sizes: about 3.9k, 49k, 49k, 484k and 2.8 M spots.
SIZES: dict[str, PointMovieSettings] = {
    "S": PointMovieSettings(),
    "M": PointMovieSettings(n_frames=50, n_cells=550, growth=3.0),
    "M-fast": PointMovieSettings(n_frames=50, n_cells=550, growth=3.0, flow=4.2),
    "L": PointMovieSettings(n_frames=100, n_cells=2770, growth=3.0),
    "XL": PointMovieSettings(n_frames=200, n_cells=6950, growth=4.0),
}


@dataclass(frozen=True, eq=False)
class PointMovie:
    """A movie of points and its truth.

    Parameters
    ----------
    truth : TrackGraph
        All cells, with true positions, volumes and radii, and the links from frame to frame.
    observed : Spots
        What the detector found, in no order within a frame; ids are not the truth's.
    true_row : (n,) ndarray of int
        Row in `truth` of each observed spot, −1 for a false positive. No row stands twice.
    merged_row : (n,) ndarray of int
        Row in `truth` of the second cell that the spot covers, −1 for none. That cell has no spot
        of its own.
    """

    truth: TrackGraph
    observed: Spots
    true_row: IntArray
    merged_row: IntArray


def make_point_movie(settings: PointMovieSettings | str = "S", seed: int = 0) -> PointMovie:
    """Make a seeded movie of points with truth.

    Parameters
    ----------
    settings : PointMovieSettings or str
        Settings, or the name of a size: ``"S"``, ``"M"``, ``"M-fast"``, ``"L"``, ``"XL"``.
    seed : int
        Seed of the random numbers; the same one gives the same movie.

    Returns
    -------
    PointMovie
        Spots have radius [µm], volume [µm³] and mean_intensity_ch1.

    Raises
    ------
    UserError
        If the size is unknown.

    See Also
    --------
    truth_links_of_observed : what a perfect linker makes of the observed spots.
    """
    if isinstance(settings, str):
        if settings not in SIZES:
            msg = f"point movie: unknown size {settings!r}; known: {', '.join(SIZES)}"
            raise UserError(msg)
        settings = SIZES[settings]
    rng = np.random.default_rng(seed)
    embryo = grow_embryo(settings, rng)
    table = _table(embryo.frame, embryo.position, embryo.volume, GREY * embryo.brightness)
    spots = Spots.from_table(table, CALIBRATION, n_frames=settings.n_frames)
    linked = np.flatnonzero(embryo.parent >= 0)
    truth = TrackGraph.from_links(spots, embryo.parent[linked], linked)
    return _detect(truth, embryo, settings, rng)


def truth_links_of_observed(movie: PointMovie) -> TrackGraph:
    """Give the observed spots with their true links.

    Each spot of a cell is linked to its nearest ancestor that was observed, so that links span
    missed frames; false positives stay alone. A division whose second daughter was never seen
    is none.

    Parameters
    ----------
    movie : PointMovie
        The movie.

    Returns
    -------
    TrackGraph
        `movie.observed` with links.
    """
    n = len(movie.truth.spots)
    observed_row = np.full(n, -1, np.int64)
    real = np.flatnonzero(movie.true_row >= 0)
    observed_row[movie.true_row[real]] = real
    parent = np.full(n, -1, np.int64)
    parent[movie.truth.target] = movie.truth.source
    # nearest observed ancestor of each true row, frame by frame, as observed row
    ancestor = np.full(n, -1, np.int64)
    offsets = movie.truth.spots.frame_offsets
    for start, end in zip(offsets[1:-1].tolist(), offsets[2:].tolist(), strict=True):
        before = parent[start:end]
        seen = np.where(observed_row[before] >= 0, observed_row[before], ancestor[before])
        ancestor[start:end] = np.where(before >= 0, seen, -1)
    rows = np.flatnonzero((observed_row >= 0) & (ancestor >= 0))
    return TrackGraph.from_links(movie.observed, ancestor[rows], observed_row[rows])


def _table(
    frame: IntArray, position: FloatArray, volume: FloatArray, intensity: FloatArray
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": np.arange(frame.size),
            "frame": frame,
            "x": position[:, 0],
            "y": position[:, 1],
            "z": position[:, 2],
            "radius": np.cbrt(volume * 3 / (4 * np.pi)),
            "volume": volume,
            "mean_intensity_ch1": intensity,
        }
    )


def _detect(
    truth: TrackGraph, embryo: Embryo, settings: PointMovieSettings, rng: np.random.Generator
) -> PointMovie:
    """Miss, merge and invent cells, and add noise."""
    n = embryo.frame.size
    covered_by = _merge(truth.spots, settings.merge, rng)
    seen = (rng.random(n) >= settings.miss) & (covered_by < 0)
    merged = np.full(n, -1, np.int64)
    hidden = np.flatnonzero(covered_by >= 0)
    merged[covered_by[hidden]] = hidden
    position, volume = embryo.position.copy(), embryo.volume.copy()
    both = np.flatnonzero(merged >= 0)
    volume[both] += embryo.volume[merged[both]]
    share = (embryo.volume[merged[both]] / volume[both])[:, None]
    position[both] += share * (embryo.position[merged[both]] - embryo.position[both])
    false = np.flatnonzero(rng.random(n) < settings.false)
    rows = np.concatenate((np.flatnonzero(seen), np.full(false.size, -1)))
    frame = np.concatenate((embryo.frame[seen], embryo.frame[false]))
    noise = rng.normal(size=(rows.size, 3))
    noise *= [settings.noise_xy, settings.noise_xy, settings.noise_z]
    place = np.concatenate((position[seen], _invent(truth.spots, false, rng))) + noise
    size = np.concatenate((volume[seen], volume[false] * rng.uniform(0.2, 1, false.size)))
    grey = GREY * np.concatenate((embryo.brightness[seen], embryo.brightness[false]))
    grey[seen.sum() :] *= rng.uniform(0.3, 1, false.size)
    size *= np.exp(rng.normal(scale=settings.noise_volume, size=rows.size))
    grey *= np.exp(rng.normal(scale=settings.noise_intensity, size=rows.size))
    # a detector knows no cells: shuffle the spots of each frame
    order = np.lexsort((rng.random(rows.size), frame))
    table = _table(frame[order], place[order], size[order], grey[order])
    spots = Spots.from_table(table, truth.spots.calibration, n_frames=settings.n_frames)
    rows = rows[order]
    return PointMovie(truth, spots, rows, np.where(rows >= 0, merged[rows], -1))


def _merge(spots: Spots, chance: float, rng: np.random.Generator) -> IntArray:
    """Choose cells that are detected together with their nearest one: its row, else −1, (n,)."""
    cover = np.full(len(spots), -1, np.int64)
    free = np.ones(len(spots), np.bool_)
    draw = rng.random(len(spots)) < chance
    positions = spots.positions
    offsets = spots.frame_offsets
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        hidden = start + np.flatnonzero(draw[start:end])
        if hidden.size == 0 or end - start < 2:
            continue
        place = positions[start:end]
        near = start + cKDTree(place).query(place[hidden - start], 2)[1][:, 1]
        for one, other in zip(hidden.tolist(), near.tolist(), strict=True):
            if one != other and free[one] and free[other]:
                cover[one] = other
                free[one] = free[other] = False
    return cover


def _invent(spots: Spots, rows: IntArray, rng: np.random.Generator) -> FloatArray:
    """Give places of false positives, evenly in the ball of the cells of each row's frame."""
    radius = np.sqrt((spots.positions**2).sum(axis=1))
    widest = np.zeros(spots.n_frames)
    np.maximum.at(widest, spots.frame, radius)
    direction = rng.normal(size=(rows.size, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    place: FloatArray = direction * np.cbrt(rng.random((rows.size, 1)))
    return place * widest[spots.frame[rows], None]
