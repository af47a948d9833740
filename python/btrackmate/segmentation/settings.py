"""Settings of the segmentation."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from btrackmate.core.settings import Settings

Pooling = Literal["bbox", "region", "basin", "residual", "off"]
Landscape = Literal["boundary", "probability", "distance", "flat"]
Suppression = Literal["exact", "filtered", "stardist"]
ShapeSource = Literal["stardist", "cellpose", "labels"]
Mode = Literal["both", "stardist", "unet"]


class SegmentationSettings(Settings):
    """Settings of the segmentation (VollSeg); thresholds left out come from the models.

    References
    ----------
    Kapoor & Carabaña, "Cell tracking in 3D using deep learning segmentations" (SciPy 2021,
    DOI 10.25080/majora-1b6fd038-014): seed pooling, marker-controlled watershed.
    """

    mode: Mode = Field(
        default="both", description="Networks to use: both (VollSeg), stardist or unet."
    )
    model_dir: Path | None = Field(
        default=None,
        description="Folder that holds the model folders; the shipped models if left out.",
    )
    stardist: str = Field(default="stardist", description="Name of the StarDist model's folder.")
    unet: str = Field(default="unet", description="Name of the U-Net model's folder.")
    shapes: ShapeSource = Field(
        default="stardist",
        description="What gives the shapes of cells: stardist, cellpose (extra cellpose), or "
        "labels (label images that are there already).",
    )
    cellpose: str = Field(
        default="cpsam", description="Name or file of the Cellpose model, with shapes cellpose."
    )
    shape_labels: Path | None = Field(
        default=None, description="Label images of the shapes, with shapes labels."
    )
    denoise: Path | None = Field(
        default=None,
        description="Folder of a denoising model (train --only n2v, or CARE): the networks see "
        "the denoised image.",
    )
    roi: Path | None = Field(
        default=None,
        description="Mask image outside of which no cells are looked for: one frame or one for "
        "each, 2D or 3D.",
    )
    roi_model: str | None = Field(
        default=None,
        description="Name of a U-Net's folder whose mask limits where cells are looked for.",
    )
    bfloat16: bool = Field(
        default=False,
        description="Let the networks compute in bfloat16: faster on processors that have it, "
        "slightly other values.",
    )
    norm_low: float | None = Field(
        default=None,
        ge=0,
        lt=100,
        description="Percentile of the whole volume that becomes 0; that of the models' training.",
    )
    norm_high: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="Percentile of the whole volume that becomes 1; that of the models' training.",
    )
    prob_thresh: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Least StarDist probability of a cell; the model's if empty.",
    )
    nms_thresh: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Overlap at which StarDist shapes compete; the model's.",
    )
    unet_thresh: float | None = Field(
        default=None,
        description="U-Net value from which a voxel is tissue; the model's, or Otsu's.",
    )
    boundary_thresh: float | None = Field(
        default=None, description="U-Net boundary value that parts cells' interiors; the model's."
    )
    nms: Suppression = Field(
        default="exact",
        description="StarDist's non-maximum suppression: exact (its rule, computed faster), "
        "filtered (only local maxima, 3x3x3, of the probability compete: faster still, a few "
        "other cells), stardist (its own code: many times slower).",
    )
    pooling: Pooling = Field(
        default="region",
        description="Which U-Net regions give extra seeds: bbox (no StarDist seed in the region's "
        "bounding box: the paper's rule), region (none in the region itself), basin (as region, "
        "then the same for regions below two higher boundary values, up to join_thresh: thin "
        "cells), residual (as region, and peaks of the distance transform of the mask less the "
        "StarDist shapes), off.",
    )
    residual_radius: float | None = Field(
        default=None,
        gt=0,
        description="Least distance to the residual's rim of a residual seed, in the "
        "calibration's unit; left out: half the inner radius of the median StarDist shape.",
    )
    rescue_thresh: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Cells that StarDist has no shape for need this StarDist probability somewhere "
        "in them, else they go; 0 keeps all (the paper's rule); if empty the U-Net's, found with "
        "its StarDist, or 0 with other shapes.",
    )
    complete_mask: bool = Field(
        default=True,
        description="Add StarDist shapes to the mask of which it holds less than half, where the "
        "U-Net's foreground is nearly at its threshold.",
    )
    landscape: Landscape = Field(
        default="boundary",
        description="What the watershed floods: boundary (the U-Net's cell boundaries, where it "
        "has them, else -probability), probability (-StarDist probability), distance (-StarDist "
        "distance to the cell's surface, mean over the rays), flat (nothing: voxels go to the "
        "marker from which they are reached first).",
    )
    join_thresh: float | None = Field(
        default=None,
        ge=0,
        description="Neighbouring cells are joined if the U-Net's boundary value, mean over their "
        "common wall, is below this: pieces of one cell; 0 never; the model's if empty.",
    )
    marker_radius: float = Field(
        default=1.0,
        ge=0,
        description="Radius of the markers (balls) in the calibration's unit (µm).",
    )
    min_size: int = Field(default=50, ge=0, description="Smaller cells go, in voxels.")
    max_size: int | None = Field(default=None, gt=0, description="Larger cells go, in voxels.")
    n_tiles: tuple[int, ...] | None = Field(
        default=None, description="Tiles along each axis (Z,Y,X or Y,X); by memory if left out."
    )
    block: tuple[int, ...] | None = Field(
        default=None,
        description="Work in blocks of at most this size (Z,Y,X voxels), so that memory does not "
        "grow with the volume; left out: blocks only for volumes that need them, by memory.",
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        low, high = self.norm_low, self.norm_high
        if low is not None and high is not None and low >= high:
            msg = f"norm_low {self.norm_low} is not below norm_high {self.norm_high}"
            raise ValueError(msg)
        if self.max_size is not None and self.max_size < self.min_size:
            msg = f"max_size {self.max_size} is below min_size {self.min_size}"
            raise ValueError(msg)
        if self.n_tiles is not None and min(self.n_tiles, default=0) < 1:
            msg = f"n_tiles {self.n_tiles} must be numbers of 1 or more, one an axis"
            raise ValueError(msg)
        if (self.shapes == "labels") != (self.shape_labels is not None):
            msg = "shapes 'labels' and shape_labels belong together: give both or neither"
            raise ValueError(msg)
        if self.block is not None and (len(self.block) != 3 or min(self.block) < 1):
            msg = f"block {self.block} must be three numbers of 1 or more, one an axis: Z,Y,X"
            raise ValueError(msg)
        return self
