"""Arrays to label images and spots."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from btrackmate import __version__
from btrackmate.api.calibration import calibrate
from btrackmate.core.array_files import find_files
from btrackmate.core.arrays import ArrayMovie, read_array
from btrackmate.core.axes import FROM_ZERO
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.core.watching import watch_inputs
from btrackmate.io.units import convert, normalise_space_unit, normalise_time_unit
from btrackmate.measurement.settings import MaskSettings, MeasureSettings
from btrackmate.segmentation.settings import SegmentationSettings

if TYPE_CHECKING:
    from btrackmate.measurement.extra import Extra

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Label images, and where each cell comes from.

    Parameters
    ----------
    labels : (T, [Z,] Y, X) ndarray of uint32, 0 is background
    cells : DataFrame
        One row a cell: frame, label, z, y, x (its seed, in voxels), origin, score, voxels,
        agreement.
    calibration : Calibration
    record : mapping
        Version and settings.
    """

    labels: NDArray[np.uint32]
    cells: pd.DataFrame
    calibration: Calibration
    record: Mapping[str, Any] = field(default_factory=dict)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.labels, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        """Describe it in one line."""
        shape = " × ".join(map(str, self.labels.shape))
        return f"<Segmentation: {len(self.cells)} cells in {shape} voxels (t × z × y × x)>"


def segment(
    image: ArrayLike,
    *,
    axes: str | None = None,
    channel: int = 1,
    voxel_size: tuple[float, ...] | None = None,
    space_unit: str | None = None,
    progress: Progress = ignore_progress,
    **settings: Any,
) -> Segmentation:
    """Segment the cells of a movie or a volume with VollSeg.

    Parameters
    ----------
    image : (T, Z, Y, X) or (T, C, Z, Y, X) array
        Other axes with `axes`; an xarray names its own.
    axes : str, optional
        One letter of T, C, Z, Y, X for each dimension.
    channel : int
        Which one to segment, from 1.
    voxel_size : tuple of float, optional
        Z, Y, X (2D: Y, X) in `space_unit`; markers have their size in it.
    space_unit : str, optional
        Unit of `voxel_size`, else µm; or of an xarray's coordinates that name none.
    progress : callable
        Called with step, done and total.
    **settings
        Fields of :class:`btrackmate.segmentation.settings.SegmentationSettings`, e.g.
        ``model_dir="models/mine"``, ``min_size=50``.

    Returns
    -------
    Segmentation

    Raises
    ------
    UserError
        If an argument is wrong or does not fit the image or the models, or the files of a Zarr
        array are changed while it is read.
    """
    from btrackmate.io.images import view_array
    from btrackmate.pipeline.frames import SegmentationJob
    from btrackmate.pipeline.inputs import MovieFrames
    from btrackmate.segmentation import load_models
    from btrackmate.segmentation.result import join_cells

    chosen = SegmentationSettings.parse(settings, "segment")
    movie = read_array(image, "image", axes, voxel_size)
    calibration = calibrate(movie, voxel_size, space_unit, None, None)
    n_channels = movie.array.shape[movie.axes.index("C")] if "C" in movie.axes else 1
    if not 1 <= channel <= n_channels:
        msg = f"channel is {channel}, but the image has {n_channels}; they are counted from 1"
        raise UserError(msg)
    view = view_array(movie, calibration)
    frames = MovieFrames(view, view.ndim)
    job = SegmentationJob.open(frames, channel, chosen, load_models(chosen))
    labels, tables = [], []
    with watch_inputs(*find_files(image)):
        for t in range(movie.n_frames):
            found = job.segment(t)
            labels.append(found.labels if found.labels.ndim == movie.ndim else found.labels[None])
            tables.append(found.cells.assign(frame=t))
            progress("segmenting", t + 1, movie.n_frames)
    record = note_step("segment", {"channel": channel, **chosen.model_dump(mode="json")})
    return Segmentation(np.stack(labels), join_cells(tables, "frame"), calibration, record)


def measure(
    labels: "ArrayLike | Segmentation",
    image: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    *,
    axes: str | None = None,
    image_axes: str | None = None,
    mask_axes: str | None = None,
    voxel_size: tuple[float, ...] | None = None,
    dt: float | timedelta | None = None,
    space_unit: str | None = None,
    time_unit: str | None = None,
    mask_policy: str = "keep-touching",
    extra: "Extra | None" = None,
    progress: Progress = ignore_progress,
    **settings: Any,
) -> Spots:
    """Measure the cells of label images: one spot a label and frame.

    Parameters
    ----------
    labels : (T, Z, Y, X) array of int, 0 is background, or Segmentation
        Other axes with `axes`. Every id in a frame is one cell.
    image : (T, Z, Y, X) or (T, C, Z, Y, X) array, optional
        Intensities of the same voxels.
    mask : array, optional
        Tissue ids, (Z, Y, X) for all frames or (T, Z, Y, X); see `mask_policy`.
    axes, image_axes, mask_axes : str, optional
        One letter of T, C, Z, Y, X for each dimension; those of image and mask follow from the
        labels where they have their shape.
    voxel_size : tuple of float, optional
        Z, Y, X (2D: Y, X) in `space_unit`; else an xarray's coordinates, else 1 pixel.
    dt : float or timedelta, optional
        Time between frames in `time_unit`.
    space_unit, time_unit : str, optional
        Units of `voxel_size` and `dt`, else µm and s; or of an xarray's coordinates that name none.
    mask_policy : {"keep-touching", "centroid", "fraction", "clip"}
        Which cells the tissue mask keeps.
    extra : mapping from str to callable, optional
        Your own features: ``{"name": function}`` with ``function(region)`` or
        ``function(region, intensity)``, as scikit-image's ``extra_properties``; see
        :func:`btrackmate.measurement.extra.measure_extra`.
    progress : callable
        Called with step, done and total.
    **settings
        Further fields of :class:`btrackmate.measurement.settings.MeasureSettings`, and of its mask
        (``fraction``, ``tissues``).

    Returns
    -------
    Spots
        Positions and radii in `space_unit`; `dropped` cells of the mask are counted in its record.

    Raises
    ------
    UserError
        If an argument is wrong, the arrays don't fit each other, or the files of a Zarr array are
        changed while it is read.

    Examples
    --------
    Two cubes, 2 voxels wide, that move by one voxel in x:

    >>> import numpy as np
    >>> labels = np.zeros((2, 4, 8, 8), int)
    >>> labels[0, 1:3, 1:3, 1:3] = 1
    >>> labels[1, 1:3, 1:3, 2:4] = 1
    >>> spots = measure(labels, voxel_size=(2, 0.5, 0.5), dt=30)
    >>> spots
    <Spots: 2 spots in 2 frames, 3D, voxel 2 × 0.5 × 0.5 µm (z × y × x), every 30 sec>
    >>> spots.to_dataframe()[["frame", "time", "x", "y", "z", "volume"]]
       frame  time     x     y    z  volume
    0      0   0.0  0.75  0.75  3.0     4.0
    1      1  30.0  1.25  0.75  3.0     4.0
    """
    from btrackmate.measurement.movie import measure_movie

    own = MaskSettings.model_fields.keys() & settings.keys()
    chosen = MeasureSettings.parse(
        {
            **{name: value for name, value in settings.items() if name not in own},
            "mask": {"policy": mask_policy, **{name: settings[name] for name in own}},
        },
        "measure",
    )
    chosen.mask.check_fraction(settings.get("fraction"))
    _refuse_without(image, "image", image_axes=image_axes)
    _refuse_without(mask, "mask", mask_axes=mask_axes, **{name: settings[name] for name in own})
    if mask_policy != "keep-touching":
        _refuse_without(mask, "mask", mask_policy=mask_policy)
    cells = read_labels(labels, axes, voxel_size)
    record = dict(labels.record) if isinstance(labels, Segmentation) else {}
    shape, theirs = cells.array.shape, cells.axes
    pixels = None if image is None else _read_beside(image, "image", image_axes, shape, theirs)
    tissue = None if mask is None else _read_beside(mask, "mask", mask_axes, shape, theirs)
    _tell_of_origin(cells)
    for beside in (pixels, tissue):
        if beside is not None:
            _check_same_places(beside, cells, "image" if beside is pixels else "mask")
    calibration = calibrate(cells, voxel_size, space_unit, dt, time_unit, pixels, tissue)
    with watch_inputs(*find_files(labels, image, mask)):
        found = measure_movie(
            cells, pixels, tissue, calibration, chosen, extra=extra, progress=progress,
            workers=None,
        )  # fmt: skip
    note = {"dropped": len(found.dropped), **chosen.model_dump(mode="json")}
    return replace(found.spots, record={**record, **note_step("measure", note)})


def _refuse_without(beside: Any, role: str, **given: Any) -> None:
    """Refuse arguments that go with an image or a mask which is not given."""
    for name, value in given.items():
        if beside is None and value is not None:
            msg = f"{name} is {value!r}, but there is no {role}: give the {role} too, or leave it "
            raise UserError(msg + "out")


def note_step(step: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a result's record says of one step."""
    return {"btrackmate": __version__, step: dict(values)}


def read_labels(labels: Any, axes: str | None, voxel_size: tuple[float, ...] | None) -> ArrayMovie:
    """Take label images, or those of a segmentation with its calibration, as a movie."""
    if isinstance(labels, Segmentation):
        if axes is not None:
            msg = f"axes is {axes!r}, but a segmentation has its own: leave them out"
            raise UserError(msg)
        own = "TZYX" if labels.labels.ndim == 4 else "TYX"
        known = None if labels.calibration == Calibration() else labels.calibration
        return replace(read_array(labels.labels, "labels", own), calibration=known)
    return read_array(labels, "labels", axes, voxel_size)


def _read_beside(
    data: Any, role: Literal["image", "mask"], axes: str | None, shape: tuple[int, ...], theirs: str
) -> ArrayMovie:
    """Read an array that goes with labels; of their shape, or a frame's, it has their axes."""
    if axes is None and not hasattr(data, "dims") and np.ndim(data) >= 2:
        own = tuple(np.shape(data))
        if own == shape:
            axes = theirs
        elif role == "mask" and "T" in theirs and own == shape[1:] and theirs[0] == "T":
            axes = theirs[1:]
    return read_array(data, role, axes)


def _tell_of_origin(cells: ArrayMovie) -> None:
    """Warn where coordinates begin elsewhere than at 0, where positions and times begin."""
    for letter, along in cells.coordinates.items():
        if not along.are_dates and abs(along.first) > FROM_ZERO * along.step:
            what = "times are counted from the first frame" if letter == "T" else (
                "positions are counted from the first voxel"
            )  # fmt: skip
            _log.warning(
                "labels: the coordinates of %s begin at %g; %s, as 0",
                letter.lower(), along.first, what,
            )  # fmt: skip


def _check_same_places(beside: ArrayMovie, cells: ArrayMovie, role: str) -> None:
    """Check that an array lies where the labels do, as far as the coordinates of both tell."""
    for letter in beside.coordinates.keys() & cells.coordinates.keys():
        theirs, ours = beside.coordinates[letter], cells.coordinates[letter]
        if theirs.are_dates != ours.are_dates:
            continue
        factor = 1.0
        if theirs.unit and ours.unit:
            normalise = normalise_time_unit if letter == "T" else normalise_space_unit
            factor = convert(1.0, normalise(theirs.unit), normalise(ours.unit)) or 1.0
        off = max(abs(theirs.first * factor - ours.first), abs(theirs.last * factor - ours.last))
        if off > FROM_ZERO * ours.step:
            shown = [f"{c.first:g} to {c.last:g} {c.unit}".rstrip() for c in (theirs, ours)]
            msg = f"{role}: its coordinates of {letter.lower()} are {shown[0]}, those of the "
            msg += f"labels {shown[1]}: they are not the same voxels; select the same of both, "
            msg += "or drop the coordinates"
            raise UserError(msg)
