"""Hidden folders in which an output grows over minutes or days, and goes on after a stop."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from btrackmate.core.disk import keep_rights, sync_tree
from btrackmate.core.errors import StorageError, UserError, describe_fault
from btrackmate.core.files import clear_below, discard, make_folder, move, remove
from btrackmate.core.interrupts import hold_interrupts
from btrackmate.core.locks import Lock
from btrackmate.core.outputs import (
    OF_SYSTEMS,
    check_unchanged,
    check_whole,
    forget_outputs,
    note_again,
)
from btrackmate.core.owners import Owner
from btrackmate.core.replacing import (
    ENDED,
    NEW,
    has_begun,
    has_ended,
    put_all,
    settle,
)
from btrackmate.core.staging import clear_leftovers, hold_folder
from btrackmate.core.stamps import holds_sealed, seal_output, stamp_output, stands_sealed

_LOCK = "lock"
#: How the names begin of the folders in which processes make what they put in place.
_OWN = "new-"
#: What one of ours holds at any moment: one of these at least.
_OURS = re.compile(rf"{_LOCK}|{NEW}(-.*)?|{ENDED}|(job|training|finished)\.json")
_LONGEST = 64


class Workplace:
    """A hidden folder that one process at a time works in, and what it makes for another folder.

    What is finished in `new` is put in place in one moment by `publish`. Whatever stops the
    process, the next one goes on from what is there.

    A process may lose the folder without ending: it was taken for dead while its machine slept, or
    its folder was moved and another began at the same place. So `new` has another name for each
    process, and what one that lost the folder still writes never lies among the files of another.

    Parameters
    ----------
    path : Path
        The hidden folder.
    folder : Path
        Where the results go, on the same disk.
    what : str
        What is made, for the line that another process is refused with.
    """

    def __init__(self, path: Path, folder: Path, what: str) -> None:
        self.path = path
        self.what = what
        self.folder = folder
        self._lock = Lock(path / _LOCK, what)

    @property
    def new(self) -> Path:
        """Folder of this process for what will be put in place, under its final names."""
        return self.path / f"{_OWN}{Owner.current().token}"

    @property
    def is_held(self) -> bool:
        """Whether this process works in the folder."""
        return self._lock.is_ours

    @property
    def holder(self) -> bytes:
        """What stands for the process that works here, for `is_held_by` in its workers."""
        return self._lock.text

    def is_held_by(self, holder: bytes) -> bool:
        """Tell, in any process that sees the folder, whether that process still works here."""
        try:
            return (self.path / _LOCK).read_bytes() == holder
        except OSError:
            return False

    @property
    def is_published(self) -> bool:
        """Whether its results stand where they belong, and only its removal was stopped."""
        return has_ended(self.path)

    def enter(self, *, make: bool = True) -> bool:
        """Take the folder for this process, and end what one that was stopped began to publish.

        Parameters
        ----------
        make : bool
            Make the folder if it is not there.

        Returns
        -------
        bool
            Whether it is there now.

        Raises
        ------
        UserError
            If another process works there, or the folder is somebody else's or cannot be made.
        """
        if self._lock.is_ours:
            return True
        if not make and not self.path.is_dir():
            return False
        self._check_ours()
        make_folder(self.path)
        try:
            self._lock.acquire()
            if has_begun(self.path):
                settle(self.path, self.folder)
                note_again(self.folder)
            self._take_new()
            clear_leftovers(self.folder)
        except OSError as error:
            self.leave()
            msg = f"cannot work in {self.path}: {describe_fault(error)}"
            raise StorageError(msg) from error
        return True

    def _check_ours(self) -> None:
        """Refuse a folder of that name which somebody keeps other things in."""
        held = self.path.iterdir() if self.path.is_dir() else ()
        names = [path.name for path in held if not OF_SYSTEMS.fullmatch(path.name)]
        if names and not any(_OURS.fullmatch(name) for name in names):
            msg = f"{self.path} holds {names[0]} and is no folder of BTrackMate's, which works in "
            msg += "one of that name: move it away, or give another output"
            raise UserError(msg)

    def confirm(self) -> None:
        """Check that this process still works in the folder.

        Raises
        ------
        UserError
            If another process took it over, or it was removed.
        """
        self._lock.confirm()

    def stamp(self) -> dict[str, str]:
        """Tell what ``new`` holds now, which is all that is to be put in place, for `holds`."""
        paths = sorted(path for path in self.new.iterdir() if not path.name.startswith("."))
        return {path.name: seal_output(path) for path in paths}

    def holds(self, made: Mapping[str, str]) -> bool:
        """Tell whether `new` holds what was stamped, or it was put in place and stands there.

        A copy of the folder may hold less, as some ways to copy leave out links, or are cut, or
        filled up with zeros; and what was put in place may be gone or replaced by now. Times are
        those of copying in a copy.
        """
        if self.is_published:
            return all(stands_sealed(self.folder / name, seal) for name, seal in made.items())
        return all(holds_sealed(self.new / name, seal) for name, seal in made.items())

    def _take_new(self) -> None:
        """Take over what the process before was making; where it is not sure which, begin anew."""
        ready, found = self.path / NEW, sorted(self.path.glob(f"{_OWN}*"))
        before = self._lock.before
        last = None if before is None else f"{_OWN}{before.token}"
        if ready.exists() and not self.is_published:  # Its publishing was stopped or refused.
            kept = [ready]
        else:
            known = [p for p in found if p == self.new] or [p for p in found if p.name == last]
            kept = known or found
        if len(kept) > 1:
            self.clear()
            return
        for left in found:
            if left not in kept:
                remove(left)
        if kept and kept[0] != self.new:
            move(kept[0], self.new)
        make_folder(self.new)

    def clear(self, *kept: str) -> None:
        """Remove what is in the folder, but some entries, and make ``new`` again."""
        for path in self._list(kept):
            remove(path)
        make_folder(self.new)

    def publish(self, names: Sequence[str]) -> None:
        """Put what ``new`` holds in place, in one moment.

        Parameters
        ----------
        names : sequence of str
            What there may be; what ``new`` does not hold is taken away from the folder. The name
            that tells others that all is there is the last.

        Raises
        ------
        UserError
            If another process took the folder over in the meantime, somebody changed what would
            be replaced, or a folder that is replaced holds what would be lost.
        StorageError
            If the disk refuses; nothing has changed then.
        """
        clear_below(self.new)
        places = (self.new, self.folder)
        known = [n for n in dict.fromkeys(names) if any(os.path.lexists(at / n) for at in places)]
        self._check(known)
        try:
            for name in known:
                if os.path.lexists(self.new / name):
                    keep_rights(self.folder / name, self.new / name)
                    sync_tree(self.new / name)
            with hold_interrupts(), hold_folder(self.folder):
                self.confirm()
                seen = {n: stamp_output(self.folder / n, exact=True) for n in known}
                self._check(known)  # Again, as others were waited for.
                self._put(known, seen)
            forget_outputs(self.folder / name for name in known)
        except OSError as error:
            named = {Path(str(name)).name for name in (error.filename, error.filename2) if name}
            where = next((self.folder / name for name in known if name in named), self.folder)
            msg = f"cannot write {where}: {describe_fault(error)}; what stood there is left "
            msg += "as it was, and what is finished is kept: start again"
            raise StorageError(msg) from error

    def _check(self, names: Sequence[str]) -> None:
        """Refuse to replace what somebody made or changed meanwhile."""
        for name in names:
            check_whole(self.folder / name)
            check_unchanged(self.folder / name)

    def _put(self, names: Sequence[str], seen: Mapping[str, str]) -> None:
        ready = self.path / NEW
        remove(ready)
        move(self.new, ready)
        try:
            put_all(self.path, self.folder, names, seen)
        except BaseException:
            if not (self.is_published or has_begun(self.path)):  # Else names lead there.
                move(ready, self.new)
            raise

    def remove(self, *last: str) -> None:
        """Remove the folder: all but some entries first, then at one moment the rest.

        Nothing happens where another process works there by now.

        Raises
        ------
        StorageError
            If the disk refuses, as for what was replaced and is protected.
        """
        if not self.is_held:
            return
        ended = f"; what was made stands in {self.folder}" if self.is_published else ""
        with hold_interrupts():
            try:
                for path in self._list((ENDED, *last)):
                    remove(path)
                self._lock.release()
                discard(self.path)
            except StorageError as error:
                msg = f"{error}{ended}"
                raise StorageError(msg) from error

    def leave(self) -> None:
        """Let another process take the folder."""
        self._lock.release()

    def _list(self, kept: Sequence[str]) -> list[Path]:
        """List the entries; that the results were published is forgotten last."""
        paths = [p for p in self.path.iterdir() if p.name not in (_LOCK, *kept)]
        return sorted(paths, key=lambda path: path.name == ENDED)


def name_workplace(output: Path, ending: str) -> Path:
    """Name the hidden folder beside an output, by a name that is not longer where it is long."""
    name = f".{output.name}{ending}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f".{hashlib.sha256(os.fsencode(output.name)).hexdigest()[:24]}{ending}"
    return output.parent / name
