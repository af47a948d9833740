"""All calls of a verb, without a run of it for each.

A process that is killed leaves what stands on the disk before the call. So one run, undisturbed,
gives what a kill at each of its calls leaves. And of what is the same, files, links and all, one
second start tells for all.
"""

import contextlib
import hashlib
import os
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from faults import Ended, run_child
from survival.verbs import Reference, drop_times

from btrackmate.core.disk import remove_tree

#: Kind and content of each file, folder and link; another name of the same file has its first one.
State = dict[str, tuple[str, bytes]]
KILLED = Ended(-9, 0)
_TOKEN = re.compile(r"[0-9a-f]{6}-[0-9a-f]{4}-[0-9a-f]+-[0-9a-f]+|[0-9a-f]{32}")


class Points:
    """The points of a verb: each of its calls, killed and failed.

    Parameters
    ----------
    reference : Reference
    notes : Path
        Folder that is made for what is noted of each call.
    """

    def __init__(self, reference: Reference, notes: Path) -> None:
        self.reference = reference
        self._notes = notes
        self._old = _read(reference.template, reference.inputs)
        self._told: dict[bytes, str] = {}
        notes.mkdir()

    @property
    def n_states(self) -> int:
        """How many different ones there were so far."""
        return len(self._told)

    def note_calls(self) -> int:
        """Run the verb undisturbed, note what stands there before each call, and count them."""
        self._put(self._old)

        def note(number: int) -> None:
            while True:
                with contextlib.suppress(FileNotFoundError):  # Another thread ends its own call.
                    (self._notes / str(number)).write_bytes(pickle.dumps(self._read()))
                    return

        ended = run_child(self.reference.work, self.reference.folder, watch=note)
        assert ended.code == 0
        return ended.calls

    def kill_at(self, at: int) -> str:
        """Start the verb on what a kill at a call leaves, and say what is wrong."""
        state: State = pickle.loads((self._notes / str(at)).read_bytes())  # noqa: S301

        def put_again() -> Ended:
            self._put(state)
            return KILLED

        return self._tell(repr(state), put_again, fail=False)

    def fail_at(self, at: int) -> str:
        """Let a call of the verb fail, start it again, and say what is wrong."""
        self._put(self._old)
        first = run_child(self.reference.work, self.reference.folder, at=at, fail=True)
        key = f"{first.code} {_name_alike(self._read())!r}"
        return self._tell(key, lambda: first, fail=True)

    def _tell(self, key: str, end: Callable[[], Ended], *, fail: bool) -> str:
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        if digest not in self._told:
            self._told[digest] = self.reference.start_again(end(), fail=fail)
        return self._told[digest]

    def _read(self) -> State:
        return _read(self.reference.folder, self.reference.inputs)

    def _put(self, state: State) -> None:
        """Put a state beside the inputs, which stay as they are, with their times."""
        folder = self.reference.folder
        for path in folder.iterdir():
            if path.name not in self.reference.inputs:
                remove_tree(path)
        for name, (kind, content) in state.items():
            path = folder / name
            if kind == "folder":
                path.mkdir()
            elif kind == "link":
                path.symlink_to(os.fsdecode(content))
            elif kind == "name":
                path.hardlink_to(folder / os.fsdecode(content))
            else:
                path.write_bytes(content)


def _read(folder: Path, but: frozenset[str]) -> State:
    first: dict[int, str] = {}
    state: State = {}
    for entry in _walk(folder, but):
        name = os.path.relpath(entry.path, folder)
        number = entry.inode()
        if entry.is_symlink():
            state[name] = ("link", os.fsencode(Path(entry).readlink()))
        elif entry.is_dir():
            state[name] = ("folder", b"")
        elif number in first:
            state[name] = ("name", os.fsencode(first[number]))
        else:
            first[number] = name
            state[name] = ("file", Path(entry).read_bytes())
    return state


def _walk(folder: Path, but: frozenset[str] = frozenset()) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name not in but:
                yield entry
                if entry.is_dir() and not entry.is_symlink():
                    yield from _walk(Path(entry))


def _name_alike(state: State) -> list[tuple[str, str, str]]:
    """Give names and contents without what differs from process to process."""
    return [
        (_TOKEN.sub("*", name), kind, _TOKEN.sub("*", repr(drop_times(name, content))))
        for name, (kind, content) in state.items()
        if not name.endswith("/lock")
    ]
