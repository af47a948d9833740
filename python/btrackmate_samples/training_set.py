"""Rendered volumes with ground truth for training, never of the shipped movie's frames."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.samples import Stack
from btrackmate_samples.lineage import load_lineage
from btrackmate_samples.pose import random_pose
from btrackmate_samples.render import Renderer, RenderSettings
from btrackmate_samples.tissue import estimate_radii

TRAINING_FRAMES = (*range(20, 46), *range(66, 83))
"""Frames of the lineage file used for training; the shipped movie's are none of them."""


@dataclass(frozen=True)
class Volume(Stack):
    """One rendered volume with ground truth.

    Parameters
    ----------
    image, labels, calibration
        As of a real stack.
    frame : int
        Frame of the lineage file.
    seed : int
        Seed of the renderer.
    """

    frame: int
    seed: int


def make_training_volumes(
    n: int,
    seed: int = 1,
    *,
    shape: tuple[int, int, int] = (24, 128, 128),
    voxel_size: tuple[float, float, float] | None = None,
    frames: tuple[int, ...] = TRAINING_FRAMES,
) -> Iterator[Volume]:
    """Render volumes in random poses, sizes and brightness.

    Parameters
    ----------
    n : int
        Number of volumes.
    seed : int
        The same seed gives the same volumes; volume i does not depend on `n`.
    shape : (Z, Y, X)
        Voxels of a volume; smaller than the embryo means a random part of it.
    voxel_size : (dz, dy, dx), optional
        In µm; default is that of the shipped movie.
    frames : tuple of int
        Frames of the lineage file to draw from.

    Yields
    ------
    Volume

    Raises
    ------
    UserError
        If `n` is below 1 or `frames` is empty.
    """
    if n < 1 or not frames:
        msg = f"{n} volumes of {len(frames)} frames: expected at least 1 of each"
        raise UserError(msg)
    size = RenderSettings().voxel_size if voxel_size is None else voxel_size
    extent = (np.array(shape) - 1) * size
    calibration = Calibration(dx=size[2], dy=size[1], dz=size[0], space_unit="µm")
    for index in range(n):
        rng = np.random.default_rng([seed, 2, index])
        frame = int(rng.choice(frames))
        positions, labels = load_lineage(frame, frame).at_frame(0)
        pose = random_pose(rng, positions, extent / 2, shift=25.0, scales=(0.85, 1.15))
        placed = pose.apply(positions)
        renderer = Renderer(
            _vary_settings(rng, shape, size), float(estimate_radii(placed).mean()), len(labels)
        )
        result = renderer.render(placed, labels, frame)
        yield Volume(result.image, result.labels, calibration, frame, renderer.settings.seed)


def _vary_settings(
    rng: np.random.Generator, shape: tuple[int, int, int], size: tuple[float, float, float]
) -> RenderSettings:
    """Draw brightness and optics around the defaults."""
    base = RenderSettings()
    blur = rng.uniform(0.85, 1.15)
    return RenderSettings(
        shape=shape,
        voxel_size=size,
        seed=int(rng.integers(1, 2**31)),
        psf_sigma=(base.psf_sigma[0] * blur, base.psf_sigma[1] * blur, base.psf_sigma[2] * blur),
        membrane=base.membrane * rng.uniform(0.75, 1.25),
        cytoplasm=base.cytoplasm * rng.uniform(0.6, 1.4),
        background=base.background * rng.uniform(0.7, 1.3),
        attenuation=rng.uniform(0, 0.5),
        gain=base.gain * rng.uniform(0.8, 1.2),
    )
