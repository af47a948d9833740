"""Which cells a tissue mask keeps, and why the others go."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.compiled import njit
from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.io.label_values import MAX_LABEL
from btrackmate.measurement.runs import CELL, ROW, START, STOP, LabelRuns, find_runs
from btrackmate.measurement.settings import MaskSettings

#: Reasons for which a cell is dropped.
OUTSIDE = "outside"
CENTROID_OUTSIDE = "centroid_outside"
FRACTION_BELOW = "fraction_below"
OUTSIDE_IMAGE = "outside_image"


@dataclass(frozen=True, eq=False)
class MaskResult:
    """What a tissue mask made of the cells of one frame.

    Parameters
    ----------
    labels : ndarray of int
        The labels as they go on: those given, or clipped ones under policy ``clip``. Dropped cells
        are still in it unless clipped away; `table` says which they are.
    table : DataFrame
        One row a cell, ascending by label: label, voxels (before clipping), z_voxel, y_voxel,
        x_voxel (centroid in voxels, before clipping), tissue (id of the counted tissue that holds
        most of its voxels, 0 for none), tissue_fraction (voxels in counted tissue / voxels) and
        reason (empty for a cell that is kept, else ``outside``, ``centroid_outside`` or
        ``fraction_below``).
    """

    labels: NDArray[Any]
    table: pd.DataFrame

    @property
    def kept(self) -> pd.DataFrame:
        """Rows of the cells that are kept."""
        return self.table[self.table["reason"] == ""]

    @property
    def dropped(self) -> pd.DataFrame:
        """Rows of the cells that go."""
        return self.table[self.table["reason"] != ""]


def apply_mask(
    labels: NDArray[Any], mask: NDArray[Any], settings: MaskSettings, where: str = "frame 0"
) -> MaskResult:
    """Decide which cells of one frame the tissue mask keeps.

    Parameters
    ----------
    labels : (Z, Y, X) or (Y, X) ndarray of int, 0 is background
        Label image; not changed.
    mask : ndarray of int or bool, 0 is outside
        Tissue ids, of the labels' shape; for 3D labels also (Y, X), which holds for every plane.
    settings : MaskSettings
        The policy.
    where : str
        Which frame it is, for messages.

    Raises
    ------
    UserError
        If the mask has another shape or no integers, or the labels are no label image.
    """
    cells = find_runs(labels, f"labels, {where}")
    table = judge_cells(cells, mask, settings, where)
    if settings.policy == "clip":
        labels = np.where(select_tissue(mask, settings), labels, labels.dtype.type(0))
    return MaskResult(labels, table)


def judge_cells(
    cells: LabelRuns, mask: NDArray[Any], settings: MaskSettings, where: str
) -> pd.DataFrame:
    """Make the table of :class:`MaskResult` for cells whose runs are known."""
    mask = check_mask(mask, cells.shape, where)
    tissue, inside = _count_tissue(cells, mask, settings)
    fraction = inside / cells.voxels
    reason = np.full(len(cells), "", dtype=object)
    if settings.policy == "centroid":
        reason[~_is_centroid_inside(cells, mask, settings)] = CENTROID_OUTSIDE
    elif settings.policy == "fraction":
        reason[fraction < settings.fraction - 1e-9] = FRACTION_BELOW
    reason[inside == 0] = OUTSIDE
    columns = {
        "label": cells.labels,
        "voxels": cells.voxels,
        "x_voxel": cells.centroid[:, 2],
        "y_voxel": cells.centroid[:, 1],
        "z_voxel": cells.centroid[:, 0],
        "tissue": tissue,
        "tissue_fraction": fraction,
        "reason": reason,
    }
    return pd.DataFrame({name: values[cells.order] for name, values in columns.items()})


def check_mask(mask: NDArray[Any], shape: tuple[int, ...], where: str) -> NDArray[Any]:
    """Check a mask against the labels' shape; drop a single plane that holds for all.

    Returns
    -------
    (Z, Y, X) or (Y, X) ndarray of unsigned int

    Raises
    ------
    UserError
        If the mask has another shape, or its values are not integers or out of range.
    """
    if mask.dtype.kind not in "biu":
        msg = f"tissue mask, {where}: values of type {mask.dtype}, expected integers (0 outside, "
        msg += "else a tissue id); save the mask as an 8-, 16- or 32-bit label image"
        raise UserError(msg)
    if mask.ndim not in (2, 3):
        msg = f"tissue mask, {where}: shape {mask.shape}, expected (Z, Y, X) or (Y, X); check its "
        msg += "axes"
        raise UserError(msg)
    if mask.ndim == 3 and len(mask) == 1 and len(shape) == 3:
        mask = mask[0]
    if mask.shape not in (shape, shape[-2:]):
        msg = f"tissue mask, {where}: shape {mask.shape}, but the labels have {shape}; expected "
        msg += "the same voxels, or one (Y, X) plane for all z; check that both are of one movie"
        raise UserError(msg)
    dtype = np.dtype(f"u{mask.dtype.itemsize}")
    if (mask.dtype.kind == "i" or dtype.itemsize == 8) and mask.size:
        low, high = int(mask.min()), int(mask.max())
        if low < 0 or high > MAX_LABEL:
            value = low if low < 0 else high
            msg = f"tissue mask, {where}: value {value}, expected tissue ids from 1 to {MAX_LABEL} "
            msg += "and 0 outside; correct the mask"
            raise UserError(msg)
    return np.ascontiguousarray(mask, mask.dtype.newbyteorder("=")).view(dtype)


def select_tissue(mask: NDArray[Any], settings: MaskSettings) -> NDArray[np.bool_]:
    """Tell which voxels of a mask are counted tissue."""
    if settings.tissues is None:
        counted: NDArray[np.bool_] = mask != 0
        return counted
    return np.isin(mask, [tissue for tissue in settings.tissues if tissue != 0])


def judge_points(
    positions: NDArray[np.float64], mask: NDArray[Any], calibration: Calibration,
    settings: MaskSettings, where: str = "frame 0",
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:  # fmt: skip
    """Decide which points of one frame lie in tissue (spots without labels: policy centroid).

    Parameters
    ----------
    positions : (n, 3) ndarray of float
        x, y, z in `calibration.space_unit`.
    mask : (Z, Y, X) or (Y, X) ndarray of int or bool, 0 is outside
        Tissue ids; (Y, X) holds for every z.
    calibration : Calibration
        Voxel size of the mask.
    settings : MaskSettings
        Its policy must be ``centroid``.
    where : str
        Which frame it is, for messages.

    Returns
    -------
    tissue : (n,) ndarray of int
        Tissue id at the voxel nearest to each point, 0 for none.
    reason : (n,) ndarray of str
        Empty for a point that is kept, else ``centroid_outside``, or ``outside_image``.

    Raises
    ------
    UserError
        If the policy needs voxels, or the mask holds no integers.
    """
    if settings.policy != "centroid":
        msg = f"mask policy {settings.policy!r} needs label images, but there are only positions "
        msg += f"of cells; choose {option('mask_policy', 'centroid')}, or give {option('labels')}"
        raise UserError(msg)
    mask = check_mask(mask, mask.shape, where)
    spacing = np.array(calibration.spacing(mask.ndim))
    voxel = np.floor(positions[:, 2::-1][:, 3 - mask.ndim :] / spacing + 0.5)
    known = ((voxel >= 0) & (voxel < mask.shape)).all(axis=1)
    tissue = np.zeros(len(positions), np.int64)
    tissue[known] = mask[tuple(voxel[known].astype(np.int64).T)]
    if settings.tissues is not None:
        tissue[~np.isin(tissue, settings.tissues)] = 0
    reason = np.full(len(positions), "", dtype=object)
    reason[tissue == 0] = CENTROID_OUTSIDE
    reason[~known] = OUTSIDE_IMAGE
    return tissue, reason


def _is_centroid_inside(
    cells: LabelRuns, mask: NDArray[Any], settings: MaskSettings
) -> NDArray[np.bool_]:
    voxel = cells.nearest_voxel[:, 3 - mask.ndim :]
    return select_tissue(mask[tuple(voxel.T)], settings)


def _count_tissue(
    cells: LabelRuns, mask: NDArray[Any], settings: MaskSettings
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the tissue with most of each cell's voxels (tie: lower id), and the voxels in all."""
    flat = mask.reshape(-1)
    flat.flags.writeable = False  # one compiled function for arrays that may be written or not
    rows = mask.size // mask.shape[-1] if mask.size else 1
    pieces = np.empty((2 * len(cells) + 4096, 3), np.int64)
    used = _count_overlaps(cells.runs, rows, cells.shape[-1], flat, len(cells), pieces)
    while used < 0:
        pieces = np.empty((4 * len(pieces), 3), np.int64)
        used = _count_overlaps(cells.runs, rows, cells.shape[-1], flat, len(cells), pieces)
    pieces = pieces[:used]
    if settings.tissues is not None:
        pieces = pieces[np.isin(pieces[:, 1], settings.tissues)]
    order = np.lexsort((pieces[:, 1], pieces[:, 0]))
    cell, tissue, count = pieces[order].T
    first = np.flatnonzero(np.diff(cell, prepend=-1) | np.diff(tissue, prepend=-1))
    cell, tissue = cell[first], tissue[first]
    count = np.add.reduceat(count, first) if first.size else count
    inside = np.zeros(len(cells), np.int64)
    np.add.at(inside, cell, count)
    # Ascending by count, then by descending id: the last one written wins.
    best = np.zeros(len(cells), np.int64)
    order = np.lexsort((-tissue, count))
    best[cell[order]] = tissue[order]
    return best, inside


@njit(cache=True, nogil=True)
def _count_overlaps(runs: Any, rows: int, width: int, mask: Any, n_cells: int, pieces: Any) -> int:
    """List overlaps as (cell, tissue, voxels); a mask of fewer rows repeats over z.

    A cell's voxels are added up as long as its tissue stays the same, so that the list is short;
    a pair may stand in it several times. Gives its length, −1 if there is no room for it.
    """
    used = 0
    current = np.zeros(n_cells, np.int64)
    count = np.zeros(n_cells, np.int64)
    for k in range(len(runs)):
        cell = runs[k, CELL]
        base = np.int64(runs[k, ROW] % rows) * width
        j = base + runs[k, START]
        end = base + runs[k, STOP]
        while j < end:
            tissue = mask[j]
            begin = j
            while j < end and mask[j] == tissue:
                j += 1
            if tissue == 0:
                continue
            if current[cell] != tissue:
                if used + n_cells >= len(pieces):
                    return -1
                if current[cell] != 0:
                    pieces[used, 0] = cell
                    pieces[used, 1] = current[cell]
                    pieces[used, 2] = count[cell]
                    used += 1
                current[cell] = tissue
                count[cell] = 0
            count[cell] += j - begin
    for cell in range(n_cells):
        if current[cell] != 0:
            pieces[used, 0] = cell
            pieces[used, 1] = current[cell]
            pieces[used, 2] = count[cell]
            used += 1
    return used
