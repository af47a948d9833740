"""A movie of labels → spots, frame by frame, so that memory does not grow with the movie."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.parallel import count_cores, run_in_order
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.core.words import option
from btrackmate.measurement.extra import Extra, measure_extra
from btrackmate.measurement.frames import FrameSource
from btrackmate.measurement.labels import measure_cells
from btrackmate.measurement.mask import judge_cells, select_tissue
from btrackmate.measurement.outlines import trace_outlines
from btrackmate.measurement.runs import find_runs
from btrackmate.measurement.settings import MeasureSettings
from btrackmate.measurement.tissue import Tissue, check_mask_length, check_tissues

_log = logging.getLogger(__name__)

Kept = TypeVar("Kept")


@dataclass(frozen=True, eq=False)
class FrameMeasurement:
    """The cells of one frame; plain tables that can be stored and combined later.

    Parameters
    ----------
    spots : DataFrame
        Cells that are kept, ascending by label: frame and the columns of
        :func:`btrackmate.measurement.labels.measure_frame`; with a mask also tissue,
        tissue_fraction and boundary_distance.
    dropped : DataFrame
        Cells that the mask dropped: frame, label, voxels, x, y, z, tissue, tissue_fraction, reason.
    disconnected : DataFrame
        Kept cells in several pieces: frame, label, components, voxels, x, y, z.
    outlines : DataFrame
        Corners of the outlines of kept 2D cells, one after the other: frame, label, x, y; empty in
        3D.
    """

    spots: pd.DataFrame
    dropped: pd.DataFrame
    disconnected: pd.DataFrame
    outlines: pd.DataFrame


@dataclass(frozen=True, eq=False)
class MeasureResult:
    """The cells of a movie.

    Parameters
    ----------
    spots : Spots
        Ids from 0, by frame, then label.
    dropped, disconnected : DataFrame
        As in :class:`FrameMeasurement`, of all frames.
    """

    spots: Spots
    dropped: pd.DataFrame
    disconnected: pd.DataFrame


_DROPPED = {"frame": "i8", "label": "i8", "voxels": "i8", "x": "f8", "y": "f8", "z": "f8",
            "tissue": "i8", "tissue_fraction": "f8", "reason": "O"}  # fmt: skip
_OUTLINES = {"frame": "i8", "label": "i8", "x": "f8", "y": "f8"}
_DISCONNECTED = ["frame", "label", "components", "voxels", "x", "y", "z"]


def measure_one_frame(
    t: int,
    labels: NDArray[Any],
    image: NDArray[Any] | None,
    tissue: Tissue | None,
    calibration: Calibration,
    settings: MeasureSettings,
) -> FrameMeasurement:
    """Measure the cells of one frame and let the tissue mask decide on them.

    Parameters
    ----------
    t : int
        Frame, from 0.
    labels : (Z, Y, X) or (Y, X) ndarray of int, 0 is background
        Label image.
    image : (C, Z, Y, X) or (C, Y, X) ndarray, optional
        Intensities.
    tissue : Tissue, optional
        The mask; of a static one, the same object for every frame saves its distance map.
    calibration : Calibration
        Voxel size.
    settings : MeasureSettings
        What is measured, and the mask's policy.

    Raises
    ------
    UserError
        If the labels, image or mask are of a wrong type or shape, or the image holds NaN.
    """
    where = f"frame {t}"
    cells = find_runs(labels, f"labels, {where}")
    if tissue is None:
        spots = measure_cells(cells, image, calibration, settings, where)
        dropped = pd.DataFrame({name: np.empty(0, kind) for name, kind in _DROPPED.items()})
    else:
        judged = judge_cells(cells, tissue.mask, settings.mask, where)
        kept = (judged["reason"] == "").to_numpy()
        if settings.mask.policy == "clip":
            inside = select_tissue(tissue.mask, settings.mask)
            clipped = np.where(inside, labels, labels.dtype.type(0))
            labels = clipped
            cells = find_runs(labels, f"labels, {where}")
            spots = measure_cells(cells, image, calibration, settings, where)
        else:
            spots = measure_cells(cells, image, calibration, settings, where)[kept]
            spots = spots.reset_index(drop=True)
        spots["tissue"] = judged["tissue"].to_numpy()[kept]
        spots["tissue_fraction"] = judged["tissue_fraction"].to_numpy()[kept]
        if settings.boundary_distance:
            spots["boundary_distance"] = tissue.distance_at(spots[["x", "y", "z"]].to_numpy())
        dropped = _list_dropped(t, judged[~kept], calibration, labels.ndim)
    spots.insert(0, "frame", np.full(len(spots), t, np.int64))
    disconnected = pd.DataFrame(columns=_DISCONNECTED, dtype=np.int64)
    if "components" in spots:
        disconnected = spots.loc[spots["components"] > 1, _DISCONNECTED].reset_index(drop=True)
    outlines = _trace_kept(labels, spots, calibration, settings)
    return FrameMeasurement(spots, dropped, disconnected, outlines)


def _trace_kept(
    labels: NDArray[Any], spots: pd.DataFrame, calibration: Calibration, settings: MeasureSettings
) -> pd.DataFrame:
    """Trace the outlines of the cells that are kept, in 2D."""
    if labels.ndim != 2 or not settings.outlines or not len(spots):
        return pd.DataFrame({name: np.empty(0, kind) for name, kind in _OUTLINES.items()})
    traced = trace_outlines(labels, calibration)
    traced = traced[np.isin(traced["label"], spots["label"])]
    return traced.assign(frame=spots["frame"].iloc[0])[list(_OUTLINES)].astype(_OUTLINES)


def _list_dropped(
    t: int, judged: pd.DataFrame, calibration: Calibration, ndim: int
) -> pd.DataFrame:
    table = judged.assign(
        frame=t,
        x=judged["x_voxel"] * calibration.dx,
        y=judged["y_voxel"] * calibration.dy,
        z=judged["z_voxel"] * (calibration.dz if ndim == 3 else 0.0),
    )
    return table[list(_DROPPED)].astype(_DROPPED).reset_index(drop=True)


def combine_frames(
    frames: Iterable[FrameMeasurement], calibration: Calibration, *, ndim: int, n_frames: int
) -> MeasureResult:
    """Join the frames of a movie; spot ids are given here, by frame, then label.

    Parameters
    ----------
    frames : iterable of FrameMeasurement
        One a frame, in any order.
    calibration : Calibration
        Voxel size and time step.
    ndim : int
        Space dimensions, 2 or 3.
    n_frames : int
        Length of the movie.
    """
    measured = list(frames)
    spots = _join([frame.spots for frame in measured])
    if "frame" not in spots:
        spots = pd.DataFrame({name: np.empty(0) for name in ("frame", "label", "x", "y", "z")})
    spots = spots.sort_values(["frame", "label"], ignore_index=True)
    dropped = _join([frame.dropped for frame in measured])
    disconnected = _join([frame.disconnected for frame in measured])
    if len(dropped):
        dropped = dropped.sort_values(["frame", "label"], ignore_index=True)
    if len(disconnected):
        disconnected = disconnected.sort_values(["frame", "label"], ignore_index=True)
        _log.warning(
            "%d labels are in several pieces, the first is label %d in frame %d; each is one spot",
            len(disconnected), disconnected["label"].iloc[0], disconnected["frame"].iloc[0],
        )  # fmt: skip
    table = Spots.from_table(
        spots, calibration, ndim=ndim, n_frames=n_frames, source="measured spots"
    )
    contours = _make_contours(table, _join([frame.outlines for frame in measured]))
    return MeasureResult(replace(table, contours=contours), dropped, disconnected)


def _make_contours(spots: Spots, outlines: pd.DataFrame) -> dict[int, NDArray[np.float64]]:
    """Give each spot its outline, relative to its position."""
    if not len(outlines):
        return {}
    names = ["frame", "label"]
    begins = (outlines[names].diff() != 0).any(axis=1).to_numpy()
    first = np.flatnonzero(begins)
    index = pd.MultiIndex.from_frame(spots.table[names])
    rows = index.get_indexer(pd.MultiIndex.from_frame(outlines.loc[begins, names]))
    points = np.split(outlines[["x", "y"]].to_numpy(), first[1:])
    ids, positions = spots.id[rows].tolist(), spots.positions[rows, :2]
    return {i: part - centre for i, part, centre in zip(ids, points, positions, strict=True)}


def _join(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate; empty tables only count where all are empty, so that types stay."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled or tables[:1] or [pd.DataFrame()], ignore_index=True)


class FrameMeasurer:
    """Measures single frames of a movie beside its image and mask; threads can share it.

    Parameters
    ----------
    image : FrameSource or None
        Intensities, (C, Z, Y, X) or (C, Y, X) a frame.
    mask : FrameSource or None
        Tissue ids, one frame (static) or one for each frame.
    calibration : Calibration
        Voxel size and time step.
    settings : MeasureSettings
        What is measured, and the mask's policy.
    extra : mapping from str to callable, optional
        The user's own features, see :func:`btrackmate.measurement.extra.measure_extra`; they see
        all voxels of a cell, under the policy ``clip`` too.
    measure : callable
        Measures one frame; takes and gives what :func:`measure_one_frame` does.
    """

    def __init__(
        self,
        image: FrameSource | None,
        mask: FrameSource | None,
        calibration: Calibration,
        settings: MeasureSettings,
        extra: Extra | None = None,
        measure: Callable[..., FrameMeasurement] = measure_one_frame,
    ) -> None:
        self._measure = measure
        self.calibration = calibration
        self.settings = settings
        self._image, self._mask = image, mask
        self._extra = extra
        self._static: Tissue | None = None
        if mask is not None and mask.n_frames == 1:
            self._static = Tissue(mask.frame(0), calibration, settings)
            if settings.boundary_distance:
                _ = self._static.distance  # made here once, before threads ask for it

    def measure(
        self, t: int, labels: NDArray[Any], channels: NDArray[Any] | None = None
    ) -> FrameMeasurement:
        """Measure the cells of frame t.

        Parameters
        ----------
        t : int
        labels : (Z, Y, X) or (Y, X) ndarray of int, 0 is background
        channels : (C, Z, Y, X) or (C, Y, X) ndarray, optional
            The frame's intensities, where they are at hand; else read from the image.

        Raises
        ------
        UserError
            If :func:`measure_one_frame` refuses the frame.
        """
        if channels is None and self._image is not None:
            channels = self._image.frame(t)
        tissue = self._static
        if tissue is None and self._mask is not None:
            tissue = Tissue(self._mask.frame(t), self.calibration, self.settings)
        found = self._measure(t, labels, channels, tissue, self.calibration, self.settings)
        if not self._extra:
            return found
        spots = measure_extra(labels, channels, found.spots, self._extra, f"frame {t}")
        return replace(found, spots=spots)


def measure_frames(
    labels: FrameSource,
    measurer: FrameMeasurer,
    frames: Sequence[int],
    keep: Callable[[int, FrameMeasurement], Kept],
    *,
    workers: int | None = None,
    progress: Progress = ignore_progress,
) -> Iterator[Kept]:
    """Measure frames of a movie of labels, several at a time, and yield what is kept of each.

    Parameters
    ----------
    labels : FrameSource
        Label images, (Z, Y, X) or (Y, X) a frame.
    measurer : FrameMeasurer
    frames : sequence of int
        Which frames; the others count as done.
    keep : callable
        Takes a frame's number and cells, in a thread; what it returns is yielded, in order.
    workers : int, optional
        Frames measured at a time, in threads; the result does not depend on it. None: as many as
        there are cores.
    progress : Progress
        Called after each frame.

    Raises
    ------
    UserError
        If :func:`measure_one_frame` refuses a frame.
    """

    def work(t: int) -> Kept:
        return keep(t, measurer.measure(t, labels.frame(t)))

    done = labels.n_frames - len(frames)
    for kept in run_in_order(work, frames, workers or count_cores()):
        done += 1
        progress("measuring", done, labels.n_frames)
        yield kept


def measure_movie(
    labels: FrameSource,
    image: FrameSource | None,
    mask: FrameSource | None,
    calibration: Calibration,
    settings: MeasureSettings,
    *,
    extra: Extra | None = None,
    progress: Progress = ignore_progress,
    workers: int | None = 1,
) -> MeasureResult:
    """Measure the cells of a movie.

    Parameters
    ----------
    labels : FrameSource
        Label images, (Z, Y, X) or (Y, X) a frame.
    image, mask, calibration, settings, extra
        As :class:`FrameMeasurer` takes them; image and mask as long as `labels`, or the mask one
        frame.
    progress, workers
        As :func:`measure_frames` takes them.

    Raises
    ------
    UserError
        If the lengths differ, the mask has no tissue that is asked for, or
        :func:`measure_one_frame` refuses a frame.
    """
    _check_lengths(labels, image, mask)
    if mask is not None:
        check_tissues(mask, settings.mask)
    n = labels.n_frames
    measurer = FrameMeasurer(image, mask, calibration, settings, extra)
    results = measure_frames(
        labels, measurer, range(n), lambda _, found: found, workers=workers, progress=progress
    )
    return combine_frames(results, calibration, ndim=labels.ndim, n_frames=n)


def _check_lengths(
    labels: FrameSource, image: FrameSource | None, mask: FrameSource | None
) -> None:
    if image is not None and image.n_frames != labels.n_frames:
        msg = f"the image has {image.n_frames} frames, the labels {labels.n_frames}; expected the "
        msg += f"same number, check {option('axes')}"
        raise UserError(msg)
    if mask is not None:
        check_mask_length(mask, labels.n_frames)
