"""Links of files that go back in time: they are turned round, and the log says so."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph, find_ends
from btrackmate.core.scratch import cut_rows
from btrackmate.core.spots import Spots

_log = logging.getLogger(__name__)

_MOST_NAMED = 3


def link_forward(
    path: Path,
    spots: Spots,
    source_id: NDArray[Any],
    target_id: NDArray[Any],
    **values: NDArray[np.float64],
) -> TrackGraph:
    """Make a graph from a file's links between spot ids; warn of those that go back in time.

    Parameters
    ----------
    path : Path
        The file, for the log.
    spots : Spots
    source_id, target_id : (m,) ndarray of int
    **values : (m,) ndarray of float
        Cost and confidence, where they are known.

    Raises
    ------
    UserError
        As :meth:`TrackGraph.from_ids`.
    """
    source, target = find_ends(spots, source_id, target_id)
    _warn_of_turned(path, spots, source, target)
    return TrackGraph.from_links(spots, source, target, **values)


def _warn_of_turned(
    path: Path, spots: Spots, source: NDArray[np.int64], target: NDArray[np.int64]
) -> None:
    count, first = 0, list[str]()
    frame, own = spots.frame, spots.id
    for part in cut_rows(source.size):
        one, other = source[part], target[part]
        back = np.flatnonzero(frame[one] > frame[other])
        count += back.size
        for link in back[: _MOST_NAMED - len(first)]:
            a, b = one[link], other[link]
            first.append(f"{own[a]} (frame {frame[a]}) to {own[b]} (frame {frame[b]})")
    if count:
        _log.warning(
            "%s: %d of its %d links go back in time and are turned round: from spot %s%s; if that "
            "is wrong, see which frames its spots have",
            path, count, source.size, ", ".join(first), ", …" if count > len(first) else "",
        )  # fmt: skip
