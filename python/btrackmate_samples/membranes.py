"""Seeded tissue of irregular, membrane-labelled cells that no star-convex shape describes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt
from scipy.spatial import cKDTree

from btrackmate.core.calibration import Calibration
from btrackmate.core.settings import Settings
from btrackmate.samples.sample import Stack
from btrackmate_samples.fields import Float32, make_waves
from btrackmate_samples.render import Renderer, RenderSettings
from btrackmate_samples.tissue import Partition

#: Peak photons of a membrane before blur, for the three signal-to-noise ratios.
PHOTONS: dict[str, float] = {"high": 80.0, "middle": 30.0, "low": 14.0}

_NEAR = 8  # Sites looked at for each voxel: the first of another cell is almost always among them.
_STEP = 1.35  # Sites of one cell follow each other within so many least distances.
_FILL = 0.6  # Sites for each cube of their least distance, about as random packing leaves.


class MembraneSettings(Settings):
    """Settings of the tissue of irregular cells."""

    shape: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        default=(28, 128, 128), description="Voxels z, y, x."
    )
    voxel_size: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = Field(
        default=(1.0, 0.4, 0.4), description="z, y, x in µm."
    )
    site_distance: float = Field(default=5.5, gt=0, description="Least distance of sites in µm.")
    sites_per_cell: tuple[float, ...] = Field(
        default=(0.3, 0.4, 0.3), description="Weights of cells made of 1, 2, 3… sites."
    )
    background: float = Field(
        default=0.2, ge=0, lt=1, description="Part of the volume outside the tissue, about."
    )
    lumen: float = Field(default=0.02, ge=0, lt=1, description="Part of the sites that are holes.")
    warp: float = Field(default=0.2, ge=0, le=0.3, description="As in the renderer.")
    photons: float = Field(
        default=PHOTONS["middle"], gt=0, description="Peak brightness of a membrane, photons."
    )
    min_size: int = Field(
        default=50, ge=0, description="Pieces that the border leaves of cells: fewer voxels go."
    )
    seed: int = Field(default=0, ge=0, description="Seed of shapes, brightness and noise.")


def make_membranes(settings: MembraneSettings | None = None) -> Stack:
    """Render one volume of tissue with ground truth.

    Parameters
    ----------
    settings : MembraneSettings, optional

    Returns
    -------
    Stack
        Image, labels (0 outside the tissue and in its holes) and calibration in µm.

    Notes
    -----
    A cell is the union of the Voronoi regions of one to a few neighbouring sites, in smoothly
    warped space: its walls are curved, and cells of several sites are bent or branched. Sites
    outside the tissue and in its holes belong to no cell. Membranes are Gaussian sheets; the
    image is blurred by an anisotropic Gaussian point spread function, wider along z, and has
    Poisson and Gaussian noise (the renderer's). The distance to a wall between two sites is
    (d2² - d1²) / (2 |c2 - c1|), exact on planes.
    """
    settings = MembraneSettings() if settings is None else settings
    rng = np.random.default_rng([settings.seed, 3])
    sites = _scatter_sites(rng, settings)
    group = _group_sites(rng, sites, settings)
    n_cells = int(group.max(initial=-1)) + 1
    renderer = Renderer(_render_settings(settings), settings.site_distance, max(n_cells, 1))
    coordinates = renderer.warp_coordinates()
    part, depth = _partition(coordinates, sites, group)
    frame = renderer.develop(part, depth, np.arange(1, n_cells + 1))
    size = settings.voxel_size
    calibration = Calibration(dx=size[2], dy=size[1], dz=size[0], space_unit="µm")
    return Stack(frame.image, _number_cells(frame.labels, settings.min_size), calibration)


def _number_cells(labels: NDArray[Any], min_size: int) -> NDArray[np.uint16]:
    """Give the cells that are large enough the numbers 1…n."""
    keep = np.bincount(labels.ravel()) >= max(min_size, 1)
    keep[0] = False
    numbered: NDArray[np.uint16] = np.where(keep, np.cumsum(keep), 0).astype(np.uint16)[labels]
    return numbered


def _render_settings(settings: MembraneSettings) -> RenderSettings:
    """Optics and light of a confocal microscope; all light scales with the photons."""
    light = settings.photons
    return RenderSettings(
        shape=settings.shape,
        voxel_size=settings.voxel_size,
        seed=settings.seed,
        warp=settings.warp,
        membrane_sigma=0.2,
        psf_sigma=(0.8, 0.25, 0.25),
        membrane=light,
        cytoplasm=0.12 * light,
        background=0.05 * light,
        read_noise=2.0,
        gain=150 / light,
        bits=16,
    )


def _scatter_sites(rng: np.random.Generator, settings: MembraneSettings) -> NDArray[np.float64]:
    """Draw random sites that keep their distance, in the volume and a margin around it."""
    least = settings.site_distance
    extent = np.array(settings.shape) * settings.voxel_size
    low, high = np.full(3, -2.5 * least), extent + 2.5 * least
    count = int(10 * _FILL * np.prod(high - low) / least**3) + 1
    places = rng.uniform(low, high, (count, 3))
    near = cKDTree(places).query_ball_point(places, least)
    free = np.ones(count, bool)
    chosen = []
    for place, others in enumerate(near):
        if free[place]:
            chosen.append(place)
            free[others] = False
    return np.asarray(places[chosen])


def _group_sites(
    rng: np.random.Generator, sites: NDArray[np.float64], settings: MembraneSettings
) -> NDArray[np.int64]:
    """Give each site its cell, -1 outside the tissue; a cell grows from site to near site."""
    length = 8 * settings.site_distance
    level = _sample_points(make_waves(rng, (length, 2 * length)), sites)
    outside = level < np.quantile(level, settings.background)
    outside |= rng.random(len(sites)) < settings.lumen
    group = np.full(len(sites), -1, np.int64)
    waiting = ~outside
    tree = cKDTree(sites)
    weights = np.array(settings.sites_per_cell) / sum(settings.sites_per_cell)
    number = 0
    for first in rng.permutation(np.flatnonzero(waiting)):
        if not waiting[first]:
            continue
        last, wanted = first, 1 + int(rng.choice(len(weights), p=weights))
        for _ in range(wanted):
            group[last] = number
            waiting[last] = False
            near = tree.query_ball_point(sites[last], _STEP * settings.site_distance)
            free = sorted(i for i in near if waiting[i])
            if not free:
                break
            last = int(rng.choice(free))
        number += 1
    return group


def _sample_points(waves: Any, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate a field of waves at scattered points."""
    return np.asarray(np.cos(points @ waves.vectors.T + waves.phases).sum(axis=1))


def _partition(
    coordinates: tuple[Float32, Float32, Float32],
    sites: NDArray[np.float64],
    group: NDArray[np.int64],
) -> tuple[Partition, Float32]:
    """Find every voxel's cell, its nearest other cell, and the distances to wall and surface."""
    shape = coordinates[0].shape
    points = np.stack([axis.ravel() for axis in coordinates], axis=1)
    inner, outer = np.flatnonzero(group >= 0), np.flatnonzero(group < 0)
    far = np.float32(1e6)
    if len(inner) == 0:
        nothing = np.full(shape, -1, np.int32)
        return Partition(nothing, nothing, np.full(shape, far)), np.full(shape, -far)
    count = min(_NEAR, len(inner))
    distance, nearest = cKDTree(sites[inner]).query(points, k=count, workers=-1)
    distance, nearest = distance.reshape(-1, count), inner[nearest.reshape(-1, count)]
    own, cell = nearest[:, 0], group[nearest[:, 0]]
    foreign = group[nearest] != cell[:, None]
    where = foreign.argmax(axis=1)
    found = foreign[np.arange(len(points)), where]
    other = nearest[np.arange(len(points)), where]
    gap = np.linalg.norm(sites[other] - sites[own], axis=1)
    d2 = distance[np.arange(len(points)), where]
    wall = np.where(found, (d2**2 - distance[:, 0] ** 2) / np.where(found, 2 * gap, 1), far)
    neighbour = np.where(found, group[other], -1)
    depth = np.full(len(points), far, np.float64)
    if len(outer):
        away, hole = cKDTree(sites[outer]).query(points, workers=-1)
        gap = np.linalg.norm(sites[outer][hole] - sites[own], axis=1)
        depth = (away**2 - distance[:, 0] ** 2) / (2 * gap)
    part = Partition(
        cell.astype(np.int32).reshape(shape),
        neighbour.astype(np.int32).reshape(shape),
        wall.astype(np.float32).reshape(shape),
    )
    return part, depth.astype(np.float32).reshape(shape)
