"""The sample movie: real positions and divisions, rendered pixels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.settings import Settings
from btrackmate.samples import SampleMovie
from btrackmate_samples.lineage import MINUTES_PER_FRAME, Lineage, load_lineage
from btrackmate_samples.pose import flat_pose
from btrackmate_samples.render import Frame, Renderer, RenderSettings
from btrackmate_samples.tissue import estimate_radii


class MovieSettings(Settings):
    """Settings of the sample movie."""

    first: int = Field(default=52, description="First frame of the lineage file.")
    last: int = Field(default=61, description="Last frame of the lineage file, included.")
    render: RenderSettings = Field(
        default_factory=lambda: RenderSettings(seed=2020), description="Settings of the renderer."
    )
    cut: float = Field(
        default=0.17, ge=0, lt=1, description="Part of the embryo's length left out of the mask."
    )


def make_movie(
    settings: MovieSettings | None = None, progress: Progress = ignore_progress
) -> SampleMovie:
    """Render the sample movie.

    Parameters
    ----------
    settings : MovieSettings, optional
        Default is the shipped movie's.
    progress : Progress
        Called after each frame.

    Raises
    ------
    UserError
        If a cell of the lineage lies outside the field of view.
    """
    settings = settings or MovieSettings()
    lineage = place_lineage(settings)
    frames = list(render_frames(lineage, settings.render, progress))
    truth = np.stack([frame.labels for frame in frames])
    dz, dy, dx = settings.render.voxel_size
    return SampleMovie(
        np.stack([frame.image for frame in frames]),
        truth,
        draw_mask(truth, settings.render.voxel_size, settings.cut),
        Calibration(dx, dy, dz, MINUTES_PER_FRAME, "µm", "min"),
        lineage.man_track,
        lineage.spots,
    )


def place_lineage(settings: MovieSettings) -> Lineage:
    """Load the movie's frames of the lineage and lay them in the field of view.

    Raises
    ------
    UserError
        If a cell lies outside the field of view.
    """
    lineage = load_lineage(settings.first, settings.last)
    size = np.array(settings.render.voxel_size)
    target = (np.array(settings.render.shape) - 1) * size / 2
    points = lineage.spots[["z", "y", "x"]].to_numpy(float)
    placed = flat_pose(points, target).apply(points)
    if (placed < 0).any() or (placed > 2 * target).any():
        low, high = placed.min(axis=0).round(1), placed.max(axis=0).round(1)
        msg = f"cells reach from {low} to {high} µm (z, y, x) but the field of view ends at "
        msg += f"{(2 * target).round(1)}: give a larger shape or voxel_size"
        raise UserError(msg)
    return Lineage(
        lineage.spots.assign(z=placed[:, 0], y=placed[:, 1], x=placed[:, 2]), lineage.man_track
    )


def render_frames(
    lineage: Lineage, settings: RenderSettings, progress: Progress = ignore_progress
) -> Iterator[Frame]:
    """Render all frames of a lineage whose positions, in µm, lie in the image already.

    Yields
    ------
    Frame
    """
    last = int(lineage.spots["frame"].max())
    radius = float(estimate_radii(lineage.at_frame(last // 2)[0]).mean())
    renderer = Renderer(settings, radius, int(lineage.man_track["L"].max()))
    for frame in range(last + 1):
        yield renderer.render(*lineage.at_frame(frame), frame)
        progress("render", frame + 1, last + 1)


def draw_mask(
    truth: NDArray[Any], voxel_size: tuple[float, float, float], cut: float
) -> NDArray[np.uint8]:
    """Outline the tissue as a person would, leaving out one end of it.

    Parameters
    ----------
    truth : (T, Z, Y, X) ndarray of int, 0 is background
    voxel_size : (dz, dy, dx)
        In µm.
    cut : float
        Part of the length along x, from its low end, that is left out.

    Returns
    -------
    (Z, Y, X) ndarray of uint8
        1 in the tissue, 0 outside: the same for all frames.

    Notes
    -----
    The outline is that of all voxels that belong to the tissue in any frame, smoothed (sd 4 µm)
    and a little larger. The cut is bent: a sphere around the far end.
    """
    tissue = (truth > 0).any(axis=0).astype(np.float32)
    smooth = ndimage.gaussian_filter(tissue, 4.0 / np.array(voxel_size), mode="nearest")
    smooth = smooth > 0.35
    where = np.nonzero(smooth)
    if len(where[0]) == 0:
        return np.zeros(smooth.shape, np.uint8)
    low, high = int(where[2].min()), int(where[2].max())
    centre = (np.mean(where[0]), np.mean(where[1]), high)
    z, y, x = (
        (np.arange(count) - middle) * step
        for count, middle, step in zip(smooth.shape, centre, voxel_size, strict=True)
    )
    distance = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    radius = (1 - cut) * (high - low) * voxel_size[2]
    return np.asarray(smooth & ((distance <= radius) | (cut == 0)), np.uint8)
