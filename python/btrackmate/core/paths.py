"""Whether two paths are one file, under whatever names, and what is wrong with a missing one."""

import os
import unicodedata
from pathlib import Path
from typing import NamedTuple, Self


class Name(NamedTuple):
    """A path with what tells it from others: how it is spelt, and which file is there, if any."""

    path: Path
    parts: tuple[str, ...]
    number: tuple[int, int] | None

    @classmethod
    def of(cls, path: Path) -> Self:
        """Look at a path; it need not be there."""
        return cls(path, _spell(path), _number(path))


class Names:
    """Paths, among which others are found under whatever names: links, and names in other case."""

    def __init__(self) -> None:
        self._spelt: dict[tuple[str, ...], Path] = {}
        self._above: dict[tuple[str, ...], Path] = {}
        self._there: dict[tuple[int, int], Path] = {}

    def hold(self, endings: tuple[str, ...]) -> bool:
        """Tell whether any that stands there has a name that ends so."""
        return any(path.name.lower().endswith(endings) for path in self._there.values())

    def add(self, name: Name) -> None:
        """Take a path up."""
        self._spelt[name.parts] = name.path
        for end in range(1, len(name.parts)):
            self._above[name.parts[:end]] = name.path
        if name.number is not None:
            self._there[name.number] = name.path

    def find_same(self, name: Name) -> Path | None:
        """Find one that is the same file or folder."""
        return self._there.get(name.number or (0, 0)) or self._spelt.get(name.parts)

    def find_file(self, file: Path) -> Path | None:
        """Find one that is the same file, by links alone: quickly, for many files."""
        return self._there.get(_number(file) or (0, 0))

    def find_above(self, name: Name) -> Path | None:
        """Find one in which a path lies, at any depth."""
        found = (self._spelt.get(name.parts[:end]) for end in range(1, len(name.parts)))
        return next((one for one in found if one is not None), None)

    def find_in(self, name: Name) -> Path | None:
        """Find one that lies in a path, at any depth."""
        return self._above.get(name.parts)

    def find_beside(self, name: Name, endings: tuple[str, ...]) -> Path | None:
        """Find one that lies in a folder itself and has one of the endings."""
        beside = (path for parts, path in self._spelt.items() if parts[:-1] == name.parts)
        return next((one for one in beside if one.name.lower().endswith(endings)), None)


def is_one_name(one: Path, other: Path) -> bool:
    """Tell whether two spellings, relative or under links, lead to one name of a file."""
    return os.path.realpath(one) == os.path.realpath(other)


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


def _number(path: Path) -> tuple[int, int] | None:
    """Give what tells a file or folder from all others; None where nothing is there."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_dev, told.st_ino
