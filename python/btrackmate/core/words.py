"""How a message names what the user can give: keywords in Python, options on the command line.

Messages of the library name its arguments, as in ``check axes=``. The command line, which alone
knows that it is one, turns that on for as long as it runs a verb: ``check --axes``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

_on_command_line = False


@contextmanager
def command_line() -> Iterator[None]:
    """Name options instead of keyword arguments, in every thread, until the block ends."""
    global _on_command_line  # noqa: PLW0603
    before, _on_command_line = _on_command_line, True
    try:
        yield
    finally:
        _on_command_line = before


def is_command_line() -> bool:
    """Tell whether options are named: workers elsewhere are told, as their words come back."""
    return _on_command_line


def option(name: str, value: str = "") -> str:
    """Name an argument: ``voxel_size=(Z,Y,X)``, or ``--voxel-size Z,Y,X``.

    Parameters
    ----------
    name : str
        As in Python.
    value : str
        What to give, as on the command line; numbers of a tuple are split by commas.
    """
    if _on_command_line:
        return f"--{name.replace('_', '-')} {value}".rstrip()
    return f"{name}=({value})" if "," in value else f"{name}={value}"


def flag(name: str) -> str:
    """Name an argument that is switched on: ``overwrite=True``, or ``--overwrite``."""
    return option(name) if _on_command_line else f"{name}=True"


def setting(name: str, value: str = "…") -> str:
    """Name a tracker's setting: ``max_frame_gap=3``, or ``--set MAX_FRAME_GAP=3``."""
    return f"--set {name.upper()}={value}" if _on_command_line else f"{name}={value}"
