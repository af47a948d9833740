"""Ids in tables of tracks that are no tracks', but numbers of cells, counted anew in each frame."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.io.numbers import MAX_EXACT

_log = logging.getLogger(__name__)

Ints = NDArray[np.int64]

#: Cells that are looked at, at most about twice as many.
_TRIED = 2000
#: Part of them that names cells of the frame before, where a column names such.
_NAMED = 0.8
#: Part that is the nearest to the one before it in its track: less is not from tracks, where there
#: are so many, in frames with more cells than that.
_NEAREST, _FEWEST, _CROWD = 0.5, 20, 3


def check_anew(spots: Spots, track: str, path: Path) -> None:
    """Refuse ids of tracks that are numbers of cells, counted anew in each frame.

    They are if another column names cells of the frame before by them, and these lie nearer. Warn
    where cells that follow each other in a track are mostly not the nearest ones.

    Parameters
    ----------
    spots : Spots
    track : str
        The feature with the ids.
    path : Path
        For the message.

    Raises
    ------
    UserError
        Names both columns.
    """
    table = _Numbered.make(spots, spots.feature(track))
    later = np.flatnonzero(spots.frame > spots.frame.min(initial=np.iinfo(np.int64).max))
    some = later[:: max(1, later.size // _TRIED)]
    if table is None:
        return
    before, after = table.find_before(table.member, some)
    if not before.size:
        return
    apart = table.measure(before, after)
    for name in spots.features:
        named = spots.feature(name)
        rows = some[np.isfinite(named[some]) & (named[some] >= 0)]
        old, new = table.find_before(named, rows)
        other = (named[new] != table.member[new]).sum()
        if old.size < _NAMED * rows.size or other < 2 or table.measure(old, new) >= apart / 2:
            continue
        msg = f"{path}: the ids in {track} (or id) count anew in each frame, as {name} names cells "
        msg += "of the frame before by them: give each cell an id of its own, and in parent_id "
        msg += "that of the cell before"
        raise UserError(msg)
    if before.size < _FEWEST:
        return
    n_links, n_nearest = table.count_nearest(before, after)
    if n_links >= _FEWEST and n_nearest < _NEAREST * n_links:
        _log.warning(
            "%s: of %d cells that follow another in their track %d are the nearest to it: do the "
            "ids of the tracks count anew in each frame?",
            path, n_links, n_nearest,
        )  # fmt: skip


class _Numbered:
    """Cells by frame and id, where each id stands once a frame."""

    def __init__(
        self, spots: Spots, member: NDArray[np.float64], ids: NDArray[np.float64], rows: Ints,
        keys: Ints,
    ) -> None:  # fmt: skip
        self.member = member
        self._frame, self._place = spots.frame, spots.positions
        self._ids, self._rows, self._keys = ids, rows, keys

    @classmethod
    def make(cls, spots: Spots, member: NDArray[np.float64]) -> "_Numbered | None":
        """Sort the cells; None where an id stands twice in a frame, or nothing stands."""
        rows = np.flatnonzero(np.isfinite(member) & (member >= 0) & (member < MAX_EXACT))
        ids, code = np.unique(member[rows], return_inverse=True)
        keys = spots.frame[rows] * ids.size + code
        order = np.argsort(keys)
        rows, keys = rows[order], keys[order]
        if not rows.size or (keys[1:] == keys[:-1]).any():
            return None
        return cls(spots, member, ids, rows, keys)

    def find_before(self, named: NDArray[np.float64], rows: Ints) -> tuple[Ints, Ints]:
        """Find cells of the frame before by an id, and those of `rows` that name them."""
        code = np.minimum(np.searchsorted(self._ids, named[rows]), self._ids.size - 1)
        key = (self._frame[rows] - 1) * self._ids.size + code
        wanted = np.where(self._ids[code] == named[rows], key, -1)
        at = np.minimum(np.searchsorted(self._keys, wanted), self._keys.size - 1)
        found = self._keys[at] == wanted
        return self._rows[at[found]], rows[found]

    def measure(self, before: Ints, after: Ints) -> float:
        """Give the median distance of cells."""
        apart = self._place[after] - self._place[before]
        return float(np.median(np.linalg.norm(apart, axis=1)))

    def count_nearest(self, before: Ints, after: Ints) -> tuple[int, int]:
        """Count links in frames with many cells, and those to the nearest cell of the frame."""
        from scipy.spatial import cKDTree  # loads much

        n_links = n_nearest = 0
        for frame in np.unique(self._frame[after]):
            begin, end = np.searchsorted(self._frame, (frame, frame + 1))  # spots lie by frame
            if end - begin > _CROWD:
                links = np.flatnonzero(self._frame[after] == frame)
                near = cKDTree(self._place[begin:end]).query(self._place[before[links]])[1]
                n_links += links.size
                n_nearest += int((begin + near == after[links]).sum())
        return n_links, n_nearest
