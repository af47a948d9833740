"""Opening and checking all inputs of a run before anything is written."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from btrackmate.core.axes import FROM_ZERO
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress
from btrackmate.core.words import option
from btrackmate.io.image_axes import UnknownAxesError, fits
from btrackmate.io.image_calibration import UNSIZED, Given, complete_calibration, warn_of_unknown
from btrackmate.io.images import Movie, Role, open_movie
from btrackmate.measurement import FrameSource, MaskSettings, apply_mask
from btrackmate.measurement.tissue import check_tissues
from btrackmate.pipeline.settings import InputSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunInputs:
    """Input files of a run; at least one of image, labels and spots.

    ``edits`` is a journal of corrections of earlier tracks, or the tracks that it stands beside.
    """

    image: Path | None = None
    labels: Path | None = None
    spots: Path | None = None
    mask: Path | None = None
    edits: Path | None = None

    def paths(self) -> dict[str, Path]:
        """Give the files that are named, by role."""
        every = {
            "image": self.image,
            "labels": self.labels,
            "spots": self.spots,
            "mask": self.mask,
            "edits": self.edits,
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

    def check_tissues(self, settings: MaskSettings) -> None:
        """Refuse a mask without any tissue that is asked for; warn of some that it lacks."""
        if self.mask is not None:
            check_tissues(self.mask, settings)

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
        If a file is missing, is no image, has another shape than the rest, lacks the channel, or a
        floating-point image holds NaN.

    Notes
    -----
    The calibration is the image's, else the labels'; what it does not state is taken over from the
    others that do, and the log says so, and warns where they contradict.
    """
    image, labels = _open_pair(inputs, settings)
    main = image or labels
    if main is None:
        msg = f"nothing to work on: give an image, {option('labels')} or {option('spots')}"
        raise UserError(msg)
    if image is not None:
        check_channel(image, channel)
    warn_of_one_frame(main)
    mask = open_mask(inputs.mask, main, settings) if inputs.mask is not None else None
    others = [one for one in (labels, mask) if one is not None and one is not main]
    main = complete_calibration(main, others)
    warn_of_unknown(main)
    image, labels = (main, labels) if image is not None else (None, main)
    for movie in (image, labels, mask):
        if movie is not None:
            movie.check_values(progress)
    frames = [None if one is None else MovieFrames(one, main.ndim) for one in (image, labels, mask)]
    return OpenInputs(main, *frames)


def _open_pair(inputs: RunInputs, settings: InputSettings) -> tuple[Movie | None, Movie | None]:
    """Open image and labels; the one whose metadata name the axes helps the other."""
    image = labels = None
    if inputs.image is None or inputs.labels is None:
        if inputs.image is not None:
            image = open_calibrated(inputs.image, settings)
        if inputs.labels is not None:
            labels = open_calibrated(inputs.labels, settings, role="labels")
        return image, labels
    image = _open_if_known(inputs.image, settings, "image")
    labels = _open_if_known(inputs.labels, settings, "labels")
    if image is None and labels is None:
        image = open_calibrated(inputs.image, settings)  # says what is missing
    if image is not None and labels is not None and _same_shape(image, labels):
        _check_same_origin(labels, image)
        return image, labels
    # ImageJ's stacks are slices unless somebody says otherwise: labels with frames know better.
    named = settings.axes or settings.image_axes
    if image is None or (labels and not named and image.n_frames == 1 < labels.n_frames):
        return open_calibrated(inputs.image, settings, beside=labels), labels
    return image, open_calibrated(inputs.labels, settings, role="labels", beside=image)


def _open_if_known(path: Path, settings: InputSettings, role: Role) -> Movie | None:
    """Open a file, or give None where its own metadata do not settle its axes."""
    try:
        return open_calibrated(path, settings, role=role)
    except UnknownAxesError:
        return None


def warn_of_one_frame(movie: Movie) -> None:
    """Say in the log that a file is taken for one frame: without time axis, or of many slices."""
    if "T" in movie.axes:
        if movie.n_frames == 1 and movie.ndim == 3 and movie.known.time:
            swapped = movie.axes.translate(str.maketrans("TZ", "ZT"))
            _log.warning(
                "%s: one frame of %d slices, yet with a time step; if they are frames give %s",
                movie.path, movie.shape[2], option("axes", swapped),
            )  # fmt: skip
        return
    advice = ""
    if movie.ndim == 3:
        advice = f"; if its {movie.shape[2]} slices are frames give "
        advice += option("axes", movie.axes.replace("Z", "T"))
    _log.warning("%s: has no time axis and is read as one frame%s", movie.path, advice)


def open_calibrated(
    path: Path,
    settings: InputSettings,
    role: Role = "image",
    beside: Movie | None = None,
) -> Movie:
    """Open an image or label movie, with the calibration that the settings give.

    Parameters
    ----------
    path : Path
    settings : InputSettings
        Its axes are those of the image; labels beside it have the same without the channel.
    role : {"image", "labels"}
    beside : Movie, optional
        The other one, whose frames, slices, rows and columns this one must have.
    """
    axes = settings.label_axes if role == "labels" else settings.image_axes
    if axes is None and settings.axes is not None:
        axes = settings.axes.upper()
        if role == "labels":
            axes = axes.replace("C", "")
    movie = open_movie(path, axes, role=role, given=_given(settings), model=beside)
    if beside is not None:
        _check_same_shape(movie, beside)
    return movie


def _given(settings: InputSettings) -> Given:
    return Given(settings.voxel_size, settings.dt, settings.space_unit, settings.time_unit)


def open_mask(
    path: Path, main: Movie | None = None, settings: InputSettings | None = None
) -> Movie:
    """Open a tissue mask: static or one a frame, 2D over all slices or 3D.

    Parameters
    ----------
    path : Path
    main : Movie, optional
        The movie whose shape it must fit.
    settings : InputSettings, optional
        Its mask_axes, and the calibration that it gives.

    Raises
    ------
    UserError
        If it does not fit `main`'s shape.
    """
    axes, given = None, UNSIZED
    if settings is not None:
        axes, given = settings.mask_axes, _given(settings)
    mask = open_movie(path, axes, role="mask", given=given, model=main)
    if main is None:
        return mask
    if not fits(mask.axes, mask.file_shape, "mask", main.shape):
        frames, _, *space = mask.shape
        wanted_frames, _, *wanted = main.shape
        msg = f"{path}: mask of shape T,Z,Y,X {(frames, *space)}, expected Z,Y,X {tuple(wanted)} "
        msg += (
            f"as in {main.path} (Z may be 1), in 1 or {wanted_frames} frames; name its axes with "
        )
        msg += f"{option('mask_axes')} if they are others"
        raise UserError(msg)
    _check_same_origin(mask, main)
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
    labels = open_movie(path, role="labels", given=UNSIZED, model=image)
    _check_same_shape(labels, image)
    return MovieFrames(labels, image.ndim)


def check_channel(image: Movie, channel: int) -> None:
    """Refuse a channel, counted from 1, that the image does not have."""
    if not 1 <= channel <= image.shape[1]:
        msg = f"{image.path}: has {image.shape[1]} channels, so there is no channel {channel}; "
        msg += f"give {option('channel')} (from 1)"
        raise UserError(msg)


def _same_shape(labels: Movie, image: Movie) -> bool:
    """Tell whether two movies have the same frames, slices, rows and columns."""
    return (labels.shape[0], *labels.shape[2:]) == (image.shape[0], *image.shape[2:])


def _check_same_shape(labels: Movie, image: Movie) -> None:
    if not _same_shape(labels, image):
        got, wanted = (labels.shape[0], *labels.shape[2:]), (image.shape[0], *image.shape[2:])
        msg = f"{labels.path}: {labels.role} of shape T,Z,Y,X {got}, expected {wanted} as in "
        msg += f"{image.path}; name the axes with {option('image_axes')} and "
        msg += f"{option('label_axes')} if they are others"
        raise UserError(msg)
    _check_same_origin(labels, image)


def _check_same_origin(movie: Movie, main: Movie) -> None:
    """Refuse two that say that they begin at different places, as two crops of one movie do.

    Numbers of frames in names are told only, as some programs count from 0 and some from 1.
    """
    numbers = movie.first_number, main.first_number
    if None not in numbers and numbers[0] != numbers[1]:
        _log.warning(
            "%s: its first frame has the number %d, and that of %s %d: they are taken for the same "
            "frame; if they are not, take away the files of frames that only one has",
            movie.path, numbers[0], main.path, numbers[1],
        )  # fmt: skip
    if movie.origin is None or main.origin is None:
        return
    if any(abs(a - b) > FROM_ZERO for a, b in zip(movie.origin, main.origin, strict=True)):
        places = (", ".join(f"{one:g}" for one in at) for at in (movie.origin, main.origin))
        msg = "{}: begins at {} voxels (z, y, x), and {} at {}: they are not the same voxels; give "
        msg += "crops of the same place, or correct their translations"
        first, second = places
        raise UserError(msg.format(movie.path, first, main.path, second))
