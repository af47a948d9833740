"""Base of the settings classes, one per step."""

import textwrap
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from btrackmate.core.errors import UserError


class Settings(BaseModel):
    """Immutable settings of one step; unknown names are refused.

    The same class makes the command-line options, the YAML file, the widget and the record
    that is saved with a run.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, validate_default=True
    )

    @classmethod
    def parse(cls, values: dict[str, Any], source: str = "settings") -> Self:
        """Make settings from plain values.

        Parameters
        ----------
        values : dict
            Field names (or aliases) and values.
        source : str
            Where the values come from, for the message.

        Raises
        ------
        UserError
            If a name is unknown or a value does not fit; one line, the first fault.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "values"
            got = textwrap.shorten(repr(first.get("input")), 80)
            fault = first["msg"].removeprefix("Value error, ")
            msg = f"{source}: {where}: {fault} (got {got})"
            if first["type"] == "extra_forbidden":
                known = ", ".join(_find_model(cls, first["loc"]).model_fields)
                msg = f"{source}: unknown setting {where!r}; known: {known}"
            raise UserError(msg) from None

    @classmethod
    def from_yaml(cls, path: Path) -> Self:
        """Read settings from a YAML file.

        Raises
        ------
        UserError
            If the file is missing, is not YAML, or holds wrong settings.
        """
        return cls.parse(load_yaml(path), str(path))


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
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        msg = f"{path}: no such file; give the path of a YAML settings file"
        raise UserError(msg) from None
    except OSError as error:
        msg = f"{path}: not readable ({error.strerror}); give the path of a YAML settings file"
        raise UserError(msg) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"{path}: not readable as YAML: {' '.join(str(error).split())}"
        raise UserError(msg) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        msg = f"{path}: holds a {type(values).__name__}, expected names and values"
        raise UserError(msg)
    return values
