"""Render cells at given positions as membrane-labelled, crowded 3D tissue with ground truth."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from scipy import ndimage

from btrackmate.core.errors import UserError
from btrackmate.core.settings import Settings
from btrackmate_samples.fields import Float32, Waves, make_waves
from btrackmate_samples.tissue import Partition, estimate_radii, partition_voxels, wrap_cells

_FINE = 3  # Planes rendered per image plane: a thin horizontal wall falls between coarse planes.


class RenderSettings(Settings):
    """Settings of the renderer."""

    shape: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        default=(32, 152, 152), description="Voxels z, y, x."
    )
    voxel_size: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = Field(
        default=(4.5, 1.3, 1.3), description="z, y, x in µm."
    )
    seed: int = Field(default=0, ge=0, description="Seed of shapes, brightness and noise.")
    size_variation: float = Field(default=0.06, ge=0, description="Relative sd of cell radii.")
    warp: float = Field(
        default=0.12, ge=0, le=0.3, description="Sd of the warp over the mean radius."
    )
    membrane_sigma: float = Field(
        default=0.6, gt=0, description="Sd of a membrane's profile in µm."
    )
    psf_sigma: tuple[NonNegativeFloat, NonNegativeFloat, NonNegativeFloat] = Field(
        default=(2.4, 0.9, 0.9), description="Sd of the point spread function z, y, x in µm."
    )
    membrane: float = Field(
        default=34.0, gt=0, description="Peak brightness of a membrane, photons."
    )
    outer_membrane: float = Field(
        default=0.7, ge=0, description="Brightness of the free surface, relative"
    )
    cytoplasm: float = Field(default=8.0, ge=0, description="Brightness inside cells, photons.")
    background: float = Field(default=6.0, ge=0, description="Brightness everywhere, photons.")
    cell_variation: float = Field(
        default=0.2, ge=0, description="Relative sd of brightness among cells."
    )
    shading: float = Field(
        default=0.15, ge=0, description="Relative sd of slow changes of brightness."
    )
    attenuation: float = Field(
        default=0.3, ge=0, lt=1, description="Light lost across the stack in z."
    )
    read_noise: float = Field(default=2.0, ge=0, description="Sd of the Gaussian noise, photons.")
    gain: float = Field(default=0.7, gt=0, description="Grey values per photon.")
    offset: float = Field(default=10.0, ge=0, description="Grey value of no light.")
    bits: Literal[8, 16] = Field(default=8, description="Bits of a voxel.")


@dataclass(frozen=True)
class Frame:
    """One rendered frame.

    Parameters
    ----------
    image : (Z, Y, X) ndarray of uint8 or uint16
        Noisy membrane image.
    labels : (Z, Y, X) ndarray of uint16 or uint32
        Ground truth, 0 outside the tissue.
    clean : (Z, Y, X) ndarray of float32
        Photons expected in each voxel, before noise.
    """

    image: NDArray[Any]
    labels: NDArray[Any]
    clean: Float32


@dataclass(frozen=True)
class _Scene:
    """What stays the same over a movie: random shapes and brightness by label."""

    warp: tuple[Waves, Waves, Waves]
    shading: Waves
    sizes: NDArray[np.float64]
    brightness: NDArray[np.float64]


class Renderer:
    """Renders the frames of one movie; shapes move coherently from frame to frame.

    Parameters
    ----------
    settings : RenderSettings
    radius : float
        Typical cell radius in µm: the scale of the random warp.
    max_label : int
        Highest label that will be rendered.
    """

    def __init__(self, settings: RenderSettings, radius: float, max_label: int) -> None:
        self.settings = settings
        self.radius = radius
        self._max_label = max_label
        rng = np.random.default_rng([settings.seed, 0])
        waves = [make_waves(rng, (2.5 * radius, 6 * radius)) for _ in range(3)]
        self._scene = _Scene(
            (waves[0], waves[1], waves[2]),
            make_waves(rng, (4 * radius, 12 * radius)),
            np.clip(1 + settings.size_variation * rng.normal(size=max_label + 1), 0.7, 1.3),
            np.exp(settings.cell_variation * rng.normal(size=max_label + 1)),
        )
        spacing = np.array(settings.voxel_size) / (_FINE, 1, 1)
        count = np.array(settings.shape) * (_FINE, 1, 1)
        start = np.array([-spacing[0] * (_FINE - 1) / 2, 0, 0])
        self._axes = tuple(start[i] + spacing[i] * np.arange(count[i]) for i in range(3))

    def render(
        self, positions: NDArray[np.float64], labels: NDArray[np.int64], frame: int = 0
    ) -> Frame:
        """Render one frame.

        Parameters
        ----------
        positions : (n, 3) ndarray of float
            Cells' z, y, x in µm; the centre of voxel i is at i × voxel size.
        labels : (n,) ndarray of int
            Label of each cell, > 0; the same cell has the same label in every frame.
        frame : int
            Frame number: moves the random shapes on and seeds the noise.

        Returns
        -------
        Frame

        Raises
        ------
        UserError
            If positions and labels do not match, or a label repeats, is below 1 or above
            `max_label`.
        """
        settings = self.settings
        self._check_cells(positions, labels)
        if len(labels) == 0:
            clean = np.full(settings.shape, np.float32(settings.background))
            empty = np.zeros(settings.shape, np.uint16)
            return Frame(self._expose(clean, frame), empty, clean)
        radii = estimate_radii(positions) * self._scene.sizes[labels]
        coordinates = self.warp_coordinates(frame)
        part = partition_voxels(coordinates, positions, radii, self._windows(positions, radii))
        depth = wrap_cells(positions, radii).sample(coordinates)
        depth[part.cell < 0] = -1e6
        return self.develop(part, depth, labels, frame)

    def develop(
        self, part: Partition, depth: Float32, labels: NDArray[np.int64], frame: int = 0
    ) -> Frame:
        """Turn a given partition of the fine voxels into an image and its truth.

        Parameters
        ----------
        part : Partition
            Of the fine voxels, as `warp_coordinates` gives them.
        depth : (3 Z, Y, X) ndarray of float32
            Signed distance to the tissue's free surface in µm, inside positive.
        labels : (n,) ndarray of int
            Label of each cell, > 0.
        frame : int
            As in `render`.

        Returns
        -------
        Frame
        """
        fine_labels = np.where(depth > 0, labels[part.cell], 0)
        kept, other = fine_labels[_FINE // 2 :: _FINE], part.neighbour[_FINE // 2 :: _FINE]
        _hand_over_fragments(kept, np.where(other >= 0, labels[other], 0))
        dtype = np.uint16 if labels.max() < 2**16 else np.uint32
        clean = self._shine(part, depth, self._scene.brightness[labels].astype(np.float32), frame)
        return Frame(self._expose(clean, frame), kept.astype(dtype), clean)

    def _check_cells(self, positions: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        """Refuse cells that cannot be rendered."""
        problem = ""
        if positions.shape != (len(labels), 3):
            problem = f"positions of shape {positions.shape} for {len(labels)} labels"
        elif len(np.unique(labels)) < len(labels):
            problem = "a label that repeats"
        elif len(labels) and not 1 <= labels.min() <= labels.max() <= self._max_label:
            problem = f"labels from {labels.min()} to {labels.max()}"
        if problem:
            msg = f"cannot render {problem}: expected (n, 3) positions z, y, x and n different "
            msg += f"labels from 1 to {self._max_label}"
            raise UserError(msg)

    def warp_coordinates(self, frame: int = 0) -> tuple[Float32, Float32, Float32]:
        """Give z, y, x of every fine voxel in µm (3 planes an image plane), randomly warped."""
        z, y, x = self._axes
        straight = (z[:, None, None], y[None, :, None], x[None, None, :])
        amplitude = np.float32(self.settings.warp * self.radius)
        warped = [
            axis.astype(np.float32) + amplitude * waves.sample(self._axes, frame)
            for axis, waves in zip(straight, self._scene.warp, strict=True)
        ]
        return warped[0], warped[1], warped[2]

    def _windows(
        self, positions: NDArray[np.float64], radii: NDArray[np.float64]
    ) -> list[tuple[slice, slice, slice]]:
        """Box around each cell that holds all voxels which may be its or its neighbour's."""
        reach = 1.7 * radii + 4 * self.settings.warp * self.radius + 0.8 * radii.mean()
        windows = []
        for centre, length in zip(positions, reach, strict=True):
            box = [
                slice(*np.searchsorted(self._axes[i], (centre[i] - length, centre[i] + length)))
                for i in range(3)
            ]
            windows.append((box[0], box[1], box[2]))
        return windows

    def _shine(self, part: Partition, depth: Float32, brightness: Float32, frame: int) -> Float32:
        """Compute the photons expected in each voxel: fluorescence, optics, binning; no noise."""
        settings = self.settings
        width = np.float32(settings.membrane_sigma)
        inside = 1 / (1 + np.exp(np.clip(-depth / (width / 2), -50, 50)))
        own = np.where(part.cell >= 0, brightness[part.cell], 0)
        other = np.where(part.neighbour >= 0, brightness[part.neighbour], own)
        walls = (own + other) / 2 * np.exp(-((np.minimum(part.wall, 50) / width) ** 2) / 2)
        skin = settings.outer_membrane * own * np.exp(-((np.clip(depth, -50, 50) / width) ** 2) / 2)
        light = np.maximum(walls * inside, skin) * settings.membrane + settings.cytoplasm * inside
        light *= np.exp(settings.shading * self._scene.shading.sample(self._axes, frame))
        spacing = np.array(settings.voxel_size) / (_FINE, 1, 1)
        light = ndimage.gaussian_filter(
            light.astype(np.float32), np.array(settings.psf_sigma) / spacing, truncate=3
        )
        planes, rows, columns = settings.shape
        light = light.reshape(planes, _FINE, rows, columns).mean(axis=1)
        loss = 1 - settings.attenuation * np.arange(planes) / max(planes - 1, 1)
        return np.asarray(light * loss[:, None, None] + settings.background, np.float32)

    def _expose(self, clean: Float32, frame: int) -> NDArray[Any]:
        """Add Poisson and Gaussian noise and turn photons into grey values."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, 1, frame])
        photons = rng.poisson(clean) + rng.normal(scale=settings.read_noise, size=clean.shape)
        grey = np.rint(settings.gain * photons + settings.offset)
        return np.clip(grey, 0, 2**settings.bits - 1).astype(f"uint{settings.bits}")


def _hand_over_fragments(labels: NDArray[Any], other: NDArray[Any]) -> None:
    """Give every part of a cell but the largest to the second nearest cell, in place."""
    for label, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        parts, count = ndimage.label(labels[box] == label)
        if count > 1:
            sizes = np.bincount(parts.ravel())
            sizes[0] = 0
            lost = (parts > 0) & (parts != sizes.argmax())
            labels[box][lost] = other[box][lost]
