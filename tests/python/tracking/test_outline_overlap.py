"""Overlap of outlines: by hand, against label images, and as TrackMate links them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from canonical_xml import DATA
from numpy.typing import NDArray
from tiny_movies import write_imagej

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.io.trackmate import read_trackmate
from btrackmate.measurement import ArrayFrames, MeasureSettings, measure_movie
from btrackmate.tracking import OverlapSettings, track
from btrackmate.tracking.outlines import track_outlines


def square(side: float) -> NDArray[np.float64]:
    half = side / 2
    return np.array([[half, -half], [half, half], [-half, half], [-half, -half]])


def make_spots(
    rows: list[tuple[int, int, float, float]],
    outlines: dict[int, NDArray[np.float64]],
    **columns: object,
) -> Spots:
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "y"]).assign(**columns)
    return Spots.from_table(table, Calibration(), ndim=2, contours=outlines)


def links(spots: Spots, **settings: object) -> list[tuple[int, int, float]]:
    graph = track_outlines(spots, OverlapSettings.model_validate(settings))
    table = graph.links_table()
    ends = zip(table["source"], table["target"], table["cost"], strict=True)
    return [(int(a), int(b), round(float(cost), 9)) for a, b, cost in ends]


DIAMOND = np.array([[0.0, -1], [1, 0], [0, 1], [-1, 0]])


@pytest.mark.parametrize(
    ("shift", "outlines", "iou"),
    [
        ((1.0, 0.0), (square(2), square(2)), 2 / 6),
        ((1.0, 1.0), (square(2), square(2)), 1 / 7),
        ((0.0, 0.0), (square(2), square(2)), 1),
        ((0.0, 0.0), (square(2), square(4)), 4 / 16),
        ((0.0, 0.0), (square(2), DIAMOND), 2 / 4),
        ((0.5, 0.0), (DIAMOND, DIAMOND), 1.125 / 2.875),
        ((1.0, 0.0), (DIAMOND, DIAMOND[::-1]), 0.5 / 3.5),
    ],
)
def test_by_hand(
    shift: tuple[float, float], outlines: tuple[NDArray[np.float64], ...], iou: float
) -> None:
    rows = [(5, 0, 3.0, 3.0), (6, 1, 3.0 + shift[0], 3.0 + shift[1])]
    spots = make_spots(rows, {5: outlines[0], 6: outlines[1]})
    assert links(spots, min_iou=0.1) == [(5, 6, round(1 - iou, 9))]
    assert links(spots, min_iou=min(iou, 0.99)) == ([] if iou < 1 else [(5, 6, 0.0)])


def test_a_concave_cell() -> None:
    """A U and a bar through its gap share the U's bottom only."""
    u = np.array([[0.0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3]])
    bar = np.array([[1.0, 0], [2, 0], [2, 3], [1, 3]])
    spots = make_spots([(1, 0, 0.0, 0.0), (2, 1, 0.0, 0.0)], {1: u, 2: bar})
    assert links(spots, min_iou=0.05) == [(1, 2, round(1 - 1 / 9, 9))]


def test_boxes_scaling_circles_and_gaps() -> None:
    spots = make_spots([(1, 0, 0.0, 0.0), (2, 1, 1.0, 0.0)], {1: DIAMOND, 2: DIAMOND})
    assert links(spots, iou_calculation="FAST", min_iou=0.1) == [(1, 2, round(1 - 2 / 6, 9))]
    apart = make_spots([(1, 0, 0.0, 0.0), (2, 1, 3.0, 0.0)], {1: square(2), 2: square(2)})
    assert links(apart, min_iou=0.0) == []
    assert links(apart, min_iou=0.1, scale_factor=2.0) == [(1, 2, round(1 - 4 / 28, 9))]
    round_one = make_spots([(1, 0, 0.0, 0.0), (2, 2, 0.0, 0.0)], {1: square(4)}, radius=1.0)
    ((source, target, cost),) = links(round_one, min_iou=0.1)  # an empty frame is passed over
    assert (source, target) == (1, 2)
    assert 1 - cost == pytest.approx(np.pi / 16, rel=0.01)


def test_two_daughters_and_ties() -> None:
    """The tie goes to the lower id, and a mother may have two daughters."""
    rows = [
        (1, 0, 0.0, 0.0),
        (2, 0, 2.0, 0.0),
        (3, 1, 1.0, 0.0),
        (4, 2, 0.5, 0.0),
        (5, 2, 1.5, 0.0),
    ]
    outlines = {i: square(2) for i in (1, 2, 3)} | {i: square(1) for i in (4, 5)}
    found = links(make_spots(rows, outlines), min_iou=0.2)
    assert [pair[:2] for pair in found] == [(1, 3), (3, 4), (3, 5)]


def test_a_spot_without_shape_is_named() -> None:
    spots = make_spots([(1, 0, 0.0, 0.0), (2, 1, 0.0, 0.0)], {1: square(2)})
    with pytest.raises(UserError, match="spot 2 has neither an outline nor a radius"):
        links(spots)


def test_outlines_link_as_the_label_images_do() -> None:
    """Cells without holes, each in a field of its own of 12 × 12 pixels."""
    rng = np.random.default_rng(5)
    movie = np.zeros((4, 60, 60), np.uint16)
    for cell in range(25):
        place = np.array(divmod(cell, 5)) * 12 + 3
        for t in range(4):
            heights = rng.integers(1, 6, 6)
            y, x = np.clip(rng.normal(place, 2.5).astype(int), place - 3, place + 3)
            for column, height in enumerate(heights):
                movie[t, y : y + height, x + column] = cell + 1
    frames = ArrayFrames(movie, 2)
    spots = measure_movie(frames, None, None, Calibration(0.5, 0.5), MeasureSettings()).spots
    assert (spots.table["components"] == 1).all()
    for settings in ({"min_iou": 0.1}, {"iou_calculation": "FAST"}, {"scale_factor": 1.5}):
        parsed = OverlapSettings.model_validate(settings)
        ours = track(spots, parsed).links_table()
        theirs = track(spots, parsed, labels=frames).links_table()
        assert len(theirs) > 20
        pd.testing.assert_frame_equal(ours, theirs)


def test_trackmate_file_with_outlines(tmp_path: Path) -> None:
    """TrackMate made its links with another tracker; most of those between neighbours agree."""
    path = DATA / "trackmate-xml" / "Ecoli_growth_on_agar_pad.xml.gz"
    out = tmp_path / "t.xml"
    words = ["track", path, "-o", out, "--tracker", "overlap", "--set", "MIN_IOU=0.1", "--quiet"]
    assert run_command([str(word) for word in words]) == 0
    before, after = read_trackmate(path).graph, read_trackmate(out).graph
    assert len(after.spots.contours) == len(before.spots.contours) > 500
    pairs = [
        set(map(tuple, one.links_table()[["source", "target"]].to_numpy()))
        for one in (before, after)
    ]
    assert len(pairs[0] & pairs[1]) > 0.8 * len(pairs[1]) > 0


def test_2d_labels_through_the_xml(tmp_path: Path) -> None:
    """What `track` writes of 2D labels links the same by its outlines alone."""
    movie = np.zeros((3, 12, 12), np.uint16)
    for t in range(3):
        movie[t, 2:6, 2 + t : 6 + t] = 5
        movie[t, 8:11, 1:5] = 9
    labels = write_imagej(tmp_path / "l.tif", movie, "TYX")
    first, second = tmp_path / "a.xml", tmp_path / "b.xml"
    for source, target in ((labels, first), (first, second)):
        words = ["track", source, "-o", target, "--tracker", "overlap", "--quiet"]
        assert run_command([str(word) for word in words]) == 0
    a, b = read_trackmate(first), read_trackmate(second)
    assert len(a.graph.spots.contours) == 6
    assert a.graph.n_links == 4
    pd.testing.assert_frame_equal(a.graph.links_table(), b.graph.links_table())
    names = {d.key: d.name for d in a.declarations("spot")}
    assert (names["VOLUME"], names["VOXEL_COUNT"]) == ("Area", "Pixel count")
    dimensions = {d.key: d.dimension for d in a.declarations("spot")}
    assert dimensions["VOLUME"] == "AREA"
