import numpy as np
import pandas as pd
import pytest

from btrackmate.core.errors import UserError
from btrackmate_samples.lineage import MICRONS_PER_UNIT, lineage_from_spots, load_lineage


def spots(rows):
    table = pd.DataFrame(rows, columns=["id", "frame", "parent"])
    return table.assign(z=0.0, y=0.0, x=0.0)


def test_tracklets_end_at_a_division():
    """Ids 70001 - 5 in frames 0, 1, then 5 divides into 9 and 7 in frame 2; 9 goes on as 20."""
    lineage = lineage_from_spots(
        spots([(70001, 0, -1), (5, 1, 70001), (7, 2, 5), (9, 2, 5), (20, 3, 9)])
    )
    assert lineage.spots["tracklet"].tolist() == [1, 1, 2, 3, 3]
    assert lineage.man_track.to_numpy().tolist() == [[1, 0, 1, 0], [2, 2, 2, 1], [3, 2, 3, 1]]
    assert lineage.n_divisions == 1


def test_single_spot_is_one_tracklet():
    assert lineage_from_spots(spots([(3, 0, -1)])).man_track.to_numpy().tolist() == [[1, 0, 0, 0]]


def test_no_spots_have_no_tracklets():
    lineage = lineage_from_spots(spots([]))
    assert len(lineage.man_track) == 0
    assert lineage.n_divisions == 0


def test_whole_lineage_has_the_published_counts():
    lineage = load_lineage()
    assert len(lineage.spots) == 9730
    assert lineage.n_divisions == 174
    assert len(lineage.at_frame(0)[0]) == 43
    assert len(lineage.at_frame(78)[0]) == 217


def test_first_row_is_scaled_and_ordered_z_y_x():
    """Row 2285 of the file: x 365.132, y 337.690, z 166.476."""
    positions, tracklets = load_lineage(4, 5).at_frame(0)
    assert positions[0] == pytest.approx(np.array([166.476, 337.690, 365.132]) * MICRONS_PER_UNIT)
    assert tracklets[0] == 1


def test_a_window_cuts_parents_before_it():
    lineage = load_lineage(53, 54)
    first = lineage.spots[lineage.spots["frame"] == 0]
    assert (first["parent"] == -1).all()
    assert lineage.n_divisions == 5


def test_every_second_frame_links_to_the_grandparent():
    """Frame 53 has 5 divisions, frame 54 has 13: 138 cells in frame 55."""
    lineage = load_lineage(53, 55, step=2)
    second = lineage.spots[lineage.spots["frame"] == 1]
    assert len(second) == 138
    assert (second["parent"] >= 0).all()
    assert set(second["parent"]) <= set(lineage.spots.loc[lineage.spots["frame"] == 0, "id"])


def test_frames_outside_the_file_are_refused():
    with pytest.raises(UserError, match="frames 3 to 9 by 1: the file holds 4 to 82"):
        load_lineage(3, 9)
