"""Settings of the training of StarDist and U-Net."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from btrackmate.core.settings import Settings

Only = Literal["both", "stardist", "unet"]


class Augmentation(Settings):
    """Random changes made to every training patch."""

    flips: bool = Field(default=True, description="Mirror along every axis.")
    rotation: Literal["off", "right-angle", "any"] = Field(
        default="any", description="Rotate in the plane: by quarter turns or by any angle."
    )
    gain: float = Field(default=0.3, ge=0, lt=1, description="Multiply grey values by 1 ± this.")
    offset: float = Field(
        default=0.1, ge=0, description="Add up to ± this (normalised grey values)."
    )
    poisson: float = Field(
        default=0.03, ge=0, description="Largest Poisson noise: variance per normalised grey value."
    )
    gaussian: float = Field(
        default=0.05, ge=0, description="Largest sd of Gaussian noise, in normalised grey values."
    )
    noise_fraction: float = Field(
        default=0.5, ge=0, le=1, description="Part of patches given noise."
    )


class TrainSettings(Settings):
    """Settings of a training; the defaults are the paper's.

    References
    ----------
    Kapoor & Carabaña, "Cell tracking in 3D using deep learning segmentations" (SciPy 2021,
    DOI 10.25080/majora-1b6fd038-014), section Network Training.
    """

    only: Only = Field(default="both", description="Networks to train: stardist, unet or both.")
    depth: int = Field(
        default=3, ge=1, le=6, description="Levels of down-sampling in the networks."
    )
    epochs: int = Field(default=100, ge=1, description="Passes over the patches.")
    learning_rate: float = Field(
        default=1e-4, gt=0, le=1e-2, description="Step size at first; falls to 1 % along a cosine."
    )
    batch_size: int = Field(default=5, ge=1, description="Patches a training step.")
    patch_size: tuple[int, ...] = Field(
        default=(16, 128, 128), description="Voxels of a patch: Z,Y,X."
    )
    kernel_size: int = Field(default=3, ge=3, description="Side of the convolutions: 3, 5 or 7.")
    n_patches_per_image: int = Field(default=16, ge=1, description="Patches an image and epoch.")
    n_rays: int = Field(default=192, ge=8, description="Rays of StarDist's shapes.")
    startfilter: int = Field(default=48, ge=2, description="Filters of the first layer.")
    features: int = Field(default=128, ge=1, description="Filters of StarDist's last layer.")
    grid: tuple[int, ...] = Field(
        default=(1, 2, 2), description="StarDist predicts at every n-th voxel: Z,Y,X, powers of 2."
    )
    anisotropy: tuple[float, ...] | None = Field(
        default=None,
        description="Largest over each axis' extent of cells; from the labels if empty.",
    )
    boundary: bool = Field(
        default=True, description="Train a second U-Net output: the boundaries between cells."
    )
    boundary_width: float = Field(
        default=2.0, gt=0, description="Voxels over which the boundary fades into the cell."
    )
    start_from: Path | None = Field(
        default=None,
        description="Model folder of the same design (from btrackmate train) to start from.",
    )
    validation_split: float = Field(
        default=0.1, gt=0, lt=1, description="Part of the images kept for validation, at least one."
    )
    repeat: dict[str, int] = Field(
        default_factory=dict,
        description="Name pattern: how many times such an image counts (in training only).",
    )
    norm_low: float = Field(default=1.0, ge=0, lt=100, description="Percentile that becomes 0.")
    norm_high: float = Field(default=99.8, gt=0, le=100, description="Percentile that becomes 1.")
    augmentation: Augmentation = Field(
        default_factory=Augmentation, description="Random changes of the patches."
    )
    seed: int = Field(default=0, ge=0, description="Seed of split, patches, changes and weights.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.patch_size) not in (2, 3):
            msg = f"patch_size {self.patch_size} must have 3 numbers (Z,Y,X) or 2 (Y,X)"
            raise ValueError(msg)
        if len(self.grid) != len(self.patch_size):
            msg = f"grid {self.grid} and patch_size {self.patch_size} differ in length"
            raise ValueError(msg)
        if any(step < 1 or step & (step - 1) for step in self.grid):
            msg = f"grid {self.grid} must be powers of 2"
            raise ValueError(msg)
        if min(self.repeat.values(), default=1) < 1:
            msg = f"repeat {self.repeat} must be numbers of 1 or more"
            raise ValueError(msg)
        if self.kernel_size % 2 == 0:
            msg = f"kernel_size {self.kernel_size} must be odd"
            raise ValueError(msg)
        if self.norm_low >= self.norm_high:
            msg = f"norm_low {self.norm_low} is not below norm_high {self.norm_high}"
            raise ValueError(msg)
        return self

    @property
    def ndim(self) -> int:
        """Number of dimensions of the images: 3 or 2."""
        return len(self.patch_size)
