"""Folders of images that belong together by file name, e.g. images and their labels."""

from collections.abc import Mapping
from pathlib import Path

from btrackmate.core.errors import UserError

_SUFFIXES = (".tif", ".tiff")
_MOST_NAMED = 5


def list_by_name(folder: Path) -> dict[str, Path]:
    """List the TIFF files of a folder by their names without suffix.

    Parameters
    ----------
    folder : Path
        Files whose names begin with a dot are left out.

    Returns
    -------
    dict of str to Path
        In the order of the files' names.

    Raises
    ------
    UserError
        If two files have the same name but for the suffix.
    """
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in files:
            msg = f"{folder} holds {files[path.stem].name} and {path.name}; "
            msg += "expected one file of a name: rename or remove one"
            raise UserError(msg)
        files[path.stem] = path
    return files


def pair_by_name(first: Mapping[str, Path], second: Mapping[str, Path]) -> list[tuple[Path, Path]]:
    """Pair the files of two folders by name.

    Parameters
    ----------
    first, second : mapping of str to Path
        From `list_by_name`.

    Returns
    -------
    list of (Path, Path)
        In the order of the names.

    Raises
    ------
    UserError
        If a file has no partner; it is named.
    """
    alone = [
        f"{one[name].name} in {one[name].parent}"
        for one, other in ((first, second), (second, first))
        for name in sorted(one.keys() - other.keys())
    ]
    if alone:
        more = f" and {len(alone) - _MOST_NAMED} more" if len(alone) > _MOST_NAMED else ""
        msg = f"no partner of the same name for {', '.join(alone[:_MOST_NAMED])}{more}; "
        msg += "images and labels are paired by file name: rename, add or remove a file"
        raise UserError(msg)
    return [(first[name], second[name]) for name in sorted(first)]
