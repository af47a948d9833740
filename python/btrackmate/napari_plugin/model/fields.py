"""Settings as text fields: what is shown of a value, and what a person's text means."""

from typing import Any

import yaml

from btrackmate.core.errors import UserError
from btrackmate.core.fields import SettingField, describe_fields
from btrackmate.core.settings import Settings


def write_value(field: SettingField, value: Any) -> str:
    """Write a setting's value as a person types it."""
    if value is None:
        return ""
    if isinstance(value, Settings):
        value = value.model_dump(mode="json")
    if field.kind == "numbers":
        return ", ".join(f"{one:g}" for one in value)
    if isinstance(value, bool | dict | list | tuple):
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6)
        return "" if value == {} else text.removesuffix("...\n").strip()
    return f"{value:g}" if isinstance(value, float) else str(value)


def read_value(field: SettingField, text: str) -> Any:
    """Read what a person typed; the settings check it.

    Raises
    ------
    UserError
        If it is no value of this kind.
    """
    text = text.strip()
    if not text:
        return None if field.optional else field.default
    try:
        if field.kind == "numbers":
            return [(field.number or float)(part) for part in text.replace(";", ",").split(",")]
        if field.kind in ("text", "path"):
            return text
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        msg = f"{field.label}: got {text!r}, expected {field.range or field.kind}"
        raise UserError(msg) from None


def list_groups(settings: type[Settings]) -> dict[str, list[SettingField]]:
    """List the settings of a class by the heading that they stand under."""
    groups: dict[str, list[SettingField]] = {}
    for field in describe_fields(settings):
        groups.setdefault(field.group, []).append(field)
    return groups


def describe(field: SettingField) -> str:
    """Say what a setting is, with unit, range and choices."""
    notes = "; ".join([field.text.rstrip("."), *field.notes])
    words = f"; a number, or {' or '.join(map(str, field.choices))}" if (
        field.choices and field.kind == "float") else ""  # fmt: skip
    return f"{notes}{words}"
