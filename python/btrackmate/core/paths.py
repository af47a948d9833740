"""Whether two paths are one file, under whatever names, and what is wrong with a missing one."""

import os
import unicodedata
from pathlib import Path


def overlap(one: Path, other: Path) -> bool:
    """Tell whether two paths are one file, or one lies in the other."""
    return is_same(one, other) or is_inside(one, other) or is_inside(other, one)


def is_same(one: Path, other: Path) -> bool:
    """Tell whether two names are one file: links, and on many disks names in other case."""
    try:
        if one.samefile(other):
            return True
    except OSError:
        pass
    return _spell(one) == _spell(other)


def is_one_name(one: Path, other: Path) -> bool:
    """Tell whether two spellings, relative or under links, lead to one name of a file."""
    return os.path.realpath(one) == os.path.realpath(other)


def is_inside(path: Path, folder: Path) -> bool:
    """Tell whether a path lies in a folder, at any depth."""
    outer, inner = _spell(folder), _spell(path)
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def explain_missing(path: Path, what: str = "file") -> str:
    """Say why there is nothing at a path: a link may lead nowhere.

    Parameters
    ----------
    path : Path
        Where no file or folder was found.
    what : str
        What was expected there.
    """
    if not path.is_symlink():
        return f"no such {what}"
    return f"is a link to {path.readlink()}, where there is no {what}"


def _spell(path: Path) -> tuple[str, ...]:
    """Give the parts of a path as a disk that tells no case apart would compare them."""
    whole = Path(os.path.realpath(path.absolute().parent), path.name)
    return Path(unicodedata.normalize("NFC", str(whole)).casefold()).parts
