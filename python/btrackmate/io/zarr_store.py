"""A Zarr store in a folder that knows what was written into it."""

import errno
import os
from pathlib import Path

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore


class NotingStore(LocalStore):  # type: ignore[misc]
    """Store in a folder; Zarr's threads make folders anew that somebody removes meanwhile.

    Parameters
    ----------
    root : Path or str
        Of a new store.
    read_only : bool
    """

    def __init__(self, root: Path | str, *, read_only: bool = False) -> None:
        super().__init__(root, read_only=read_only)
        self._names = set[str]()

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file, see `zarr.storage.LocalStore.set`."""
        self._names.add(key)
        await super().set(key, value)

    def check_whole(self) -> None:
        """See that all that was written stands there, and nothing else.

        Raises
        ------
        FileNotFoundError
            If somebody removed some of it.
        """
        files = (one for one in self.root.rglob("*") if not one.is_dir())
        if {one.relative_to(self.root).as_posix() for one in files} != self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
