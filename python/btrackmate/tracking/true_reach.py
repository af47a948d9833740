"""How far cells move and divide in tracks that are right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.words import setting

#: Part of the true steps that a distance covers, and the room that it leaves beyond these.
_COVERED = 0.998
_MARGIN = 1.2


@dataclass(frozen=True)
class TrueReach:
    """Distances that cover nearly all true links of a movie.

    Parameters
    ----------
    linking : float
        Of links between successive frames, divisions left out, in the space unit.
    splitting : float
        From a mother to her farther daughter in the next frame; that of links where no cell
        divides.
    """

    linking: float
    splitting: float


def measure_true_reach(graph: TrackGraph) -> TrueReach:
    """Measure how far a tracker must look to find the links of tracks that are right.

    Parameters
    ----------
    graph : TrackGraph
        Links over missed frames are left out.

    Raises
    ------
    UserError
        If no link joins two successive frames, or no cell moves.

    Notes
    -----
    1.2 × the quantile 0.998 of the lengths, so that a few wrong links in the truth do not count;
    of few lengths that is 1.2 × the longest.
    """
    frame, places = graph.spots.frame, graph.spots.positions
    step = np.sqrt(((places[graph.target] - places[graph.source]) ** 2).sum(axis=1))
    near = frame[graph.target] - frame[graph.source] == 1
    divides = graph.out_degree[graph.source] > 1
    plain, branch = step[near & ~divides], near & divides
    if not (near.any() and (step[near] > 0).any()):
        msg = "no link of the tracks joins two successive frames, or no cell moves, so that they "
        msg += f"do not say how far to look; give {setting('linking_max_distance')}"
        raise UserError(msg)
    if not plain.size or not (plain > 0).any():
        plain = step[near]
    linking = _cover(plain)
    if not branch.any():
        return TrueReach(linking, linking)
    farther = np.zeros(len(graph.spots))
    np.maximum.at(farther, graph.source[branch], step[branch])
    return TrueReach(linking, max(_cover(farther[graph.source[branch]]), linking / 10))


def _cover(lengths: NDArray[np.float64]) -> float:
    """Give the distance that covers nearly all lengths, with room; three digits."""
    longest = float(np.quantile(lengths, _COVERED, method="higher"))
    return float(f"{_MARGIN * longest:.3g}")
