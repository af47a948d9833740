"""What a person must know of a setting: label, unit, range, choices; for options and widgets."""

import re
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import yaml
from pydantic.fields import FieldInfo

from btrackmate.core.settings import Settings

Kind = Literal["bool", "int", "float", "text", "path", "choice", "numbers", "other"]

_UNIT = re.compile(r"\s*\[([^\]]+)\]$")
_PLAIN: dict[Any, Kind] = {bool: "bool", int: "int", float: "float", str: "text", Path: "path"}


@dataclass(frozen=True)
class SettingField:
    """One setting, described without any toolkit for windows.

    Parameters
    ----------
    name : str
        As in Python and YAML.
    label : str
        For a person: ``"Linking max distance"``.
    text : str
        What it does, in a sentence without its full stop.
    unit : str
        Such as ``"space unit"``; empty if it has none.
    kind : str
        ``"numbers"`` are several of one type; ``"other"`` is what only text (YAML) can hold.
    default
        Value where nothing is given; None where that means something by itself, see `optional`.
    required : bool
        Whether there is no default.
    optional : bool
        Whether None may be given.
    low, high : float or None
        Range of a number.
    low_open, high_open : bool
        Whether the ends of the range are not in it.
    choices : tuple
        What may be chosen; for a number, words that may stand instead, such as ``"auto"``.
    number : type or None
        Of numbers: int or float.
    group : str
        Heading that it stands under.
    """

    name: str
    label: str
    text: str
    unit: str
    kind: Kind
    default: Any
    required: bool
    optional: bool
    low: float | None
    high: float | None
    low_open: bool
    high_open: bool
    choices: tuple[Any, ...]
    number: type[int] | type[float] | None
    group: str

    @property
    def notes(self) -> list[str]:
        """Unit and range in words, where there are any."""
        return [f"in {self.unit}s"] * bool(self.unit) + [self.range] * bool(self.range)

    @property
    def range(self) -> str:
        """Say the range in words; empty if there is none."""
        parts = []
        if self.low is not None:
            parts.append(f"{'>' if self.low_open else '≥'} {self.low:g}")
        if self.high is not None:
            parts.append(f"{'<' if self.high_open else '≤'} {self.high:g}")
        return " and ".join(parts)


def describe_fields(settings: type[Settings]) -> tuple[SettingField, ...]:
    """Describe every setting of a class, in its order.

    A description that ends in ``[…]`` names the unit there; a group is named by
    ``json_schema_extra={"group": …}``.

    Examples
    --------
    >>> from pydantic import Field
    >>> class Look(Settings):
    ...     reach: float = Field(2.0, gt=0, description="how far [space unit]")
    >>> (field,) = describe_fields(Look)
    >>> field.label, field.text, field.unit, field.range
    ('Reach', 'how far', 'space unit', '> 0')
    """
    return tuple(_describe(name, field) for name, field in settings.model_fields.items())


def _describe(name: str, field: FieldInfo) -> SettingField:
    kind, optional, choices, number, inner = _read_kind(field.annotation)
    text = field.description or ""
    found = _UNIT.search(text)
    limits = {"low": None, "high": None, "low_open": False, "high_open": False}
    for rule in (*inner, *field.metadata):
        limits |= _read_limit(rule)
    extra = field.json_schema_extra
    group = extra.get("group", "") if isinstance(extra, dict) else ""
    return SettingField(
        name=name,
        label=name.replace("_", " ").capitalize(),
        text=text[: found.start()] if found else text,
        unit=found[1] if found else "",
        kind=kind,
        default=None if field.is_required() else field.get_default(call_default_factory=True),
        required=field.is_required(),
        optional=optional,
        choices=choices,
        number=number,
        group=str(group),
        **limits,  # type: ignore[arg-type]
    )


def _read_limit(rule: Any) -> dict[str, Any]:
    if isinstance(rule, FieldInfo):
        found: dict[str, Any] = {}
        for one in rule.metadata:
            found |= _read_limit(one)
        return found
    if isinstance(rule, annotated_types.Ge):
        return {"low": rule.ge, "low_open": False}
    if isinstance(rule, annotated_types.Gt):
        return {"low": rule.gt, "low_open": True}
    if isinstance(rule, annotated_types.Le):
        return {"high": rule.le, "high_open": False}
    if isinstance(rule, annotated_types.Lt):
        return {"high": rule.lt, "high_open": True}
    return {}


def _read_kind(
    annotation: Any,
) -> tuple[Kind, bool, tuple[Any, ...], type[int] | type[float] | None, tuple[Any, ...]]:
    """Give kind, whether None may be given, choices, type of numbers, and further rules."""
    if get_origin(annotation) is Annotated:
        inner, *rules = get_args(annotation)
        kind, optional, choices, number, more = _read_kind(inner)
        return kind, optional, choices, number, (*more, *rules)
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        if all(isinstance(choice, bool) for choice in choices):
            return "bool", False, (), None, ()
        return "choice", False, choices, None, ()
    if get_origin(annotation) in (Union, types.UnionType):
        return _read_union(get_args(annotation))
    if get_origin(annotation) is tuple:
        parts = {part for part in get_args(annotation) if part is not Ellipsis}
        if len(parts) == 1 and parts <= {int, float}:
            return "numbers", False, (), parts.pop(), ()
    return _PLAIN.get(annotation, "other"), False, (), None, ()


def _read_union(
    parts: tuple[Any, ...],
) -> tuple[Kind, bool, tuple[Any, ...], type[int] | type[float] | None, tuple[Any, ...]]:
    rest = [part for part in parts if part is not type(None)]
    optional = len(rest) < len(parts)
    read = [_read_kind(part) for part in rest]
    if len(read) == 1:
        kind, _, choices, number, rules = read[0]
        return kind, optional, choices, number, rules
    kinds = {kind for kind, *_ in read}
    if kinds == {"numbers"}:
        return "numbers", optional, (), read[0][3], ()
    if kinds == {"float", "choice"}:  # a number, or a word for it
        words = next(choices for kind, _, choices, *_ in read if kind == "choice")
        return "float", optional, words, None, ()
    return "other", optional, (), None, ()


def write_yaml(settings: Settings, names: dict[str, str] | None = None) -> str:
    """Write settings as YAML with a comment for each: what it is, its unit, range and choices.

    Parameters
    ----------
    settings : Settings
    names : dict, optional
        Of settings in it that have a name of their own (the tracker): the name, by field.
    """
    return "".join(f"{line}\n" for line in _write_lines(settings, names or {}, ""))


def _write_lines(settings: Settings, names: dict[str, str], indent: str) -> Iterator[str]:
    dump = settings.model_dump(mode="json")
    for field in describe_fields(type(settings)):
        value = getattr(settings, field.name)
        notes = [field.text.rstrip("."), *field.notes]
        notes += [" | ".join(map(str, field.choices))] if field.kind == "choice" else []
        if field.choices and field.kind == "float":
            notes.append(f"a number, or {' or '.join(map(str, field.choices))}")
        yield from textwrap.wrap(
            "; ".join(notes), 96, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   "
        )
        if isinstance(value, Settings):
            yield f"{indent}{field.name}:"
            if field.name in names:
                yield f"{indent}  name: {names[field.name]}"
            yield from _write_lines(value, {}, f"{indent}  ")
        else:
            shown = value if isinstance(value, float) else dump[field.name]  # infinity
            text = yaml.safe_dump(shown, default_flow_style=True, allow_unicode=True, width=10**6)
            yield f"{indent}{field.name}: {text.removesuffix('...' + chr(10)).strip()}"
