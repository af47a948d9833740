"""Distances from tracks that are right."""

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.tracking.true_reach import measure_true_reach


def make_graph(rows: list[tuple[int, float]], links: list[tuple[int, int]]) -> TrackGraph:
    """Spots (frame, x) numbered in their order, and links between them."""
    table = pd.DataFrame(rows, columns=["frame", "x"]).assign(y=0.0, z=0.0)
    spots = Spots.from_table(table.assign(id=np.arange(len(rows))), Calibration())
    return TrackGraph.from_ids(spots, *np.array(links).reshape(-1, 2).T)


def test_steps_and_divisions_with_room() -> None:
    """Steps of 2 and 5; a mother at 5 with daughters at 4 and 15: the farther one counts."""
    rows = [(0, 0.0), (1, 5.0), (2, 4.0), (2, 15.0), (3, 6.0)]
    reach = measure_true_reach(make_graph(rows, [(0, 1), (1, 2), (1, 3), (2, 4)]))
    assert (reach.linking, reach.splitting) == (6.0, 12.0)


def test_without_divisions_both_are_the_same_and_gaps_do_not_count() -> None:
    rows = [(0, 0.0), (1, 2.0), (4, 90.0)]
    reach = measure_true_reach(make_graph(rows, [(0, 1), (1, 2)]))
    assert reach.linking == reach.splitting == 2.4


def test_a_few_wrong_links_do_not_count() -> None:
    """One jump of 500 among 1,000 steps of 1 to 2."""
    x = np.cumsum(np.tile([1.0, 2.0], 500))
    x[500:] += 500
    rows = [(frame, float(place)) for frame, place in enumerate(x)]
    reach = measure_true_reach(make_graph(rows, [(i, i + 1) for i in range(999)]))
    assert reach.linking == 2.4


@pytest.mark.parametrize("scale", [0.01, 1000])
def test_the_unit_does_not_matter(scale: float) -> None:
    rows = [(0, 0.0), (1, 5.0 * scale), (2, 4.0 * scale), (2, 15.0 * scale)]
    reach = measure_true_reach(make_graph(rows, [(0, 1), (1, 2), (1, 3)]))
    assert (reach.linking, reach.splitting) == pytest.approx((6 * scale, 12 * scale))


@pytest.mark.parametrize(
    ("rows", "links"),
    [
        ([(0, 0.0), (1, 2.0)], []),
        ([(0, 0.0), (2, 2.0)], [(0, 1)]),
        ([(0, 3.0), (1, 3.0)], [(0, 1)]),
    ],
)
def test_tracks_that_say_nothing_are_refused(
    rows: list[tuple[int, float]], links: list[tuple[int, int]]
) -> None:
    with pytest.raises(UserError, match="give linking_max_distance="):
        measure_true_reach(make_graph(rows, links))
