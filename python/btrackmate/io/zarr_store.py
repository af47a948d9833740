"""Zarr stores in folders: one that sees cut chunks, one that knows what it wrote."""

import asyncio
import errno
import json
import os
from pathlib import Path, PurePosixPath
from typing import Any

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

#: Bytes of what Blosc writes before its data; the last four are how many bytes there are.
_BLOSC_HEADER = 16


class ReadingStore(LocalStore):  # type: ignore[misc]
    """Store in a folder, to be read, that refuses chunks of Blosc that were cut.

    Blosc believes the length that stands in a chunk: of one that was cut it reads on in memory,
    and gives what happens to lie there.

    Parameters
    ----------
    root : Path or str
        Of a store that is there.
    """

    def __init__(self, root: Path | str, *, read_only: bool = False) -> None:
        super().__init__(root, read_only=read_only)
        self._blosc: dict[PurePosixPath, bool] = {}

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Buffer | None:
        """Read a file, or a part of it, see `zarr.storage.LocalStore.get`.

        Raises
        ------
        ValueError
            If it is a chunk that was cut.
        """
        value = await super().get(key, prototype, byte_range)
        if value is None or byte_range is not None or not self._is_blosc_chunk(key):
            return value
        told = int.from_bytes(value[12:_BLOSC_HEADER].to_bytes(), "little")
        if len(value) < max(told, _BLOSC_HEADER):
            msg = f"chunk {key} holds {len(value)} of {told or 'unknown'} bytes"
            raise ValueError(msg)
        return value

    def _is_blosc_chunk(self, key: str) -> bool:
        """Tell whether the file is a chunk of an array whose chunks are Blosc's."""
        path = PurePosixPath(key)
        if path.name.startswith(".z") or path.name == "zarr.json":
            return False
        if path.parent not in self._blosc:
            self._blosc[path.parent] = self._reads_blosc(path)
        return self._blosc[path.parent]

    def _reads_blosc(self, chunk: PurePosixPath) -> bool:
        for parent in chunk.parents:
            for name in (".zarray", "zarr.json"):
                file = Path(self.root, parent, name)
                if file.is_file():
                    return _names_blosc(json.loads(file.read_bytes()))
        return False


def _names_blosc(metadata: dict[str, Any]) -> bool:
    """Tell whether an array's chunks are, at last, compressed by Blosc."""
    codecs = metadata.get("codecs") or [{"name": (metadata.get("compressor") or {}).get("id")}]
    return str(codecs[-1].get("name")).endswith("blosc")


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
