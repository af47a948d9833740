"""Writing TrackMate files: structure, own features, filters, edited tracks."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from canonical_xml import DATA, canonical, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.trackmate import Filter, Session, read_trackmate, write_trackmate

ORACLE = DATA / "trackmate-oracle" / "labels_small" / "trackmate.xml.gz"
CALIBRATION = Calibration(0.5, 0.5, 2.0, 30.0, "µm", "sec")


def make_graph(table, links, *, ndim=3, calibration=CALIBRATION, costs=None, **options):
    spots = Spots.from_table(pd.DataFrame(table), calibration, ndim=ndim, **options)
    pairs = np.array(links, np.int64).reshape(-1, 2)
    return TrackGraph.from_ids(spots, pairs[:, 0], pairs[:, 1], costs)


def division():
    r"""Spot 10 moves to 11, which divides; 99 is alone.

    frame 0    1    2
         10 - 11 -- 12
                 \- 70013        99 (frame 2)
    """
    table = {
        "id": [10, 11, 12, 70013, 99],
        "frame": [0, 1, 2, 2, 2],
        "x": [0.0, 3.0, 3.0, 7.0, 50.0],
        "y": [0.0, 4.0, 4.0, 4.0, 50.0],
        "z": [0.0, 0.0, 0.0, 3.0, 4.0],
        "radius": 4.0,
        "quality": [10.0, 20.0, 30.0, 60.0, 1.0],
        "label": [1, 2, 3, 4_000_000_000, 5],
    }
    return make_graph(table, [(10, 11), (11, 12), (11, 70013)], costs=[25.0, np.nan, 2.5])


def skeleton_of(tree, prune=("Spot", "Edge", "Track", "TrackID", "SpotsInFrame")):
    """Keep tags and attribute names, but no values and no data."""
    tag, attributes, _, children = tree
    inner = [skeleton_of(child) for child in children if child[0] not in prune]
    if tag in ("SpotFeatures", "EdgeFeatures", "TrackFeatures"):
        inner = []
    return (tag, list(attributes), inner)


def find(tree, *tags):
    for tag in tags:
        tree = next(child for child in tree[3] if child[0] == tag)
    return tree


def test_structure_is_trackmate_8s(tmp_path):
    """Same sections, attributes and declarations as the file that TrackMate 8.1.6 wrote."""
    oracle = read_trackmate(ORACLE)
    session = Session(
        image_path=Path("labels"),
        image_shape=(8, 1, 44, 172, 178),
        detector=oracle.detector,
        tracker=oracle.tracker,
        track_filters=oracle.track_filters,
    )
    write_trackmate(tmp_path / "a.xml", oracle.graph, None, session)
    theirs, ours = canonical(parse(ORACLE)), canonical(parse(tmp_path / "a.xml"))
    assert skeleton_of(ours) == skeleton_of(theirs)
    for kind in ("EdgeFeatures", "TrackFeatures"):
        where = ("Model", "FeatureDeclarations", kind)
        assert find(ours, *where) == find(theirs, *where)
    declared = {f[1]["feature"]: f[1] for f in find(ours, *where[:2], "SpotFeatures")[3]}
    for feature in find(theirs, *where[:2], "SpotFeatures")[3]:
        key = feature[1]["feature"]
        if not key.startswith(("CONTRAST", "SNR")):  # analyzers that we do not have
            assert declared[key] == feature[1]
    for section in ("BasicSettings", "DetectorSettings", "TrackerSettings", "AnalyzerCollection"):
        assert find(ours, "Settings", section) == find(theirs, "Settings", section)


def test_features_are_trackmates(tmp_path):
    """Every edge and track feature as TrackMate computed it, for the same spots and links."""
    oracle = read_trackmate(ORACLE)
    write_trackmate(tmp_path / "a.xml", oracle.graph)
    ours = read_trackmate(tmp_path / "a.xml")

    def by_key(table, keys, columns):
        order = np.lexsort([table.columns[key] for key in keys])
        return {key: table.columns[key][order] for key in columns}

    ends = ["SPOT_TARGET_ID", "SPOT_SOURCE_ID"]
    columns = set(oracle.edges.columns)
    assert columns == set(ours.edges.columns)
    theirs, mine = (by_key(d.edges, ends, columns) for d in (oracle, ours))
    for key in columns:
        np.testing.assert_allclose(mine[key], theirs[key], rtol=1e-9, atol=1e-12, err_msg=key)
    names = set(oracle.tracks.columns) - {"name", "TRACK_ID", "TRACK_INDEX"}
    row = {int(i): n for n, i in enumerate(oracle.tracks.columns["TRACK_ID"])}
    rows = [row[int(i)] for i in oracle.track_ids]
    assert len(rows) == 158
    for key in names:
        np.testing.assert_allclose(
            ours.tracks.columns[key], oracle.tracks.columns[key][rows], rtol=1e-9, err_msg=key
        )


def test_division_by_hand(tmp_path):
    graph = division()
    write_trackmate(tmp_path / "a.xml", graph)
    read = read_trackmate(tmp_path / "a.xml")
    pd.testing.assert_frame_equal(
        read.graph.spots.table, graph.spots.table.assign(VISIBILITY=1), check_like=True
    )
    assert read.graph.links_table().equals(graph.links_table())
    edges = {key: values.tolist() for key, values in read.edges.columns.items()}
    assert edges["DISPLACEMENT"] == [5.0, 0.0, 5.0]
    assert edges["SPEED"] == [5 / 30, 0.0, 5 / 30]
    assert edges["EDGE_TIME"] == [15.0, 45.0, 45.0]
    assert edges["EDGE_X_LOCATION"] == [1.5, 3.0, 5.0]
    # The turn from (3, 4, 0) to (4, 0, 3): cos = 12 / 25; per 30 s. The first has no predecessor.
    assert np.isnan(edges["DIRECTIONAL_CHANGE_RATE"][0])
    assert edges["DIRECTIONAL_CHANGE_RATE"][2] == pytest.approx(np.arccos(12 / 25) / 30)
    track = {key: values.tolist()[0] for key, values in read.tracks.columns.items()}
    assert read.tracks.n == 1
    assert (track["NUMBER_SPOTS"], track["NUMBER_SPLITS"], track["NUMBER_MERGES"]) == (4, 1, 0)
    assert (track["TRACK_START"], track["TRACK_STOP"], track["TRACK_DURATION"]) == (0, 60, 60)
    assert track["TRACK_MEAN_QUALITY"] == 30.0
    assert track["TOTAL_DISTANCE_TRAVELED"] == 10.0
    assert track["MAX_DISTANCE_TRAVELED"] == pytest.approx(np.sqrt(49 + 16 + 9))
    assert track["TRACK_MEDIAN_SPEED"] == 5 / 30
    assert track["TRACK_MEAN_SPEED"] == pytest.approx(10 / 30 / 3)
    assert track["TRACK_STD_SPEED"] == pytest.approx(5 / 30 / np.sqrt(3))


def test_gap_and_merge_by_hand(tmp_path):
    """1 (frame 0) and 2 (frame 1) merge in 3 (frame 4): gaps of 3 and 2 frames."""
    table = {"id": [1, 2, 3], "frame": [0, 1, 4], "x": [0.0, 1, 2], "y": 0.0, "radius": 1.0}
    graph = make_graph(table, [(1, 3), (2, 3)], ndim=2, calibration=Calibration(dt=0.1))
    write_trackmate(tmp_path / "a.xml", graph)
    read = read_trackmate(tmp_path / "a.xml")
    track = {key: values.tolist()[0] for key, values in read.tracks.columns.items()}
    assert (track["NUMBER_GAPS"], track["LONGEST_GAP"], track["NUMBER_MERGES"]) == (2, 3, 1)
    assert track["TRACK_DURATION"] == pytest.approx(0.4)
    assert read.graph.spots.ndim == 2
    assert read.graph.spots.calibration.dt == 0.1


def test_one_link_has_no_speed_deviation(tmp_path):
    table = {"id": [1, 2], "frame": [0, 1], "x": 0.0, "y": 0.0, "z": 0.0, "radius": 1.0}
    write_trackmate(tmp_path / "a.xml", make_graph(table, [(1, 2)]))
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    assert 'TRACK_STD_SPEED="NaN"' in text
    assert "LINK_COST=" not in text
    assert 'QUALITY="NaN"' in text


@pytest.mark.parametrize("ndim", [2, 3])
def test_no_spots_and_one_spot(tmp_path, ndim):
    table = {"id": [5], "frame": [3], "x": [1.5], "y": [2.5], "z": [0.0], "radius": [1.0]}
    for rows, last in ((0, 0), (1, 4)):
        graph = make_graph(pd.DataFrame(table)[:rows], [], ndim=ndim, n_frames=7)
        path = tmp_path / f"{rows}.xml"
        write_trackmate(path, graph, None, Session(image_shape=(7, 1, 2 * ndim - 3, 8, 9)))
        read = read_trackmate(path)
        assert (len(read.graph.spots), read.graph.n_links) == (rows, 0)
        assert read.graph.spots.n_frames == 7 >= last
        assert read.graph.spots.ndim == ndim
        assert read.filtered_tracks == ()


def test_features_of_the_users_own(tmp_path):
    table = {
        "id": [1, 2],
        "frame": [0, 1],
        "x": 0.0,
        "y": 0.0,
        "z": 0.0,
        "radius": 1.0,
        "Perimeter": [1.5, np.nan],
        "my feature (µm)": [1, 2],
        "my feature (nm)": [3, 4],
        "2nd": [0.5, 0.25],
        "ID": [7, 8],
        "VOLUME": [1.0, 2.0],
        "volume": [3.0, np.nan],
        "divides": [True, False],
        "note": ["a", "b"],
    }
    graph = make_graph(table, [(1, 2)])
    write_trackmate(tmp_path / "a.xml", graph)
    read = read_trackmate(tmp_path / "a.xml")
    spots = read.graph.spots
    for name in ("Perimeter", "my feature (µm)", "2nd", "volume"):
        np.testing.assert_array_equal(spots.feature(name), graph.spots.feature(name))
    keys = {d.key: d for d in read.declarations("spot")}
    assert keys["my_feature___m_"].name == "my feature (µm)"
    assert keys["my_feature__nm_"].is_int
    assert keys["_2nd"].name == "2nd"
    assert keys["ID_2"].name == "ID"
    assert keys["VOLUME"].dimension == "NONE"  # TrackMate knows no dimension VOLUME
    assert keys["VOLUME"].name == "Volume (µm^3)"
    assert keys["VOLUME_2"].name == "VOLUME"
    np.testing.assert_array_equal(spots.feature("divides"), [1, 0])
    assert "note" not in spots.table
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    assert text.count("Perimeter=") == 1  # a missing value is left out


def test_controls_in_names_are_codes(tmp_path):
    """XML holds no such characters: dropped, `a\\x01` and `a` would be one feature."""
    graph = two_tracks()
    spots = graph.spots.with_columns({"a\x01": np.arange(6.0), "a": np.full(6, 3.0)})
    write_trackmate(tmp_path / "a.xml", graph.with_spots(spots), None, None)
    table = read_trackmate(tmp_path / "a.xml").graph.spots.table
    assert table["a\\x01"].tolist() == list(range(6))
    assert (table["a"] == 3).all()


def test_dimensions_are_trackmates():
    from btrackmate.core.schema import SPOT_COLUMNS
    from btrackmate.io.trackmate.declarations import declare_column

    known = set(
        "NONE QUALITY COST INTENSITY INTENSITY_SQUARED POSITION VELOCITY LENGTH AREA TIME ANGLE "
        "RATE ANGLE_RATE STRING".split()
    )
    assert {declare_column(c, CALIBRATION).dimension for c in SPOT_COLUMNS} <= known


def test_large_ids(tmp_path):
    graph = division()
    write_trackmate(tmp_path / "a.xml", graph)
    assert read_trackmate(tmp_path / "a.xml").graph.spots.table["label"].max() == 4_000_000_000
    table = {"id": [2**31], "frame": [0], "x": 0.0, "y": 0.0, "z": 0.0}
    with pytest.raises(UserError, match=r"2147483648.*up to 2147483647"):
        write_trackmate(tmp_path / "b.xml", make_graph(table, []))
    assert not (tmp_path / "b.xml").exists()


def test_missing_radius_is_nominal_and_said(tmp_path, caplog):
    table = {"id": [1, 2], "frame": [0, 1], "x": 0.0, "y": 0.0, "z": 0.0, "radius": [1.0, np.nan]}
    write_trackmate(tmp_path / "a.xml", make_graph(table, [(1, 2)]))
    np.testing.assert_array_equal(
        read_trackmate(tmp_path / "a.xml").graph.spots.feature("radius"), [1.0, 2.5]
    )
    assert "1 spots have no radius" in caplog.text


def test_outlines(tmp_path):
    outline = np.array([[0.1, 0.2], [1e-9, -3.5], [2.0, 1.0]])
    table = {"id": [1, 2], "frame": [0, 1], "x": 0.0, "y": 0.0, "radius": 1.0}
    graph = make_graph(table, [], ndim=2, contours={2: outline})
    write_trackmate(tmp_path / "a.xml", graph)
    read = read_trackmate(tmp_path / "a.xml").graph.spots
    assert list(read.contours) == [2]
    np.testing.assert_array_equal(read.contours[2], outline)


def test_confidence_goes_through(tmp_path):
    graph = division()
    graph = TrackGraph(
        graph.spots, graph.source, graph.target, graph.cost, np.array([0.5, np.nan, 0.125])
    )
    write_trackmate(tmp_path / "a.xml", graph)
    read = read_trackmate(tmp_path / "a.xml")
    np.testing.assert_array_equal(read.graph.confidence, graph.confidence)
    assert read.declarations("edge")[-1].key == "LINK_CONFIDENCE"


def two_tracks():
    """Track 0 lasts 4 frames, track 1 two."""
    table = {
        "id": np.arange(6),
        "frame": [0, 1, 2, 3, 0, 1],
        "x": 0.0,
        "y": 0.0,
        "z": 0.0,
        "radius": 1.0,
        "VISIBILITY": [1, 1, 1, 1, 0, 1],
    }
    return make_graph(table, [(0, 1), (1, 2), (2, 3), (4, 5)])


def test_track_filters_hide_tracks(tmp_path):
    filters = [Filter("TRACK_DURATION", 90.0)]
    write_trackmate(tmp_path / "a.xml", two_tracks(), None, Session(track_filters=filters))
    read = read_trackmate(tmp_path / "a.xml")
    assert read.filtered_tracks == (0,)
    assert read.track_filters == filters
    assert read.visible_spots.tolist() == [True, False, True, False, True, True]
    write_trackmate(
        tmp_path / "b.xml",
        two_tracks(),
        None,
        Session(track_filters=[Filter("NUMBER_SPOTS", 2, is_above=False)]),
    )
    assert read_trackmate(tmp_path / "b.xml").filtered_tracks == (1,)


def test_settings_go_through(tmp_path):
    tracker = (
        "SPARSE_LAP_TRACKER",
        {
            "LINKING_MAX_DISTANCE": 8.0,
            "LINKING_FEATURE_PENALTIES": {"mean_intensity_ch1": 1.0, "RADIUS": 0.5},
            "ALLOW_TRACK_SPLITTING": True,
        },
    )
    session = Session(
        image_path=tmp_path / "deep" / "movie.tif",
        image_shape=(4, 2, 1, 20, 30),
        detector=("LABEL_IMAGE_DETECTOR", {"TARGET_CHANNEL": 2, "SIMPLIFY_CONTOURS": False}),
        tracker=tracker,
        spot_filters=[Filter("volume", 50.0)],
        log="a & b\x07\nc",
    )
    write_trackmate(tmp_path / "a.xml", two_tracks(), None, session)
    read = read_trackmate(tmp_path / "a.xml")
    key, values = read.tracker
    assert key == "SPARSE_LAP_TRACKER"
    assert values["LINKING_FEATURE_PENALTIES"] == {"MEAN_INTENSITY_CH1": 1.0, "RADIUS": 0.5}
    assert values["ALLOW_TRACK_SPLITTING"] is True
    assert values["SPLITTING_MAX_DISTANCE"] == 15.0
    assert values["BLOCKING_VALUE"] == float("inf")
    assert read.detector[1] == {"TARGET_CHANNEL": 2, "SIMPLIFY_CONTOURS": False}
    assert read.spot_filters == [Filter("VOLUME", 50.0)]
    assert read.image_path == tmp_path / "deep" / "movie.tif"
    assert read.image_data["width"] == "30"
    assert read.log == "a & b\\x07\nc"


def test_flat_trackers(tmp_path):
    tracker = ("OVERLAP_TRACKER", {"SCALE_FACTOR": 1.3, "MIN_IOU": 0.1, "IOU_CALCULATION": "FAST"})
    write_trackmate(tmp_path / "a.xml", two_tracks(), None, Session(tracker=tracker))
    assert read_trackmate(tmp_path / "a.xml").tracker == tracker


def test_image_beside_the_file_has_no_folder(tmp_path):
    path = tmp_path / "a.xml"
    write_trackmate(path, two_tracks(), None, Session(image_path=tmp_path / "movie.tif"))
    assert read_trackmate(path).image_data["folder"] == ""
    assert read_trackmate(path).image_path == tmp_path / "movie.tif"


def test_session_replaces_parts_of_a_document(tmp_path):
    document = read_trackmate(ORACLE)
    session = Session(
        tracker=("KALMAN_TRACKER", {"KALMAN_SEARCH_RADIUS": 20.0}),
        track_filters=[Filter("NUMBER_SPOTS", 8)],
        log="pruned",
    )
    write_trackmate(tmp_path / "a.xml", document.graph, document, session)
    read = read_trackmate(tmp_path / "a.xml")
    assert read.tracker == ("KALMAN_TRACKER", {"KALMAN_SEARCH_RADIUS": 20.0})
    assert read.detector == document.detector
    assert read.log == "made with TrackMate 8.1.6\npruned"
    assert set(read.filtered_tracks) == {
        i for i, n in by_id(read, "NUMBER_SPOTS").items() if n >= 8
    }
    assert 0 < len(read.filtered_tracks) < read.tracks.n


def by_id(document, key):
    ids = document.tracks.columns["TRACK_ID"].astype(int)
    return dict(zip(ids.tolist(), document.tracks.columns[key].tolist(), strict=True))


def test_pruned_tracks_are_recomputed_and_others_kept(tmp_path):
    """Without a spot in its middle, a track is two; all other tracks stay as they are."""
    document = read_trackmate(ORACLE)
    graph = document.graph
    straight = (graph.in_degree == 1) & (graph.out_degree == 1) & (graph.spots.frame == 3)
    gone = np.flatnonzero(straight)[0]
    track_id = int(document.track_ids[graph.track[gone]])
    write_trackmate(
        tmp_path / "a.xml", graph.keep_spots(np.arange(len(graph.spots)) != gone), document
    )
    read = read_trackmate(tmp_path / "a.xml")
    assert graph.spots.id[gone] not in read.graph.spots.id
    before, after = by_id(document, "NUMBER_SPOTS"), by_id(read, "NUMBER_SPOTS")
    (new,) = set(after) - set(before)
    assert after[track_id] + after[new] == before[track_id] - 1
    assert read.track_names[new] == f"Track_{new}"
    for key in ("NUMBER_SPOTS", "TRACK_MEAN_SPEED", "TOTAL_DISTANCE_TRAVELED"):
        before, after = by_id(document, key), by_id(read, key)
        assert all(after[i] == before[i] for i in before if i != track_id)
        assert after[track_id] != before[track_id]
    assert sorted(read.tracks.columns["TRACK_INDEX"]) == list(range(document.tracks.n + 1))
    # The file's own filter (duration ≥ 60 s) judges the two pieces.
    duration = by_id(read, "TRACK_DURATION")
    assert set(read.filtered_tracks) == {i for i, d in duration.items() if d >= 60}


def test_changed_tracks_keep_link_features_and_lose_stale_ones(tmp_path):
    """E. coli: DIVISION_TIME_* come from another plugin; they would be stale after an edit."""
    path = DATA / "trackmate-xml" / "Ecoli_growth_on_agar_pad.xml.gz"
    document = read_trackmate(path)
    graph = document.graph
    changed = int(document.track_ids[graph.track[graph.source[0]]])
    write_trackmate(tmp_path / "a.xml", graph.keep_links(np.arange(graph.n_links) != 0), document)
    read = read_trackmate(tmp_path / "a.xml")
    stale = read.tracks.absent["DIVISION_TIME_MEAN"]
    ids = read.tracks.columns["TRACK_ID"].astype(int)
    others = [i for i in document.tracks.columns["TRACK_ID"].astype(int) if i != changed]
    assert stale[ids == changed].all()
    assert not stale[np.isin(ids, others)].any()
    assert read.edges.n == document.edges.n - 1
    assert len(read.graph.spots.contours) == len(graph.spots.contours)


def test_moved_spot_changes_its_track_only(tmp_path):
    document = read_trackmate(ORACLE)
    table = document.graph.spots.table.copy()
    row = int(document.graph.source[0])
    table.loc[row, "x"] += 1.0
    spots = document.graph.spots.with_columns({"x": table["x"].to_numpy()})
    write_trackmate(tmp_path / "a.xml", document.graph.with_spots(spots), document)
    read = read_trackmate(tmp_path / "a.xml")
    a = document.tracks.columns["TRACK_X_LOCATION"]
    b = read.tracks.columns["TRACK_X_LOCATION"]
    n = document.tracks.columns["NUMBER_SPOTS"]
    changed = np.flatnonzero(a != b)
    assert changed.size == 1
    assert b[changed[0]] - a[changed[0]] == pytest.approx(1 / n[changed[0]])


def test_new_columns_are_declared_in_a_document(tmp_path):
    document = read_trackmate(DATA / "trackmate-xml" / "laptrack_gap_closing.xml")
    n = len(document.graph.spots)
    spots = document.graph.spots.with_columns(
        {"boundary_distance": np.arange(n) * 0.5, "mine": np.arange(n)}
    )
    write_trackmate(tmp_path / "a.xml", document.graph.with_spots(spots), document)
    read = read_trackmate(tmp_path / "a.xml")
    keys = [d.key for d in read.declarations("spot")]
    assert keys[-2:] == ["BOUNDARY_DISTANCE", "mine"]
    np.testing.assert_array_equal(read.graph.spots.feature("mine"), np.arange(n))
    # All tracks are as they were: nothing is computed anew.
    np.testing.assert_array_equal(
        read.tracks.columns["TRACK_MAX_QUALITY"], document.tracks.columns["TRACK_MAX_QUALITY"]
    )


numbers = st.floats(-1e30, 1e30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(numbers, numbers, st.integers(0, 3), st.floats(width=64)), max_size=8),
    st.data(),
)
def test_any_graph_comes_back(tmp_path, rows, data):
    table = pd.DataFrame(rows, columns=["x", "y", "frame", "own"])
    table["z"], table["radius"] = 1.0, 2.0
    table["id"] = np.arange(len(rows))[::-1] * 3
    frame = dict(zip(table["id"], table["frame"], strict=True))
    pairs = [(a, b) for a in frame for b in frame if frame[a] < frame[b]]
    links = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    graph = make_graph(table.astype({"frame": int}), links)
    path = tmp_path / "a.xml"
    logging.disable(logging.WARNING)
    write_trackmate(path, graph)
    document = read_trackmate(path)
    logging.disable(logging.NOTSET)
    pd.testing.assert_frame_equal(
        document.graph.spots.table[["id", "frame", "x", "y", "z"]],
        graph.spots.table[["id", "frame", "x", "y", "z"]],
    )
    if "own" in document.graph.spots.table:
        np.testing.assert_array_equal(
            document.graph.spots.feature("own"), graph.spots.feature("own")
        )
    else:
        assert graph.spots.table["own"].isna().all()
    assert document.graph.links_table().equals(graph.links_table())
    write_trackmate(tmp_path / "b.xml", document.graph, document)
    assert canonical(parse(tmp_path / "b.xml")) == canonical(parse(path))


def test_a_tracker_that_trackmate_lacks_is_manual_to_it(tmp_path):
    """TrackMate 8.1.6 complains about an unknown tracker, and about unknown settings of a known."""
    flow = ("FLOW_TRACKER", {"linking_max_distance": 6.0})
    path = tmp_path / "a.xml"
    write_trackmate(path, two_tracks(), None, Session(tracker=flow))
    document = read_trackmate(path)
    assert document.tracker == flow
    assert document.root.find("Settings/TrackerSettings").attrib == {
        "TRACKER_NAME": "MANUAL_TRACKER"
    }
    nearest = ("NEAREST_NEIGHBOR_TRACKER", {"LINKING_MAX_DISTANCE": 5.0})
    write_trackmate(tmp_path / "b.xml", document.graph, document, Session(tracker=nearest))
    assert read_trackmate(tmp_path / "b.xml").tracker == nearest
    assert "BTrackMateTracker" not in (tmp_path / "b.xml").read_text(encoding="utf-8")


def test_perimeters_have_one_meaning_a_key(tmp_path):
    """PERIMETER is TrackMate's, the length of an outline; our estimate has a key of its own."""
    table = {"id": [1], "frame": [0], "x": [0.0], "y": [0.0]}
    table |= {"perimeter": [3.0], "PERIMETER": [4.0]}
    write_trackmate(tmp_path / "t.xml", make_graph(table, [], ndim=2))
    text = (tmp_path / "t.xml").read_text("utf-8")
    assert 'LABEL_PERIMETER="3.0"' in text
    assert ' PERIMETER="4.0"' in text
    read = read_trackmate(tmp_path / "t.xml").graph.spots.table
    assert read[["perimeter", "PERIMETER"]].iloc[0].tolist() == [3.0, 4.0]
