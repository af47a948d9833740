"""Folders of the Cell Tracking Challenge: label images and a table of tracklets."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.reading import read_whole
from btrackmate.io.ctc_names import CTC_NAMES, find_ctc_tracks
from btrackmate.io.label_values import as_labels
from btrackmate.io.tiff import read_tiff

_log = logging.getLogger(__name__)

_SEGMENT = re.compile(r"man_seg_?(\d+)(?:_(\d+))?")


class CtcFrames(Sequence[NDArray[Any]]):
    """Label images of a folder, read one by one.

    Parameters
    ----------
    paths : sequence of Path
        One a frame, in order of time.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = list(paths)
        self._shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, t: int) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, t: slice) -> "CtcFrames": ...

    def __getitem__(self, t: int | slice) -> "NDArray[Any] | CtcFrames":
        """Read frame t, ([Z,] Y, X)."""
        if isinstance(t, slice):
            return CtcFrames(self._paths[t])
        path = self._paths[t]
        labels = as_labels(read_tiff(path, channels=False), str(path))
        self._shape = labels.shape if self._shape is None else self._shape
        if labels.shape != self._shape:
            msg = f"{path}: shape {labels.shape}, expected {self._shape} as of the other frames"
            raise UserError(msg)
        return labels


@dataclass(frozen=True)
class CtcSegments:
    """Some frames, or slices of them, whose cells somebody drew: the files of a SEG folder.

    Parameters
    ----------
    paths : dict from (frame, slice) to Path
        In order; the slice is −1 where a file holds a whole frame.
    """

    paths: Mapping[tuple[int, int], Path]

    def read(self, frame: int, plane: int) -> NDArray[Any]:
        """Read the labels of a frame, or of one slice of it, ([Z,] Y, X)."""
        path = self.paths[frame, plane]
        return as_labels(read_tiff(path), str(path))


@dataclass(frozen=True)
class CtcMovie:
    """A folder of the Cell Tracking Challenge.

    Parameters
    ----------
    frames : CtcFrames
        Label images whose labels are tracklets.
    tracks : DataFrame
        label, begin, end (frames, both included), parent (0 for none).
    """

    frames: CtcFrames
    tracks: pd.DataFrame


def read_ctc(folder: Path) -> CtcMovie:
    """Open a folder with ``man_track.txt`` or ``res_track.txt`` and its label images.

    Parameters
    ----------
    folder : Path
        A ``…_GT/TRA`` or ``…_RES`` folder: ``man_trackTTT.tif`` or ``maskTTT.tif`` beside the
        table.

    Raises
    ------
    UserError
        If the table or the images are missing, or frames are missing between the images.

    References
    ----------
    Naming and annotation of the Cell Tracking Challenge,
    https://celltrackingchallenge.net/datasets/
    """
    for table, stem in CTC_NAMES:
        if (folder / table).is_file():
            frames = _find_frames(folder, stem)
            return CtcMovie(frames, read_tracks_table(folder / table))
    msg = f"{folder}: has no man_track.txt and no res_track.txt; give a TRA or RES folder"
    raise UserError(msg)


def find_ctc(folder: Path) -> tuple[Path | None, CtcSegments | None]:
    """Find what a folder of the Cell Tracking Challenge holds.

    Parameters
    ----------
    folder : Path
        ``01_GT`` (or ``01_ST``) with TRA and SEG in it, one of these two, or ``01_RES``.

    Returns
    -------
    tracks : Path or None
        The folder with the table of tracklets and its label images.
    segments : CtcSegments or None
        The frames of a SEG folder.

    Raises
    ------
    UserError
        If it holds no such data itself, but folders that do.
    """
    tracks = find_ctc_tracks(folder)
    places = (_find_segments(one) for one in (folder, folder / "SEG"))
    segments = next((found for found in places if found), None)
    if tracks is None and not segments and folder.is_dir():
        inside = [one.name for one in sorted(folder.iterdir()) if (one / "TRA").is_dir()]
        if inside:
            msg = f"{folder}: a data set of several movies; give one of {', '.join(inside)}"
            raise UserError(msg)
    return tracks, CtcSegments(segments) if segments else None


def _find_segments(folder: Path) -> dict[tuple[int, int], Path]:
    """Find the files man_segTTT.tif and man_seg_TTT_ZZZ.tif of a folder."""
    found: dict[tuple[int, int], Path] = {}
    for path in sorted(folder.glob("man_seg*.tif")) if folder.is_dir() else ():
        if match := _SEGMENT.fullmatch(path.stem):
            place = int(match[1]), int(match[2] if match[2] is not None else -1)
            if place in found:
                _refuse_two(found[place], path)
            found[place] = path
    return dict(sorted(found.items()))


def _find_frames(folder: Path, stem: str) -> CtcFrames:
    numbered: dict[int, Path] = {}
    for path in sorted(folder.glob(f"{stem}*.tif")):
        number = path.stem.removeprefix(stem)
        if not number.isascii() or not number.isdigit():
            _log.warning("%s is no frame (%sTTT.tif), and is passed over", path, stem)
            continue
        if int(number) in numbered:
            _refuse_two(numbered[int(number)], path)
        numbered[int(number)] = path
    if not numbered:
        msg = f"{folder}: has no images {stem}TTT.tif beside its table"
        raise UserError(msg)
    last = max(numbered)
    if last + 1 != len(numbered):
        lost = next(t for t in range(last) if t not in numbered)
        msg = f"{folder}: no image of frame {lost}, expected frames 0 to {last}"
        raise UserError(msg)
    return CtcFrames([numbered[t] for t in range(last + 1)])


def _refuse_two(one: Path, other: Path) -> NoReturn:
    msg = f"{one} and {other.name} would be one frame: move one of them away"
    raise UserError(msg)


def read_tracks_table(path: Path) -> pd.DataFrame:
    """Read a table of tracklets: L B E P, four integers a line, parted by blanks.

    Returns
    -------
    DataFrame
        label, begin, end, parent (0 for none).

    Raises
    ------
    UserError
        If the file is missing, a line does not hold four integers, or a label stands twice; names
        the line.
    """
    try:
        lines = read_whole(path).decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: not readable as a table of tracklets ({error})"
        raise UserError(msg) from None
    rows = dict[int, NDArray[np.int64]]()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        words = line.split()
        try:
            row = np.array([int(word) for word in words], np.int64)
        except (ValueError, OverflowError):
            words = []
        if len(words) != 4:
            msg = f"{path}, line {number}: got {line.strip()!r}, expected four integers: label, "
            msg += "begin, end, parent"
            raise UserError(msg)
        if int(row[0]) in rows:
            msg = f"{path}, line {number}: label {row[0]} stands twice; keep one line of it"
            raise UserError(msg)
        rows[int(row[0])] = row
    names = ["label", "begin", "end", "parent"]
    return pd.DataFrame(np.array([*rows.values()], np.int64).reshape(-1, 4), columns=names)
