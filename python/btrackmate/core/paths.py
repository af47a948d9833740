"""Whether two paths are one file, under whatever names, and what is wrong with a missing one."""

import os
import unicodedata
from pathlib import Path


class Names:
    """Paths, among which others are found under whatever names: links, and names in other case."""

    def __init__(self) -> None:
        self._spelt: dict[tuple[str, ...], Path] = {}
        self._above: dict[tuple[str, ...], Path] = {}
        self._there: dict[tuple[int, int], Path] = {}

    def add(self, path: Path) -> None:
        """Take a path up; it need not be there."""
        parts = _spell(path)
        self._spelt[parts] = path
        for end in range(1, len(parts)):
            self._above[parts[:end]] = path
        if (number := _number(path)) is not None:
            self._there[number] = path

    def find_same(self, path: Path) -> Path | None:
        """Find one that is the same file or folder."""
        number = _number(path)
        found = None if number is None else self._there.get(number)
        return found or self._spelt.get(_spell(path))

    def find_above(self, path: Path) -> Path | None:
        """Find one in which a path lies, at any depth."""
        parts = _spell(path)
        found = (self._spelt.get(parts[:end]) for end in range(1, len(parts)))
        return next((one for one in found if one is not None), None)

    def find_in(self, path: Path) -> Path | None:
        """Find one that lies in a path, at any depth."""
        return self._above.get(_spell(path))

    def files(self) -> list[Path]:
        """List those that are files."""
        return [path for path in self._there.values() if path.is_file()]


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
