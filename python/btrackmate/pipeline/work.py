"""The unfinished part of a run: frames that are done stay done when the run is killed."""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from btrackmate.core.errors import UserError
from btrackmate.core.files import make_folder, write_atomically
from btrackmate.core.words import flag
from btrackmate.io.run_folder import LABELS, RECORD, WORK

_log = logging.getLogger(__name__)


class WorkFolder:
    """Hidden folder that holds what is done of unfinished work.

    Parameters
    ----------
    path : Path
        The folder; made if missing.
    job : mapping
        What the frames' results depend on (inputs, models, settings, version), as plain JSON
        values. Frames of another job are thrown away.
    """

    def __init__(self, path: Path, job: Mapping[str, Any]) -> None:
        self.path = path
        self._frames = path / "frames"
        text = json.dumps(job, sort_keys=True, indent=1)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        job_file = path / "job.json"
        same = job_file.is_file() and job_file.read_text(encoding="utf-8") == text
        if path.exists() and not same:
            _log.warning(
                "%s: unfinished work had other inputs, models or settings; begun anew", path.parent
            )
            shutil.rmtree(path)
        make_folder(self._frames)
        if not same:
            with write_atomically(job_file) as temporary:
                temporary.write_text(text, encoding="utf-8")

    @property
    def labels(self) -> Path:
        """Where segmented labels are stored, frame by frame."""
        return self.path / LABELS

    def done_frames(self) -> list[int]:
        """Give the frames that are finished, ascending."""
        return sorted(int(path.stem) for path in self._frames.glob("[0-9]*.npz"))

    def save_frame(self, frame: int, tables: Mapping[str, pd.DataFrame]) -> None:
        """Keep the tables of a finished frame."""
        arrays = {
            f"{name}/{column}": _plain(table[column])
            for name, table in tables.items()
            for column in table.columns
        }
        with write_atomically(self._frames / f"{frame:06d}.npz") as temporary:
            with temporary.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]

    def load_frame(self, frame: int) -> dict[str, pd.DataFrame]:
        """Load the tables of a finished frame."""
        columns: dict[str, dict[str, Any]] = {}
        with np.load(self._frames / f"{frame:06d}.npz", allow_pickle=False) as file:
            for key in file.files:
                name, _, column = key.partition("/")
                columns.setdefault(name, {})[column] = file[key]
        return {name: pd.DataFrame(values) for name, values in columns.items()}

    def remove(self) -> None:
        """Remove the work folder when the run is finished."""
        shutil.rmtree(self.path)


def describe_files(paths: Mapping[str, Path]) -> dict[str, Any]:
    """Tell files by path, size and time of change, for the job of a work folder."""
    return {
        role: [str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns]
        for role, path in paths.items()
    }


def check_run_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that is no unfinished run of ours.

    Raises
    ------
    UserError
        If it holds a finished run or other files and `overwrite` is false.
    """
    if not folder.exists() or overwrite:
        return
    if (folder / RECORD).exists():
        msg = f"{folder} holds a finished run: give another output, or {flag('overwrite')}"
        raise UserError(msg)
    if any(folder.iterdir()) and not (folder / WORK).exists():
        msg = f"{folder} is not empty and holds no unfinished run: give another output, or "
        msg += flag("overwrite")
        raise UserError(msg)


def _plain(values: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    """Give a column as an array that needs no pickle."""
    array = values.to_numpy()
    return array.astype(str) if array.dtype.kind in "OTSU" else array
