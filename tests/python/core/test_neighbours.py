"""Nearest points, measured one by one or with a tree."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from btrackmate.core import neighbours
from btrackmate.core.neighbours import Neighbours


@pytest.mark.parametrize("few", [0, 10**9])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_and_many_points_have_the_same_neighbours(
    few: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_FEW_PAIRS", few)
    rng = np.random.default_rng(0)
    points, places = rng.random((40, 3)), rng.random((30, 3))
    distance, index = Neighbours(points).query(places, count)
    expected = cKDTree(points).query(places, count)
    np.testing.assert_allclose(distance, expected[0], rtol=1e-12)
    np.testing.assert_array_equal(index, expected[1])


@pytest.mark.parametrize("few", [0, 10**9])
def test_a_single_point_and_no_place(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_FEW_PAIRS", few)
    distance, index = Neighbours(np.zeros((1, 2))).query(np.array([[3.0, 4.0]]))
    assert (distance.tolist(), index.tolist()) == ([5.0], [0])
    assert len(Neighbours(np.zeros((1, 2))).query(np.empty((0, 2)))[0]) == 0
