"""The real TrackMate as engine: the same links as the builtin one, spot by spot."""

import json
from pathlib import Path

import fiji_jvm
import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.tracking.engine import track
from btrackmate.tracking.settings import LapSettings, OverlapSettings, parse_tracker

ORACLE = Path(__file__).parents[2] / "data" / "trackmate-oracle" / "points_small"
CASES = json.loads((ORACLE / "cases.json").read_text())["cases"]
SCALE = Calibration(0.5, 0.5, 2.0, 30.0, "µm", "s")


@pytest.fixture(scope="module")
def table():
    return pd.read_csv(ORACLE / "spots.csv.gz")


def link(trackmate, spots, settings):
    return trackmate(fiji_jvm.link, fiji_jvm.pack(spots), settings)


def make_spots(rows, **columns):
    """Spots of (frame, x, y, z)."""
    frame, x, y, z = zip(*rows, strict=True)
    values = {"frame": frame, "x": x, "y": y, "z": z} | columns
    return Spots.from_table(pd.DataFrame(values), SCALE)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"nearest"}))
def test_links_and_costs_are_those_of_the_builtin_engine(trackmate, table, name):
    """All cases of the oracle: LAP with gaps, splits, merges, penalties; both Kalman trackers."""
    case = CASES[name]
    spots = Spots.from_table(table, SCALE)
    settings = parse_tracker(case["tracker"], case["settings"])
    theirs = link(trackmate, spots, settings)
    ours = track(spots, settings).links_table()
    assert len(theirs) == case["links"]
    pd.testing.assert_frame_equal(theirs, ours, rtol=1e-12)


def test_nearest_links_agree_in_trackmates_order_of_spots(trackmate, table):
    """TrackMate serves the spots in the order of Java's hash set, ours by id: renumbered, so that
    both orders are the same (256 buckets for up to 192 spots, else 512), all links agree.
    """
    size = table.groupby("frame")["id"].transform("size")
    bucket = table["id"] % np.where(size > 192, 512, 256)
    order = np.lexsort((bucket, table["frame"]))
    number = np.empty(len(table), np.int64)
    number[order] = np.arange(len(table))
    settings = parse_tracker(CASES["nearest"]["tracker"], CASES["nearest"]["settings"])
    theirs = link(trackmate, Spots.from_table(table, SCALE), settings)
    ours = track(Spots.from_table(table.assign(id=number), SCALE), settings).links_table()
    original = table["id"].to_numpy()[order]
    links = set(zip(original[ours["source"]], original[ours["target"]], strict=True))
    assert links == set(zip(theirs["source"], theirs["target"], strict=True))


def test_spots_arrive_with_place_time_and_features(trackmate):
    spots = make_spots(
        [(0, 1.5, 2.5, 4.0), (2, 3.0, 4.0, 0.0)],
        id=[7, 4], radius=[2.0, 3.0], label=[70000, 5], volume=[9.5, np.nan], own=[1.0, 2.0],
    )  # fmt: skip
    found, units = trackmate(fiji_jvm.describe_model, fiji_jvm.pack(spots))
    assert units == ("µm", "s")
    assert set(found) == {4, 7}
    seven = found[7]
    place = [seven[key] for key in ("POSITION_X", "POSITION_Y", "POSITION_Z", "RADIUS", "FRAME")]
    assert place == [1.5, 2.5, 4.0, 2.0, 0.0]
    assert (seven["LABEL_ID"], seven["VOLUME"], seven["own"]) == (70000.0, 9.5, 1.0)
    assert (found[4]["POSITION_T"], found[4]["FRAME"]) == (60.0, 2.0)
    assert np.isnan(found[4]["VOLUME"])


def test_penalty_on_a_column_of_the_users_own_steers_the_link(trackmate):
    """By distance 1 → 2; the size 10 of spot 1 fits spot 3, which is farther away."""
    spots = make_spots(
        [(0, 0, 0, 0), (1, 1, 0, 0), (1, 2, 0, 0)], id=[1, 2, 3], size=[10.0, 50.0, 10.0]
    )
    plain = link(trackmate, spots, LapSettings())
    assert plain[["source", "target"]].to_numpy().tolist() == [[1, 2]]
    fond = LapSettings(linking_feature_penalties={"size": 5.0})
    assert link(trackmate, spots, fond)[["source", "target"]].to_numpy().tolist() == [[1, 3]]


def test_missing_feature_values_add_nothing(trackmate):
    """Spot 2 has no size: its link costs the distance alone, as in the builtin engine."""
    spots = make_spots([(0, 0, 0, 0), (1, 2, 0, 0)], id=[1, 2], size=[10.0, np.nan])
    settings = LapSettings(linking_feature_penalties={"size": 5.0})
    links = link(trackmate, spots, settings)
    assert links["cost"].tolist() == [4.0]
    assert track(spots, settings).cost.tolist() == [4.0]


def test_ids_that_java_has_no_numbers_for_come_back(trackmate):
    big = 2**40
    spots = make_spots([(0, 0, 0, 0), (1, 1, 0, 0), (1, 9, 0, 0)], id=[big + 5, big, 3])
    links = link(trackmate, spots, LapSettings())
    assert links[["source", "target"]].to_numpy().tolist() == [[big + 5, big]]


def test_no_spots_and_one_spot_make_no_links(trackmate):
    one = make_spots([(0, 0, 0, 0)])
    assert len(link(trackmate, one, LapSettings())) == 0
    assert len(link(trackmate, one.take(np.zeros(1, bool)), LapSettings())) == 0


def test_unknown_feature_is_named(trackmate):
    settings = LapSettings(linking_feature_penalties={"girth": 1.0})
    with pytest.raises(UserError, match="spots have no feature 'girth'; they have "):
        link(trackmate, make_spots([(0, 0, 0, 0)]), settings)


def test_overlap_in_3d_is_refused_since_trackmate_ignores_z(trackmate):
    with pytest.raises(UserError, match="overlap tracker ignores z"):
        link(trackmate, make_spots([(0, 0, 0, 0)]), OverlapSettings())


def square(half):
    return np.array([[-half, -half], [half, -half], [half, half], [-half, half]], np.float64)


def test_overlap_of_outlines_in_2d(trackmate):
    """Squares of side 4: moved by 1, IoU = 12/20 and the cost 0.4; moved by 3, 4/28 is too little.

    Without an outline TrackMate would take a disc: refused.
    """
    rows = pd.DataFrame({"id": [1, 2, 3], "frame": [0, 1, 2], "x": [0.0, 1, 4], "y": 0.0})
    outlines = {number: square(2.0) for number in (1, 2, 3)}
    spots = Spots.from_table(rows, SCALE, ndim=2, contours=outlines)
    links = link(trackmate, spots, OverlapSettings(min_iou=0.3))
    assert links[["source", "target"]].to_numpy().tolist() == [[1, 2]]
    assert links["cost"].tolist() == pytest.approx([0.4])
    bare = Spots.from_table(rows, SCALE, ndim=2, contours={1: square(2.0)})
    with pytest.raises(UserError, match="compares outlines, but 2 of 3 spots have none"):
        link(trackmate, bare, OverlapSettings())


def test_progress_can_stop_trackmate(trackmate):
    """TrackMate looks between two frames whether it is told to stop.

    All cells can be linked to all of the next frame: work for a minute, most of which is left.
    """
    generator = np.random.default_rng(1)
    rows = pd.DataFrame(generator.uniform(0, 150, (16_000, 3)), columns=["x", "y", "z"])
    spots = Spots.from_table(rows.assign(frame=np.arange(16_000) // 800), SCALE)
    settings = LapSettings(linking_max_distance=300.0)
    message, reason, links = trackmate(fiji_jvm.link_and_stop, fiji_jvm.pack(spots), settings)
    assert message == reason == "stopped by the user"
    assert links < 19 * 800
