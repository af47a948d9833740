"""A Zarr store in a folder that writes one file after the other, and knows what it wrote."""

import asyncio
import errno
import os
from pathlib import Path

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore


class CarefulStore(LocalStore):  # type: ignore[misc]
    """Store in a folder that ends with its first fault.

    Zarr writes in threads: where one fails, others would go on, make folders anew that were
    removed, and tell of faults that nobody asks for.

    Parameters
    ----------
    root : Path or str
        Of a new store.
    read_only : bool
    """

    def __init__(self, root: Path | str, *, read_only: bool = False) -> None:
        super().__init__(root, read_only=read_only)
        self._names = set[str]()
        self._turn = asyncio.Lock()
        self._is_whole = True

    async def set(self, key: str, value: Buffer) -> None:
        """Write a file, see `zarr.storage.LocalStore.set`."""
        async with self._turn:
            if not self._is_whole:
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
            self._is_whole = False
            await super().set(key, value)
            self._is_whole = True
            self._names.add(key)

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
