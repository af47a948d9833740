"""The builtin engine on the cases that run through the real TrackMate as well.

Their tables are read here, by `RouteAgreementTest` and `MenuTest` in java/btrackmate (Batch, a
Jython script, the dialog) and by tests/python/fiji_bridge (pyimagej): movie, labels, mask and
settings give the same spots, intensities, links and pruned spots by every route.
"""

import pandas as pd
import pytest
from parity_case import NAMES, TABLES, Case


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    return Case(request.param)


@pytest.fixture(scope="module")
def result(case):
    return case.run_builtin()


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_the_expected_ones(case, result, table):
    found, expected = getattr(result, table), case.read(table)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9, atol=1e-9)


def test_pruning_really_removes_something(case):
    """Or the routes would agree on nothing; there are divisions, gaps and, with a mask, drops."""
    links = case.read("links")
    assert len(case.read("pruned")) > 2
    assert links.duplicated(["source_frame", "source_label"]).sum() > 0
    assert (links["target_frame"] - links["source_frame"] == 2).sum() > 0
    assert (len(case.read("dropped")) > 0) == (case.mask is not None)
    channels = case.read("spots").filter(regex="mean_intensity_ch").shape[1]
    assert channels == {"labels_small": 0, "plane_two_channels": 2, "tissue_3d": 1}[case.name]


def test_distances_are_those_that_every_route_takes(case, result):
    expected = case.given["distances"]
    assert {name: value for name, value in result.distances.items() if name in expected} == expected
