"""A tissue mask with its distance map, and what it makes of spots without labels."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.measurement.boundary import measure_distance, sample_distance
from btrackmate.measurement.frames import FrameSource
from btrackmate.measurement.mask import check_mask, judge_points, select_tissue
from btrackmate.measurement.settings import MeasureSettings


@dataclass(frozen=True, eq=False)
class Tissue:
    """A tissue mask of one frame or, static, of all; its distance map is made once.

    Parameters
    ----------
    mask : (Z, Y, X) or (Y, X) ndarray of int or bool, 0 is outside
        Tissue ids; (Y, X) holds for every plane.
    calibration : Calibration
        Voxel size.
    settings : MeasureSettings
        Which tissues count, and what the surface is.
    """

    mask: NDArray[Any]
    calibration: Calibration
    settings: MeasureSettings

    def __post_init__(self) -> None:
        check_mask(self.mask, self.mask.shape, "all frames")

    @cached_property
    def distance(self) -> NDArray[np.float64]:
        """Signed distance to the surface of the counted tissue, of the mask's shape."""
        mask = self.mask[0] if self.mask.ndim == 3 and len(self.mask) == 1 else self.mask
        return measure_distance(
            select_tissue(mask, self.settings.mask),
            self.calibration.spacing(mask.ndim),
            border_is_surface=self.settings.border_is_surface,
        )

    def distance_at(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Signed distance at points x, y, z, (n, 3) → (n,); see :func:`sample_distance`."""
        return sample_distance(self.distance, positions, self.calibration)


def mask_spots(
    spots: Spots, mask: FrameSource, settings: MeasureSettings
) -> tuple[Spots, pd.DataFrame]:
    """Let a tissue mask decide on spots that have no labels (from a CSV); policy centroid only.

    Parameters
    ----------
    spots : Spots
        The spots.
    mask : FrameSource
        Tissue ids, one frame (static) or as many as the movie; of the spots' voxel size.
    settings : MeasureSettings
        The policy; whether the distance to the surface is measured.

    Returns
    -------
    spots : Spots
        Those in tissue, with the columns tissue and boundary_distance.
    dropped : DataFrame
        The others: id, frame, x, y, z, tissue (0) and reason (``centroid_outside``, or
        ``outside_image``).

    Raises
    ------
    UserError
        If the policy is another one, or the mask's length or type does not fit.
    """
    check_mask_length(mask, spots.n_frames)
    tissue = np.zeros(len(spots), np.int64)
    reason = np.full(len(spots), "", dtype=object)
    distance = np.full(len(spots), np.nan)
    offsets = spots.frame_offsets
    positions = spots.positions
    frame: Tissue | None = None
    for t in spots.occupied_frames.tolist():
        if frame is None or mask.n_frames > 1:
            frame = Tissue(mask.frame(t), spots.calibration, settings)
        rows = slice(offsets[t], offsets[t + 1])
        tissue[rows], reason[rows] = judge_points(
            positions[rows], frame.mask, spots.calibration, settings.mask, f"frame {t}"
        )
        if settings.boundary_distance:
            distance[rows] = frame.distance_at(positions[rows])
    columns: dict[str, NDArray[Any]] = {"tissue": tissue}
    if settings.boundary_distance:
        columns["boundary_distance"] = distance
    kept = reason == ""
    table = spots.with_columns(columns).table.assign(reason=reason)[~kept]
    names = ["id", "frame", "x", "y", "z", "tissue", "reason"]
    return spots.with_columns(columns).take(kept), table[names].reset_index(drop=True)


def check_mask_length(mask: FrameSource, n_frames: int) -> None:
    """Refuse a mask that has neither one frame nor as many as the movie."""
    if mask.n_frames not in (1, n_frames):
        msg = (
            f"the tissue mask has {mask.n_frames} frames, the movie {n_frames}; expected as many, "
        )
        msg += "or one for all frames"
        raise UserError(msg)
