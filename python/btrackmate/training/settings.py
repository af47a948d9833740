"""Settings of the training of StarDist, U-Net and Noise2Void."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from btrackmate.core.settings import Settings
from btrackmate.training.presets import apply_preset, translate_names

Kind = Literal["stardist", "unet", "n2v"]
Only = Literal["both", "all", "stardist", "unet", "n2v"]


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
    copies: int = Field(
        default=1,
        ge=1,
        description="Copies of every image an epoch, each changed differently; 50 turns the "
        "paper's 14 stacks into 700.",
    )
    denoised: bool = Field(
        default=False,
        description="Train on a denoised copy of every image too (needs denoiser, or only: all).",
    )


class TrainSettings(Settings):
    """Settings of a training; the defaults are the paper's.

    The paper's names are taken too: NetworkDepth, Epochs, LearningRate, Kernel, Rays, PatchX,
    PatchY, PatchZ, GenerateNPZ, TrainUNET, TrainSTAR; so is ``preset`` (``paper``, or ``small``:
    the design of the shipped networks, starting from their weights), values that count where
    nothing else is given.

    References
    ----------
    Kapoor & Carabaña, "Cell tracking in 3D using deep learning segmentations" (SciPy 2021,
    DOI 10.25080/majora-1b6fd038-014), section Network Training.
    """

    only: Only = Field(
        default="both",
        description="Networks to train: one of them, both (StarDist and U-Net) or all.",
    )
    npz_only: bool = Field(
        default=False, description="Write patches.npz, to train from later, and no network."
    )
    depth: int = Field(
        default=3, ge=1, le=6, description="Levels of down-sampling in the networks."
    )
    epochs: int = Field(default=100, ge=1, description="Passes over the patches.")
    learning_rate: float = Field(
        default=1e-4, gt=0, le=1e-2, description="Step size at first; falls to 1 % along a cosine."
    )
    batch_size: int = Field(default=5, ge=1, description="Patches a training step.")
    patch_size: tuple[int, ...] = Field(
        default=(16, 128, 128), description="Voxels of a patch: Z,Y,X; Z is left out for images."
    )
    kernel_size: int = Field(default=3, ge=3, description="Side of the convolutions: 3, 5 or 7.")
    n_patches_per_image: int = Field(default=16, ge=1, description="Patches an image and epoch.")
    min_steps: int = Field(
        default=0,
        ge=0,
        description="Least steps of the whole training: few images give more patches each.",
    )
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
    masked_fraction: float = Field(
        default=0.015,
        gt=0,
        le=0.2,
        description="Part of the voxels that Noise2Void hides and learns to predict.",
    )
    networks: dict[Kind, dict[str, Any]] = Field(
        default_factory=dict,
        description="Settings of one network that differ: {unet: {epochs: 50}, …}.",
    )
    start_from: Path | None = Field(
        default=None,
        description="Model folder of the same design (from btrackmate train) to start from.",
    )
    denoiser: Path | None = Field(
        default=None, description="Model folder that makes the denoised copies (augmentation)."
    )
    validation_split: float = Field(
        default=0.1, gt=0, lt=1, description="Part of the images kept for validation, at least one."
    )
    min_cells: int = Field(
        default=10, ge=1, description="Fewer labelled cells in the training images are refused."
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
    use_gpu_opencl: bool = Field(
        default=False, description="Compute StarDist's targets on the GPU (needs gputools)."
    )
    seed: int = Field(default=0, ge=0, description="Seed of split, patches, changes and weights.")

    @model_validator(mode="before")
    @classmethod
    def _translate(cls, values: Any) -> Any:
        """Take the paper's names and presets."""
        if not isinstance(values, dict):
            return values
        default = cls.model_fields["patch_size"].default
        return apply_preset(translate_names(values, default))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.patch_size) not in (2, 3):
            msg = f"patch_size {self.patch_size} must have 3 numbers (Z,Y,X) or 2 (Y,X)"
            raise ValueError(msg)
        if min(self.patch_size) < 1:
            msg = f"patch_size {self.patch_size} must be numbers of 1 or more"
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
        if self.augmentation.denoised and self.denoiser is None and self.only != "all":
            msg = "denoised copies need a denoiser: give its model folder, or only: all"
            raise ValueError(msg)
        return self._check_networks()

    def _check_networks(self) -> Self:
        shared = {"only", "npz_only", "networks", "preset", "denoiser", "validation_split"}
        shared |= {"norm_low", "norm_high", "repeat", "seed", "min_cells"}
        for kind, values in self.networks.items():
            same = sorted(shared & values.keys())
            if same:
                msg = f"networks: {kind}: {same[0]} is the same for all networks; give it outside"
                raise ValueError(msg)
            self.for_network(kind)
        return self

    @property
    def ndim(self) -> int:
        """Number of dimensions of the images: 3 or 2."""
        return len(self.patch_size)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The networks to train, in their order."""
        if self.only == "all":
            return ("n2v", "stardist", "unet")
        return ("stardist", "unet") if self.only == "both" else (self.only,)

    def for_network(self, kind: Kind) -> "TrainSettings":
        """Return the settings of one network, what `networks` says of it filled in."""
        if kind not in self.networks:
            return self
        values = {name: getattr(self, name) for name in self.model_fields_set - {"networks"}}
        own = dict(self.networks[kind])
        if isinstance(own.get("augmentation"), dict):
            own["augmentation"] = self.augmentation.model_dump() | own["augmentation"]
        return TrainSettings.model_validate(values | own)

    def for_images(self) -> "TrainSettings":
        """Return the settings without Z, for 2D images; networks do not start from 3D ones."""
        if self.ndim == 2:
            return self
        networks = {
            kind: {
                name: value[-2:] if name in ("patch_size", "grid", "anisotropy") else value
                for name, value in values.items()
                if name != "start_from"
            }
            for kind, values in self.networks.items()
        }
        changes: dict[str, Any] = {
            "patch_size": self.patch_size[-2:],
            "grid": self.grid[-2:],
            "anisotropy": None if self.anisotropy is None else self.anisotropy[-2:],
            "networks": networks,
        }
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return TrainSettings.model_validate(values | changes)
