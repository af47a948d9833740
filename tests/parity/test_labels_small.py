"""The builtin engine on the case that JUnit runs through the real TrackMate.

labels_small/*.csv are read here and by `RouteAgreementTest` in java/btrackmate: label movie, tissue
mask and settings give the same spots, links and pruned spots by every route.
"""

import pandas as pd
import pytest
from labels_small_case import FOLDER, SPOTS, run_builtin


@pytest.fixture(scope="module")
def result():
    return run_builtin()


def read(name):
    return pd.read_csv(FOLDER / f"{name}.csv")


def test_spots_are_the_expected_ones(result):
    pd.testing.assert_frame_equal(
        result.spots[SPOTS], read("spots")[SPOTS], check_dtype=False, rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", ["dropped", "links", "pruned"])
def test_names_are_the_expected_ones(result, name):
    pd.testing.assert_frame_equal(getattr(result, name), read(name), check_dtype=False)


def test_case_has_dropped_and_pruned_cells_divisions_and_gaps():
    links = read("links")
    assert len(read("dropped")) > 100
    assert len(read("pruned")) > 0
    assert links.duplicated(["source_frame", "source_label"]).sum() > 0
    assert (links["target_frame"] - links["source_frame"] == 2).sum() > 0
