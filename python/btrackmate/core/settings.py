"""Base of the settings classes, one per step."""

import re
import textwrap
from pathlib import Path
from typing import Any, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from btrackmate.core.decimals import is_odd_number
from btrackmate.core.errors import UserError
from btrackmate.core.paths import explain_missing
from btrackmate.core.reading import read_whole

#: With aliases as often as they stand.
_MOST_VALUES = 1_000_000
_MOST_BYTES = 100_000_000
#: Numbers that YAML 1.1 takes for others than they look like: 1:30 for 90, 010 for 8, 1_0 for 10,
#: and those in other than decimal digits, 0x10.
_ODD_NUMBER = re.compile(r".*[:_]|[-+]?0[0-9box]")


class Settings(BaseModel):
    """Immutable settings of one step; unknown names are refused.

    The same class makes the command-line options, the YAML file, the widget and the record
    that is saved with a run.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, validate_default=True
    )

    def __init__(self, /, **values: Any) -> None:
        """Make settings from keywords.

        Raises
        ------
        UserError
            As :meth:`parse`.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _explain(type(self), error, type(self).__name__) from None

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_odd(cls, value: Any, info: ValidationInfo) -> Any:
        """Take no yes (true) for the number 1, and no text 1_0 for 10."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field is not None and not _has_truth(field.annotation):
            msg = "expected a value other than yes or no"
            raise ValueError(msg)
        numbers = list(value.values()) if isinstance(value, dict) else [value]
        if field is not None and (isinstance(value, dict) or not _has_text(field.annotation)):
            if any(isinstance(number, str) and is_odd_number(number) for number in numbers):
                msg = "expected a number in plain decimals"
                raise ValueError(msg)
        return value

    # nested settings are checked by the class that holds them, whose error says where
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_validate(cls, obj: Any, **how: Any) -> Self:
        """Make settings from a dict or from settings, as :meth:`parse`."""
        return cls.parse(obj, cls.__name__, **how)

    @classmethod
    def parse(cls, values: Any, source: str = "settings", **how: Any) -> Self:
        """Make settings from plain values.

        Parameters
        ----------
        values : dict
            Field names (or aliases) and values.
        source : str
            Where the values come from, for the message.
        **how
            As of pydantic's ``model_validate``.

        Raises
        ------
        UserError
            If a name is unknown or a value does not fit; one line, the first fault.
        """
        try:
            return super().model_validate(values, **how)
        except ValidationError as error:
            raise _explain(cls, error, source) from None

    @classmethod
    def from_yaml(cls, path: Path) -> Self:
        """Read settings from a YAML file.

        Raises
        ------
        UserError
            If the file is missing, is not YAML, or holds wrong settings.
        """
        return cls.parse(load_yaml(path), str(path))

    def make_absolute(self) -> Self:
        """Give the same settings with absolute paths, which hold in any folder."""
        changed: dict[str, Any] = {}
        for name, value in self:
            if isinstance(value, Path):
                changed[name] = value.absolute()
            elif isinstance(value, Settings):
                changed[name] = value.make_absolute()
        return self.model_copy(update=changed)

    def list_paths(self) -> list[Path]:
        """List the files and folders that the settings name, nested ones too."""
        values = [value for _, value in self]
        nested = [path for one in values if isinstance(one, Settings) for path in one.list_paths()]
        return [one for one in values if isinstance(one, Path)] + nested


def _has_truth(annotation: Any) -> bool:
    """Tell whether a field can be true or false."""
    is_truth = annotation in (bool, Any) or isinstance(annotation, bool)
    return is_truth or any(map(_has_truth, get_args(annotation)))


def _has_text(annotation: Any) -> bool:
    """Tell whether a field can be any text or path."""
    return annotation in (str, Path, Any) or any(map(_has_text, get_args(annotation)))


def _explain(model: type[BaseModel], error: ValidationError, source: str) -> UserError:
    """Say the first fault in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(_find_model(model, first["loc"]).model_fields)
        return UserError(f"{source}: unknown setting {where!r}; known: {known}")
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, UserError):  # it says what was got, and where
        return UserError(f"{source}: {cause}")
    got = textwrap.shorten(repr(first.get("input")), 80)
    fault = first["msg"].removeprefix("Value error, ")
    return UserError(f"{source}: {where}: {fault} (got {got})" if where else f"{source}: {fault}")


def _find_model(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel]:
    """Follow a fault's location to the settings class that it lies in."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        if field is None or not (
            isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ):
            break
        model = field.annotation
    return model


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    UserError
        If the file is missing or not readable, is not YAML, or holds no mapping.
    """
    try:
        values = _load(read_whole(path, _MOST_BYTES).decode("utf-8"), path)
    except FileNotFoundError:
        msg = f"{path}: {explain_missing(path)}; give the path of a YAML settings file"
        raise UserError(msg) from None
    except OSError as error:
        msg = f"{path}: not readable ({error.strerror}); give the path of a YAML settings file"
        raise UserError(msg) from None
    except RecursionError:
        msg = f"{path}: not readable as YAML: it is nested too deeply"
        raise UserError(msg) from None
    except UserError:
        raise
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = textwrap.shorten(f"{type(error).__name__} {error}", 200)
        msg = f"{path}: not readable as YAML: {reason}"
        raise UserError(msg) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        msg = f"{path}: holds a {type(values).__name__}, expected names and values"
        raise UserError(msg)
    return values


def _load(text: str, path: Path) -> Any:
    """Read YAML whose names stand once, and whose aliases do not grow beyond measure."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_node(node, path, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_node(node: yaml.Node, path: Path, sizes: dict[int, int]) -> int:
    """Count the values below a node, aliases as often as they stand; refuse doubled names."""
    if id(node) in sizes:
        return sizes[id(node)]
    sizes[id(node)] = _MOST_VALUES + 1  # for an alias of what it lies in
    line = node.start_mark.line + 1
    size = 1
    if isinstance(node, yaml.MappingNode):
        names = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in names:
                    name = textwrap.shorten(key.value, 80)
                    msg = f"{path}, line {key.start_mark.line + 1}: {name!r} stands twice; keep one"
                    raise UserError(msg)
                names.add((key.tag, key.value))
            size += _check_node(key, path, sizes) + _check_node(value, path, sizes)
    elif isinstance(node, yaml.ScalarNode):
        is_number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if is_number and _ODD_NUMBER.match(node.value):
            msg = f"{path}, line {line}: {textwrap.shorten(node.value, 80)!r} is no plain decimal "
            msg += "number (YAML would read another one); write e.g. 90 or 1.5, or put it in quotes"
            raise UserError(msg)
    elif isinstance(node, yaml.SequenceNode):
        size += sum(_check_node(value, path, sizes) for value in node.value)
    if size > _MOST_VALUES:
        msg = f"{path}, line {line}: holds more than {_MOST_VALUES:,} values with its aliases; "
        msg += "write them out"
        raise UserError(msg)
    sizes[id(node)] = size
    return size
