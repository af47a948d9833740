"""The unfinished part of a run: frames that are done stay done when the run is stopped."""

import contextlib
import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.files import make_folder, remove, write_stream, write_text
from btrackmate.core.watching import stamp_files
from btrackmate.core.workplace import Workplace
from btrackmate.io.labels import remove_markers
from btrackmate.io.run_folder import LOG

_log = logging.getLogger(__name__)

_JOB = "job.json"
_FINISHED = "finished.json"
_FRAMES = "frames"
_DIGEST_SIZE = hashlib.sha256().digest_size
#: What the parts of a job are called in messages.
_PARTS = {
    "version": "version of BTrackMate",
    "options": "settings",
    "channel": "settings",
    "ome_zarr": "settings",
}


class WorkFolder:
    """Hidden folder that holds what is done of unfinished work.

    Parameters
    ----------
    place : Workplace
        The folder; it is entered when the work begins.
    labels : Path
        Where segmented labels are stored, frame by frame; in `place`.

    Attributes
    ----------
    fingerprint : str
        What stands for the job (64 hexadecimal digits), once it is begun.
    """

    def __init__(self, place: Workplace, labels: Path) -> None:
        self.place = place
        self.labels = labels
        self.fingerprint = ""

    @property
    def path(self) -> Path:
        """The folder."""
        return self.place.path

    def begin(self, job: Mapping[str, Any]) -> None:
        """Take the folder for a job; what is there of another one is thrown away.

        Parameters
        ----------
        job : mapping
            What the frames' results depend on (inputs, models, settings, version), as plain JSON
            values.

        Raises
        ------
        UserError
            If another process works there.
        """
        self.place.enter()
        text = _write_job(job)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        before = self._read_job(_JOB)
        if before is None or before != json.loads(text):
            if before is not None:
                _log.warning(
                    "%s: begun anew, as what was done there had other %s",
                    self.place.what, ", ".join(list_changes(before, json.loads(text))),
                )  # fmt: skip
            self.place.clear()
            write_text(self.path / _JOB, text)
        remove(self.path / _FINISHED)
        for path in self.place.new.iterdir():  # Made anew of the frames, perhaps in another way.
            if path not in (self.labels, self.place.new / LOG):
                remove(path)
        make_folder(self._tables)
        for frame in self.done_frames():
            if _read_checked(self._name(frame)) is None:
                _log.warning("frame %d was damaged and is done again", frame)
                self.forget_frame(frame)
        done = self.done_frames()
        if done:
            _log.info(
                "%s: goes on; %d finished frames are kept, as inputs, models, settings and version "
                "are the same", self.place.what, len(done),
            )  # fmt: skip

    def mark_finished(self, job: Mapping[str, Any]) -> None:
        """Note that all that is to be put in place lies in the folder, and of what job.

        Raises
        ------
        UserError
            If another process works there by now.
        """
        self.place.confirm()
        made = self.place.stamp()
        write_text(self.path / _FINISHED, _write_job({"job": job, "made": made}))

    def confirm(self, check: Callable[[], None]) -> None:
        """Look at the end whether the inputs are the same still: `check` raises if they are not.

        The next start begins anew then, as what was done here may be of the changed ones.
        """
        try:
            check()
        except UserError:
            remove(self.path / _JOB)
            raise

    def is_finished(self, job: Mapping[str, Any]) -> bool:
        """Tell whether all that a job makes lies in the folder, or stands in place already."""
        told = self._read_job(_FINISHED) or {}
        same = told.get("job") == json.loads(_write_job(job))
        made = told.get("made")
        return same and isinstance(made, dict) and self.place.holds(made)

    def publish(self, names: Sequence[str]) -> None:
        """Put what is finished in place in one moment, unless it stands there; remove the folder.

        The frames' tables, and what tells where they lie and that they are whole, are the last to
        go.

        Parameters
        ----------
        names : sequence of str
            See :meth:`btrackmate.core.workplace.Workplace.publish`.
        """
        if not self.place.is_published:
            if self.labels.parent == self.place.new and self.labels.exists():
                remove_markers(self.labels)
            self.place.publish(names)
        self.place.remove(_FINISHED, _FRAMES, _JOB)

    def give_up(self) -> None:
        """Remove the folder if nothing is finished in it, and let another process take it."""
        finished = self.done_frames() or (self.path / _FINISHED).exists()
        if self.place.is_held and not finished:
            self.place.remove()
        self.place.leave()

    def _read_job(self, name: str) -> dict[str, Any] | None:
        """Read the job of the folder; None where there is none, or none that is whole."""
        try:
            job = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return job if isinstance(job, dict) else None

    def done_frames(self) -> list[int]:
        """Give the frames that are finished, ascending."""
        names = (path.stem for path in self._tables.glob("*.npz"))
        return sorted(int(name) for name in names if name.isdecimal())

    def forget_frame(self, frame: int) -> None:
        """Let a frame be done again."""
        remove(self._name(frame))

    def save_frame(self, frame: int, tables: Mapping[str, pd.DataFrame]) -> None:
        """Keep the tables of a finished frame, with a checksum.

        Raises
        ------
        StorageError
            If the folder is gone: moved or removed, perhaps with its run; it is not made anew.
        """
        if not self._tables.is_dir():
            msg = f"{self.path} was moved or removed while frames were made: start again"
            raise StorageError(msg)
        arrays = {
            f"{name}/{column}": _plain(table[column])
            for name, table in tables.items()
            for column in table.columns
        }
        kept = io.BytesIO()
        np.savez(kept, **arrays)  # type: ignore[arg-type]
        with write_stream(self._name(frame), "wb") as stream:
            stream.write(kept.getbuffer())
            stream.write(hashlib.sha256(kept.getbuffer()).digest())

    def load_frame(self, frame: int) -> dict[str, pd.DataFrame]:
        """Load the tables of a finished frame.

        Raises
        ------
        StorageError
            If it is not finished: what was there has been removed or damaged.
        """
        content = _read_checked(self._name(frame))
        if content is None:
            msg = f"{self._name(frame)} was removed or damaged meanwhile: start again"
            raise StorageError(msg)
        columns: dict[str, dict[str, Any]] = {}
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            for key in file.files:
                name, _, column = key.partition("/")
                columns.setdefault(name, {})[column] = file[key]
        return {name: pd.DataFrame(values) for name, values in columns.items()}

    @property
    def _tables(self) -> Path:
        """The frames' folder: no worker of another job, however late, can write into it."""
        fingerprint = self.fingerprint
        if not fingerprint:
            with contextlib.suppress(OSError):
                fingerprint = hashlib.sha256((self.path / _JOB).read_bytes()).hexdigest()
        return self.path / _FRAMES / (fingerprint[:16] or "none")

    def _name(self, frame: int) -> Path:
        return self._tables / f"{frame:06d}.npz"


def _write_job(job: Mapping[str, Any]) -> str:
    return json.dumps(job, sort_keys=True, indent=1)


def _read_checked(path: Path) -> bytes | None:
    """Read a file that ends with its checksum; None where that is wrong."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    body, digest = content[:-_DIGEST_SIZE], content[-_DIGEST_SIZE:]
    whole = hashlib.sha256(body).digest() == digest and zipfile.is_zipfile(io.BytesIO(body))
    return body if whole else None


def describe_files(paths: Mapping[str, Path | None]) -> dict[str, Any]:
    """Tell files, and those in folders one by one, by size and times of change.

    Parameters
    ----------
    paths : dict from role to Path or None
        Inputs; None for what is not given.

    Returns
    -------
    dict
        Absolute path, and what `stamp_files` gives.
    """
    return {
        role: [str(path.absolute()), stamp_files(path)]
        for role, path in paths.items()
        if path is not None
    }


def list_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name the parts of a job that differ, inputs and models one by one.

    Parameters
    ----------
    before, now : mapping
        As `WorkFolder.begin` takes them.

    Returns
    -------
    list of str
    """
    changes: list[str] = []
    for part in sorted({*before, *now}):
        one, other = before.get(part), now.get(part)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict) and part in ("inputs", "models"):
            roles = [role for role in sorted({*one, *other}) if one.get(role) != other.get(role)]
            changes += [f"{role} ({part[:-1]})" for role in roles]
        else:
            changes.append(_PARTS.get(part, part))
    return list(dict.fromkeys(changes))


def _plain(values: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    """Give a column as an array that needs no pickle."""
    array = values.to_numpy()
    return array.astype(str) if array.dtype.kind in "OTSU" else array
