"""A tissue mask with its distance map, and what it makes of spots without labels."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.core.words import is_command_line, option
from btrackmate.measurement.boundary import measure_distance, sample_distance
from btrackmate.measurement.frames import FrameSource
from btrackmate.measurement.mask import check_mask, judge_points, select_tissue
from btrackmate.measurement.settings import MaskSettings, MeasureSettings

_log = logging.getLogger(__name__)

#: Ids of tissues that a message names.
_MOST_NAMED = 10


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
        If the policy is another one, the mask's length or type does not fit, or it has no tissue
        that is asked for.
    """
    check_mask_length(mask, spots.n_frames)
    check_tissues(mask, settings.mask)
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


def check_tissues(mask: FrameSource, settings: MaskSettings) -> None:
    """Refuse a mask without any tissue that is asked for; warn of some that it lacks.

    Frames are read up to that in which the last tissue is found, usually the first.

    Parameters
    ----------
    mask : FrameSource
        Tissue ids.
    settings : MaskSettings
        Which of them count.

    Raises
    ------
    UserError
        If every cell would be dropped; names the mask's ids.
    """
    if settings.tissues is None:
        return
    asked, found = set(settings.tissues) - {0}, set[int]()
    for t in range(mask.n_frames):
        frame = mask.frame(t)
        found.update(np.unique(check_mask(frame, frame.shape, f"frame {t}")).tolist())
        if asked and asked <= found:
            return
    ids = found - {0}
    told = f"it has {_list_ids(ids)}" if ids else "it has none at all"
    if not asked & ids:
        msg = f"the tissue mask has no tissue {_list_ids(settings.tissues)}, so that no cell would "
        msg += f"be left; {told}"
        if ids:
            msg += f": give {_name_tissues(ids)}, or leave it out, which counts all"
        raise UserError(msg)
    _log.warning("the tissue mask has no tissue %s; %s", _list_ids(asked - ids), told)


def _list_ids(ids: Iterable[int]) -> str:
    every = sorted(ids)
    shown = ", ".join(map(str, every[:_MOST_NAMED])) or "(none is named)"
    more = len(every) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _name_tissues(ids: Iterable[int]) -> str:
    """Name the option that counts these tissues."""
    shown = ",".join(map(str, sorted(ids)[:_MOST_NAMED]))
    return option("mask_tissues", shown) if is_command_line() else option("tissues", f"{shown},")
