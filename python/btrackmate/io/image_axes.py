"""Which axes an image has: from the user, its metadata, or the movie whose shape it has."""

import itertools
import logging
from pathlib import Path
from typing import Literal, NamedTuple

from btrackmate.core.axes import CANONICAL, validate_axes
from btrackmate.core.errors import UserError
from btrackmate.core.words import option
from btrackmate.io.frame_source import FrameSource

_log = logging.getLogger(__name__)

Role = Literal["image", "labels", "mask"]
#: T, C, Z, Y, X.
Shape = tuple[int, int, int, int, int]
#: The option that names the axes of each role.
OPTIONS: dict[Role, str] = {
    "image": "image_axes",
    "labels": "label_axes",
    "mask": "mask_axes",
}


class UnknownAxesError(UserError):
    """Signal that neither the user nor the file says which axes an image has."""


class Model(NamedTuple):
    """A movie whose shape another file of the same movie must have, as T, C, Z, Y, X."""

    path: Path
    shape: Shape


def settle_axes(
    source: FrameSource, path: Path, given: str | None, role: Role, model: Model | None
) -> tuple[str, str]:
    """Settle the axes of a file, one letter of TCZYX a dimension.

    Parameters
    ----------
    source : FrameSource
    path : Path
        For messages.
    given : str or None
        What the user says; may name axes of length 1 that the file leaves out, and leave out such.
    role : {"image", "labels", "mask"}
    model : Model or None
        The movie whose shape the file must have; gives axes that the metadata do not settle, and
        corrects those that contradict it.

    Returns
    -------
    axes, origin : str
        The axes, and where they come from.

    Raises
    ------
    UserError
        If the axes do not fit the file, or nothing settles them.
    """
    read = f"{source.kind}, shape {source.shape}, axes {source.axes!r}"
    if 0 in source.shape:
        msg = f"{path}: an empty image ({read}); give one with pixels"
        raise UserError(msg)
    if given is not None:
        return _fit(given, source, f"{path} ({read})"), "the options"
    settled = ""
    if set(source.axes) <= set(CANONICAL):
        settled = validate_axes(source.axes, len(source.shape), str(path))
    if settled and (model is None or fits(settled, source.shape, role, model.shape)):
        return settled, source.kind
    found = infer_axes(source.shape, role, model.shape) if model is not None else []
    if model is not None and len(found) == 1:
        if settled:
            _log.warning(
                "%s: its metadata say axes %s, with which it does not fit %s; taken as %s, with "
                "which it does", path, settled, model.path, found[0],
            )  # fmt: skip
        return found[0], f"the shape of {model.path.name}"
    if settled:
        return settled, source.kind
    msg = (
        f"{path}: its metadata does not settle the axes ({read}); give {option('axes')} or "
        f"{option(OPTIONS[role])}, "
    )
    msg += "one letter of TCZYX for each dimension"
    if found:
        msg += f" ({' or '.join(found)}, by the shape of {model.path if model else ''})"
    raise UnknownAxesError(msg)


def _fit(given: str, source: FrameSource, where: str) -> str:
    """Fit the user's axes to a file that leaves out, or has more, axes of length 1."""
    axes, shape = given.upper(), source.shape
    if len(axes) > len(shape):
        # What the file has is known, so what it lacks has length 1.
        short = "".join(letter for letter in axes if letter in source.axes)
        if set(source.axes) <= set(CANONICAL) and len(short) == len(shape):
            validate_axes(axes, len(axes), where)
            return short
    if len(axes) < len(shape):
        single = [place for place, length in enumerate(shape) if length == 1]
        left_out = single[: len(shape) - len(axes)]
        if len(left_out) == len(shape) - len(axes):
            rest, unused = iter(axes), iter([one for one in CANONICAL if one not in axes])
            axes = "".join(next(unused if p in left_out else rest) for p in range(len(shape)))
    return validate_axes(axes, len(shape), where)


def fits(axes: str, shape: tuple[int, ...], role: Role, model: Shape) -> bool:
    """Tell whether a file with these axes has a movie's shape.

    Labels and images have its frames, slices, rows and columns; a mask may have one frame or one
    slice for all.
    """
    length = dict(zip(axes, shape, strict=True))
    wanted = dict(zip(CANONICAL, model, strict=True))
    if role != "image" and length.get("C", 1) != 1:
        return False
    free = {"T", "Z"} if role == "mask" else set()
    return all(
        length.get(letter, 1) == wanted[letter] or (letter in free and length.get(letter, 1) == 1)
        for letter in "TZYX"
    )


def infer_axes(shape: tuple[int, ...], role: Role, model: Shape) -> list[str]:
    """List the axes with which a file has a movie's shape; T, Z, Y, X stand in this order.

    Axes that differ only in dimensions of length 1 are one.
    """
    found: dict[tuple[str, ...], str] = {}
    for letters in itertools.permutations(CANONICAL, len(shape)):
        axes = "".join(letters)
        spatial = [letter for letter in axes if letter != "C"]
        if spatial != [letter for letter in "TZYX" if letter in axes] or "YX" not in axes:
            continue
        if fits(axes, shape, role, model):
            key = tuple(one if n > 1 else "1" for one, n in zip(axes, shape, strict=True))
            found.setdefault(key, axes)
    return list(found.values())
