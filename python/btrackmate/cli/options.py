"""Command-line options that several verbs share, and options made from settings classes."""

import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from btrackmate.core.decimals import is_odd_number, read_decimal
from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.fields import SettingField, describe_fields
from btrackmate.core.settings import Settings

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]


class _Float(click.types.FloatParamType):
    """A number in plain decimals."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what Python alone reads as a number."""
        _check_decimal(self, value, param, ctx)
        return super().convert(value, param, ctx)


class _Int(click.types.IntParamType):
    """A whole number in plain decimals."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what Python alone reads as a number."""
        _check_decimal(self, value, param, ctx)
        return super().convert(value, param, ctx)


def _check_decimal(
    kind: click.ParamType, value: Any, param: click.Parameter | None, ctx: click.Context | None
) -> None:
    if isinstance(value, str) and is_odd_number(value):
        kind.fail(f"got {value!r}, expected a number in plain decimals, e.g. 10", param, ctx)


#: Types of options that are numbers.
FLOAT, INT = _Float(), _Int()


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
            numbers = tuple(map(self._read, str(value).split(",")))
        except ValueError:
            self.fail(f"got {value!r}, expected numbers separated by commas", param, ctx)
        if self._counts and len(numbers) not in self._counts:
            counts = " or ".join(str(count) for count in self._counts)
            self.fail(f"got {value!r}, expected {counts} numbers", param, ctx)
        return numbers

    def _read(self, text: str) -> float:
        read_decimal(text)
        return self._kind(text)


class NumberOr(click.ParamType):
    """A number, or one of some words."""

    name = "number"

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = words

    def get_metavar(self, param: click.Parameter) -> str:
        """Name what may be given."""
        return "|".join((*self._words, "NUMBER"))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number; what it may be is checked by the settings."""
        if str(value).lower() in self._words:
            return str(value).lower()
        try:
            return read_decimal(str(value))
        except ValueError:
            expected = " or ".join((*self._words, "a number"))
            self.fail(f"got {value!r}, expected {expected}", param, ctx)


class YamlText(click.ParamType):
    """A value in YAML, for what has no plainer form."""

    name = "yaml"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text."""
        import yaml

        try:
            return yaml.safe_load(value) if isinstance(value, str) else value
        except yaml.YAMLError as error:
            problem = describe_error(error)
            self.fail(f"got {value!r}, which is not YAML: {problem}", param, ctx)


#: Types of options that name what is read, and what is written.
PATH, OUTPUT = click.Path(path_type=Path), click.Path(path_type=Path)


class SectionedCommand(click.Command):
    """Command whose help lists its options under the headings that :func:`section` gave."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a list for each heading, in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                heading = getattr(parameter, "section", "Options")
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def section(heading: str, *options: Decorator) -> Decorator:
    """Put options under a heading of the help of a :class:`SectionedCommand`."""

    def decorate(function: Function) -> Function:
        before = list(getattr(function, "__click_params__", ()))
        function = apply_all(options)(function)
        for parameter in getattr(function, "__click_params__", ()):
            if parameter not in before and not hasattr(parameter, "section"):
                parameter.section = heading
        return function

    return decorate


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
            click.option("--dt", type=FLOAT, help="Time between frames, instead of the file's."),
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
    left_out = set(exclude) | (set(settings.model_fields) - set(only) if only else set())
    fields = [field for field in describe_fields(settings) if field.name not in left_out]
    return apply_all([make_option(field, field.text) for field in fields if field.kind != "other"])


def make_option(field: SettingField, text: str) -> Callable[[Function], Function]:
    """Make the option of a setting; `text` is its help, without default and range.

    What the command line has no words for is given as YAML, e.g. ``{volume: 1.5}``.
    """
    notes = field.notes
    if field.default is not None and field.kind != "other":
        shown = field.default
        if field.kind == "bool":
            shown = "on" if field.default else "off"
        notes.append(f"default: {shown}")
    text = f"{text}  [{'; '.join(notes)}]" if notes else text
    flag = "--" + field.name.replace("_", "-")
    if field.kind == "bool":
        return click.option(f"{flag}/--no-{flag[2:]}", field.name, default=None, help=text)
    return click.option(flag, field.name, type=_find_type(field), default=None, help=text)


def _find_type(field: SettingField) -> Any:
    if field.kind == "choice":
        return click.Choice([str(choice) for choice in field.choices], case_sensitive=False)
    if field.kind == "numbers":
        return Numbers(field.number or float)
    if field.kind == "other":
        return YamlText()
    if field.choices:
        return NumberOr(tuple(map(str, field.choices)))
    return {"int": INT, "float": FLOAT, "text": str, "path": PATH}[field.kind]


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
        If a word has no ``=``, or a name stands twice.
    """
    values: dict[str, Any] = {}
    for word in assignments:
        name, text = split_assignment(word, "LINKING_MAX_DISTANCE=15", "--set ")
        name = name.strip()
        if name in values:
            msg = f"--set {name} is given twice; give it once"
            raise UserError(msg)
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


def with_console(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the `progress` callback and show its log; takes --quiet away.

    No file that an option of type PATH names is replaced by one of type OUTPUT, nor another one of
    the same run.
    """
    from btrackmate.cli.console import console
    from btrackmate.core.outputs import protect
    from btrackmate.io.run_folder import list_run_of

    @functools.wraps(function)
    def wrapped(*args: Any, quiet: bool, **kwargs: Any) -> Any:
        read = _list_read()
        of_runs = [one for path in read for one in list_run_of(path)]
        with console(quiet=quiet) as progress, protect(read, of_runs):
            return function(*args, progress=progress, **kwargs)

    return wrapped


def _list_read() -> list[Path]:
    """List the paths that the command line reads."""
    context = click.get_current_context()
    names = [param.name for param in context.command.params if param.type is PATH]
    given = [context.params.get(name or "") for name in names]
    several = [one for value in given if isinstance(value, tuple) for one in value]
    return [one for one in (*given, *several) if isinstance(one, Path)]
