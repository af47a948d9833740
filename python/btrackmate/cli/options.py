"""Command-line options that several verbs share, and options made from settings classes."""

import functools
import json
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from btrackmate.core.errors import UserError
from btrackmate.core.settings import Settings

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]


class Numbers(click.ParamType):
    """Numbers separated by commas, e.g. ``3,0.52,0.52``; `counts` are how many there may be."""

    name = "numbers"

    def __init__(self, kind: type[int] | type[float], counts: tuple[int, ...] = ()) -> None:
        self._kind = kind
        self._counts = counts

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """Split the text and check the count."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(self._kind(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"got {value!r}, expected numbers separated by commas", param, ctx)
        if self._counts and len(numbers) not in self._counts:
            counts = " or ".join(str(count) for count in self._counts)
            self.fail(f"got {value!r}, expected {counts} numbers", param, ctx)
        return numbers


PATH = click.Path(path_type=Path)


def apply_all(options: Iterable[Callable[[Function], Function]]) -> Decorator:
    """Put several click options on a function, first one first in the help."""

    def decorate(function: Function) -> Function:
        for option in reversed(list(options)):
            function = option(function)
        return function

    return decorate


def calibration_options(function: Function) -> Function:
    """Add --axes, --voxel-size, --space-unit, --dt and --time-unit."""
    return apply_all(
        [
            click.option(
                "--axes",
                help="Axes of the image, and of labels beside it, e.g. TZYX, where the metadata do "
                "not say. Axes of length 1 may be named or left out.",
            ),
            click.option(
                "--voxel-size",
                type=Numbers(float, (3, 2)),
                metavar="Z,Y,X",
                help="Voxel size in --space-unit, instead of the file's; in 2D Y,X.",
            ),
            click.option("--space-unit", help="Unit of --voxel-size.  [default: the file's or µm]"),
            click.option("--dt", type=float, help="Time between frames, instead of the file's."),
            click.option("--time-unit", help="Unit of --dt.  [default: the file's or s]"),
        ]
    )(function)


def role_axes_options(function: Function) -> Function:
    """Add --image-axes, --label-axes and --mask-axes."""
    return apply_all(
        [
            click.option("--image-axes", help="Axes of the image alone."),
            click.option(
                "--label-axes",
                help="Axes of the labels.  [default: theirs, or the image's whose shape they have]",
            ),
            click.option(
                "--mask-axes",
                help="Axes of the mask.  [default: its own, or the movie's whose shape it has]",
            ),
        ]
    )(function)


def common_options(function: Function) -> Function:
    """Add --overwrite and --quiet."""
    return apply_all(
        [
            click.option("--overwrite", is_flag=True, help="Replace an output that exists."),
            click.option("--quiet", is_flag=True, help="No progress; warnings only."),
        ]
    )(function)


def filter_options(function: Function) -> Function:
    """Add --spot-filter and --track-filter."""
    return apply_all(
        [
            click.option(
                "--spot-filter",
                "spot_filters",
                multiple=True,
                help="e.g. 'volume>50' (2D: the area); repeatable.",
            ),
            click.option(
                "--track-filter",
                "track_filters",
                multiple=True,
                help="e.g. 'duration>=5' (time units); repeatable.",
            ),
        ]
    )(function)


def settings_options(
    settings: type[Settings], *, only: Iterable[str] | None = None, exclude: Iterable[str] = ()
) -> Decorator:
    """Make one option of each field of a settings class that a command line can hold.

    The command receives one keyword argument a field; None means not given, so that a YAML file
    or the class's default counts. Collect them with :func:`given_values`.

    Parameters
    ----------
    settings : type of Settings
        Class whose fields have descriptions.
    only, exclude : iterable of str
        Fields to take or to leave out.
    """
    names = list(only) if only is not None else list(settings.model_fields)
    names = [name for name in names if name not in set(exclude)]
    options = (_field_option(name, settings.model_fields[name]) for name in names)
    return apply_all([option for option in options if option is not None])


def given_values(settings: type[Settings], arguments: dict[str, Any]) -> dict[str, Any]:
    """Pick the fields of a settings class that were given on the command line."""
    return {
        name: arguments[name] for name in settings.model_fields if arguments.get(name) is not None
    }


def split_assignment(word: str, example: str, option: str = "") -> tuple[str, str]:
    """Split a ``NAME=VALUE`` word; `example` and `option` are for the message.

    Raises
    ------
    UserError
        If it has no name or no ``=``.
    """
    name, sign, value = word.partition("=")
    if not sign or not name:
        msg = f"{option}{word!r}: expected NAME=VALUE, e.g. {option}{example}"
        raise UserError(msg)
    return name, value


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` words, VALUE being JSON or, failing that, text.

    Raises
    ------
    UserError
        If a word has no ``=``.
    """
    values: dict[str, Any] = {}
    for word in assignments:
        name, text = split_assignment(word, "LINKING_MAX_DISTANCE=15", "--set ")
        try:
            values[name.strip()] = json.loads(text)
        except json.JSONDecodeError:
            values[name.strip()] = text
    return values


def _field_option(name: str, field: FieldInfo) -> Callable[[Function], Function] | None:
    kind, optional = _strip_none(field.annotation)
    flag = "--" + name.replace("_", "-")
    text = field.description or ""
    if not optional and not field.is_required():
        shown = field.default
        if kind is bool:
            shown = "on" if field.default else "off"
        text = f"{text}  [default: {shown}]"
    if kind is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=text)
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        return click.option(flag, name, type=click.Choice(choices), default=None, help=text)
    if get_origin(kind) is tuple and get_args(kind)[0] in (int, float):
        return click.option(flag, name, type=Numbers(get_args(kind)[0]), default=None, help=text)
    if kind in (int, float, str):
        return click.option(flag, name, type=kind, default=None, help=text)
    if kind is Path:
        return click.option(flag, name, type=PATH, default=None, help=text)
    return None


def _strip_none(annotation: Any) -> tuple[Any, bool]:
    """Take ``| None`` off an annotation."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        if len(rest) == 1:
            return rest[0], len(rest) < len(get_args(annotation))
    return annotation, False


def with_console(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the `progress` callback and show its log; takes --quiet away."""
    from btrackmate.cli.console import console

    @functools.wraps(function)
    def wrapped(*args: Any, quiet: bool, **kwargs: Any) -> Any:
        with console(quiet=quiet) as progress:
            return function(*args, progress=progress, **kwargs)

    return wrapped
