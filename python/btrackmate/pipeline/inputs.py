"""Opening and checking all inputs of a run before anything is written."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress
from btrackmate.io.images import Movie, Role, open_movie
from btrackmate.measure import FrameSource, MaskSettings, apply_mask
from btrackmate.pipeline.settings import InputSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunInputs:
    """Input files of a run; at least one of image, labels and spots."""

    image: Path | None = None
    labels: Path | None = None
    spots: Path | None = None
    mask: Path | None = None

    def paths(self) -> dict[str, Path]:
        """Give the files that are named, by role."""
        every = {
            "image": self.image,
            "labels": self.labels,
            "spots": self.spots,
            "mask": self.mask,
        }
        return {role: path for role, path in every.items() if path is not None}


@dataclass(frozen=True)
class MovieFrames(Sequence[NDArray[Any]]):
    """A movie as a sequence of frames, as measuring and scoring want it.

    Parameters
    ----------
    movie : Movie
    ndim : int
        Space dimensions of the movie that is tracked, 2 or 3.
    """

    movie: Movie
    ndim: int

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.movie.n_frames

    def frame(self, t: int) -> NDArray[Any]:
        """Read frame t: (C, [Z,] Y, X) of an image, ([Z,] Y, X) of labels and masks."""
        frame = self.movie.frame(t)
        if self.ndim == 2:
            frame = frame[:, 0]
        return frame if self.movie.role == "image" else frame[0]

    def __len__(self) -> int:
        return self.n_frames

    def __getitem__(self, t: Any) -> Any:
        return (
            [self.frame(i) for i in range(len(self))[t]] if isinstance(t, slice) else self.frame(t)
        )


@dataclass(frozen=True)
class ClippedFrames:
    """Labels as they are measured under the mask policy ``clip``: only what is inside the mask.

    Parameters
    ----------
    labels, mask : FrameSource
        The mask has one frame or as many as the labels.
    settings : MaskSettings
    """

    labels: FrameSource
    mask: FrameSource
    settings: MaskSettings

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self.labels.n_frames

    @property
    def ndim(self) -> int:
        """Space dimensions, 2 or 3."""
        return self.labels.ndim

    def frame(self, t: int) -> NDArray[Any]:
        """Read frame t, ([Z,] Y, X)."""
        mask = self.mask.frame(t if self.mask.n_frames > 1 else 0)
        return apply_mask(self.labels.frame(t), mask, self.settings, f"frame {t}").labels


@dataclass(frozen=True)
class OpenInputs:
    """Opened inputs whose shapes fit each other.

    Parameters
    ----------
    main : Movie
        The image, else the labels: its calibration and size are the run's.
    image, labels, mask : MovieFrames or None
    """

    main: Movie
    image: MovieFrames | None
    labels: MovieFrames | None
    mask: MovieFrames | None

    def movies(self) -> dict[str, Movie]:
        """Give the opened files by role."""
        every = {"image": self.image, "labels": self.labels, "mask": self.mask}
        return {role: frames.movie for role, frames in every.items() if frames is not None}

    def measured_labels(self, labels: Movie, settings: MaskSettings) -> FrameSource:
        """Give a label movie as its cells are measured, clipped where the policy says so."""
        frames = MovieFrames(labels, self.main.ndim)
        if self.mask is None or settings.policy != "clip":
            return frames
        return ClippedFrames(frames, self.mask, settings)

    def close(self) -> None:
        """Close all files."""
        for movie in self.movies().values():
            movie.close()


def open_inputs(
    inputs: RunInputs, settings: InputSettings, channel: int, progress: Progress
) -> OpenInputs:
    """Open image, labels and mask and check that they fit each other.

    Parameters
    ----------
    inputs : RunInputs
        With an image or labels.
    settings : InputSettings
    channel : int
        Channel to segment, from 1.
    progress : Progress

    Raises
    ------
    UserError
        If a file is missing, is no image, has no time axis or another shape than the rest, lacks
        the channel, or a floating-point image holds NaN.
    """
    image = labels = mask = None
    if inputs.image is not None:
        image = open_calibrated(inputs.image, settings)
        check_channel(image, channel)
    if inputs.labels is not None:
        labels = open_calibrated(inputs.labels, settings, role="labels", beside=image)
    main = image or labels
    if main is None:
        msg = "nothing to work on: give an image, --labels or --spots"
        raise UserError(msg)
    if inputs.mask is not None:
        mask = open_mask(inputs.mask, main)
    if image is not None:
        image.check_values(progress)
    frames = [None if one is None else MovieFrames(one, main.ndim) for one in (image, labels, mask)]
    return OpenInputs(main, *frames)


def open_calibrated(
    path: Path,
    settings: InputSettings,
    role: Role = "image",
    beside: Movie | None = None,
    *,
    require_time: bool = True,
) -> Movie:
    """Open an image or label movie, with the calibration that the settings give.

    Parameters
    ----------
    path : Path
    settings : InputSettings
        Its axes are those of the image; labels beside it have the same without the channel.
    role : {"image", "labels"}
    beside : Movie, optional
        The image, whose frames, slices, rows and columns the labels must have.
    require_time : bool
        Refuse a file without a time axis.
    """
    axes = settings.axes
    if axes and beside is not None:
        axes = axes.upper().replace("C", "")
    movie = open_movie(
        path,
        axes=axes,
        voxel_size=settings.voxel_size,
        dt=settings.dt,
        space_unit=settings.space_unit,
        time_unit=settings.time_unit,
        role=role,
        require_time=require_time,
    )
    if beside is not None:
        _check_same_shape(movie, beside)
        if movie.calibration != beside.calibration:
            _log.warning(
                "%s and %s have different calibrations; the image's is used", path, beside.path
            )
    return movie


def open_mask(path: Path, main: Movie | None = None) -> Movie:
    """Open a tissue mask: static or one a frame, 2D over all slices or 3D.

    Parameters
    ----------
    path : Path
    main : Movie, optional
        The movie whose shape it must fit.

    Raises
    ------
    UserError
        If it does not fit `main`'s shape.
    """
    mask = open_movie(path, role="mask", require_time=False)
    if main is None:
        return mask
    frames, _, *space = mask.shape
    wanted_frames, _, *wanted = main.shape
    fits = space[1:] == wanted[1:] and space[0] in (1, wanted[0])
    if not fits or frames not in (1, wanted_frames):
        msg = f"{path}: mask of shape T,Z,Y,X {(frames, *space)}, expected Z,Y,X {tuple(wanted)} "
        msg += f"as in {main.path} (Z may be 1), in 1 or {wanted_frames} frames"
        raise UserError(msg)
    return mask


def open_shapes(path: Path | None, image: Movie) -> MovieFrames | None:
    """Open the label images that stand for StarDist's shapes; None where there are none.

    Raises
    ------
    UserError
        If they do not fit the image.
    """
    if path is None:
        return None
    labels = open_movie(path, role="labels", require_time=image.n_frames > 1)
    _check_same_shape(labels, image)
    return MovieFrames(labels, image.ndim)


def check_channel(image: Movie, channel: int) -> None:
    """Refuse a channel, counted from 1, that the image does not have."""
    if not 1 <= channel <= image.shape[1]:
        msg = f"{image.path}: has {image.shape[1]} channels, so there is no channel {channel}; "
        msg += "give --channel (from 1)"
        raise UserError(msg)


def _check_same_shape(labels: Movie, image: Movie) -> None:
    got, wanted = (labels.shape[0], *labels.shape[2:]), (image.shape[0], *image.shape[2:])
    if got != wanted:
        msg = f"{labels.path}: labels of shape T,Z,Y,X {got}, expected {wanted} as in {image.path}"
        raise UserError(msg)
