import math

import pytest
from tracking_movies import make_graph, make_spots

from btrackmate.core.errors import UserError
from btrackmate.io.trackmate import Filter
from btrackmate.tracking import FeatureFilter, filter_spots, filter_tracks


def filters(*texts):
    return [FeatureFilter.parse(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("volume>50", ("volume", 50, True, True)),
        (" volume >= 5e1 ", ("volume", 50, True, False)),
        ("x<-3.5", ("x", -3.5, False, True)),
        ("My feature<=0", ("My feature", 0, False, False)),
    ],
)
def test_parse(text, expected):
    one = FeatureFilter.parse(text)
    assert (one.name, one.value, one.above, one.strict) == expected
    assert FeatureFilter.parse(str(one)) == one


@pytest.mark.parametrize(
    "text",
    [
        "volume",
        "volume=50",
        "volume>>5",
        "5<x<7",
        ">5",
        "x>",
        "x>five",
        "x>nan",
        "x>inf",
        "",
        "x>1_2",
        "x>１２",
        "x>0x10",
    ],
)
def test_what_is_no_filter(text):
    with pytest.raises(UserError, match="is not a feature name, one of > >= < <=, and a number"):
        FeatureFilter.parse(text)


@pytest.mark.parametrize("values", [(29 * 0.7, 20.3), (3 * 0.1, 0.3), (1.1 * 3, 3.3)])
@pytest.mark.parametrize(("sign", "kept"), [(">=", 2), (">", 1), ("<=", 2), ("<", 1)])
def test_rounding_decides_nothing(values, sign, kept):
    """29 steps of 0.7 are 20.3, though not to the last digit; also in a file, read again."""
    value, threshold = values
    assert value != threshold
    beyond = threshold * (1.1 if sign[0] == ">" else 0.9)
    spots = make_spots([(1, 0, value), (2, 0, beyond)])
    one = FeatureFilter.parse(f"x{sign}{threshold}")
    assert len(filter_spots(spots, [one]).spots) == kept
    again = Filter.from_element(one.to_trackmate("spot").to_element())
    assert again.passes(spots.feature("x")).sum() == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [("x>2", [3]), ("x>=2", [2, 3]), ("x<2", [1]), ("x<=2", [1, 2]), ("POSITION_X>2", [3])],
)
def test_spots_at_the_threshold(text, kept):
    spots = make_spots([(1, 0, 1), (2, 0, 2), (3, 1, 3)])
    assert filter_spots(spots, filters(text)).spots.id.tolist() == kept


def test_dropped_spots_are_listed_with_the_first_filter_they_fail():
    spots = make_spots([(1, 0, 1), (2, 0, 2), (90_000, 1, 3)], label=[5, 6, 7], volume=[9.0, 1, 1])
    result = filter_spots(spots, filters("volume>2", "x<3"))
    assert result.spots.id.tolist() == [1]
    assert result.dropped.to_dict("records") == [
        {"id": 2, "frame": 0, "label": 6, "x": 2, "y": 0, "z": 0, "reason": "volume>2"},
        {"id": 90_000, "frame": 1, "label": 7, "x": 3, "y": 0, "z": 0, "reason": "volume>2"},
    ]


def test_a_missing_value_passes():
    spots = make_spots([(1, 0, 1), (2, 0, 2)], volume=[math.nan, 1.0])
    assert filter_spots(spots, filters("volume>2")).spots.id.tolist() == [1]


def test_unknown_spot_feature_is_named():
    message = "spot filter 'volum>2': spots have no feature 'volum'; they have frame, time, x"
    with pytest.raises(UserError, match=message):
        filter_spots(make_spots([(1, 0, 1)]), filters("volum>2"))


@pytest.fixture
def graph():
    """0-1-2 over frames 0 to 4 with a gap; 5-6 in frames 0, 1; 8 alone. dt = 2."""
    frames = {0: 0, 1: 1, 2: 4, 5: 0, 6: 1, 8: 3}
    return make_graph(frames, [(0, 1), (1, 2), (5, 6)], dt=2.0)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("duration>2", [0, 1, 2]),
        ("duration>=2", [0, 1, 2, 5, 6]),
        ("TRACK_DURATION<8", [5, 6]),
        ("track_duration<8", [5, 6]),
        ("n_spots<=2", [5, 6]),
        ("n_gaps>0", [0, 1, 2]),
        ("longest_gap>2", []),
        ("stop>2", [0, 1, 2]),
        ("n_divisions>0", []),
    ],
)
def test_tracks(graph, text, kept):
    assert sorted(filter_tracks(graph, filters(text)).graph.spots.id) == kept


def test_speed_and_displacement():
    """One track moves 3 units in a step of 2, the other stays."""
    spots = make_spots([(0, 0, 0), (1, 1, 3), (2, 0, 50), (3, 1, 50)], dt=2.0)
    moving = make_graph({0: 0, 1: 1, 2: 0, 3: 1}, [(0, 1), (2, 3)], dt=2.0).with_spots(spots)
    for text in ("mean_speed>=1.5", "displacement>=3", "total_distance>2.9", "x<2"):
        assert filter_tracks(moving, filters(text)).graph.spots.id.tolist() == [0, 1]


def test_dropped_tracks_are_listed_with_the_reason(graph):
    result = filter_tracks(graph, filters("n_spots>2", "duration<1"))
    assert len(result.graph.spots) == 0
    table = result.dropped[["id", "track", "reason"]]
    assert table.to_numpy().tolist() == [
        [0, 0, "duration<1"],
        [5, 1, "n_spots>2"],
        [1, 0, "duration<1"],
        [6, 1, "n_spots>2"],
        [8, -1, "no track"],
        [2, 0, "duration<1"],
    ]


def test_without_filters_nothing_goes(graph):
    assert filter_tracks(graph, []).graph.n_links == 3
    assert len(filter_tracks(graph, []).graph.spots) == 6
    assert len(filter_spots(graph.spots, []).spots) == 6


def test_unknown_track_feature_is_named(graph):
    with pytest.raises(UserError, match="there is no track feature 'age'; there are duration, st"):
        filter_tracks(graph, filters("age>2"))


def test_no_tracks_at_all():
    empty = make_graph({}, [])
    assert len(filter_tracks(empty, filters("duration>2")).graph.spots) == 0
    assert len(filter_spots(empty.spots, filters("x>2")).spots) == 0


def test_as_trackmates_filter():
    """TrackMate's thresholds always pass, so that a strict one moves by one bit."""
    one = FeatureFilter.parse("volume>=50").to_trackmate("spot")
    assert (one.key, one.value, one.is_above) == ("VOLUME", 50, True)
    assert FeatureFilter.parse("volume>50").to_trackmate("spot").value == math.nextafter(50, 60)
    one = FeatureFilter.parse("duration<5").to_trackmate("track")
    assert (one.key, one.value, one.is_above) == ("TRACK_DURATION", math.nextafter(5, 0), False)
