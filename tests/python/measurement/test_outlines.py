"""Outlines of 2D cells: by hand, and as TrackMate's label image detector traces them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from canonical_xml import DATA
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.io.trackmate import read_trackmate
from btrackmate.measurement import ArrayFrames, MeasureSettings, measure_movie
from btrackmate.measurement.outlines import trace_outlines

PIXEL = Calibration()


def draw(*rows: str) -> NDArray[np.uint16]:
    return np.array([[int(one) for one in row] for row in rows], np.uint16)


def corners(labels: NDArray[np.uint16], label: int = 1) -> list[tuple[float, float]]:
    """Give the corners in whole numbers, from the corner of the first pixel."""
    table = trace_outlines(labels, PIXEL)
    one = table[table["label"] == label]
    return [(x + 0.5, y + 0.5) for x, y in zip(one["x"], one["y"], strict=True)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("1",), [(1, 0), (1, 1), (0, 1), (0, 0)]),
        (("110", "100"), [(2, 0), (2, 1), (1, 1), (1, 2), (0, 2), (0, 0)]),
        # pixels that touch at a corner are one piece
        (("10", "01"), [(1, 0), (1, 1), (2, 1), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0)]),
        # a hole is no part of the outline
        (("111", "101", "111"), [(3, 0), (3, 3), (0, 3), (0, 0)]),
        # of two pieces the larger
        (("1000", "0011", "0011"), [(4, 1), (4, 3), (2, 3), (2, 1)]),
        (("0011", "0011", "1000"), [(4, 0), (4, 2), (2, 2), (2, 0)]),
    ],
)
def test_by_hand(rows: tuple[str, ...], expected: list[tuple[float, float]]) -> None:
    assert corners(draw(*rows)) == expected


def test_labels_ids_and_spacing() -> None:
    labels = np.zeros((4, 5), np.int64)
    labels[1:3, 1:3] = 4_294_967_295
    labels[0, 4] = 7
    table = trace_outlines(labels, Calibration(0.5, 2.0))
    assert table["label"].tolist() == [7] * 4 + [4_294_967_295] * 4
    one = table[table["label"] > 7]
    assert sorted(set(one["x"])) == [0.25, 1.25]
    assert sorted(set(one["y"])) == [1.0, 5.0]
    assert len(trace_outlines(np.zeros((3, 4), np.uint8), PIXEL)) == 0
    assert len(trace_outlines(np.zeros((0, 4), np.uint8), PIXEL)) == 0


def shoelace(points: NDArray[np.float64]) -> float:
    x, y = points.T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2


def test_area_of_an_outline_is_that_of_the_pixels() -> None:
    """Of any cell without holes and of one piece."""
    rng = np.random.default_rng(3)
    for _ in range(30):
        heights = rng.integers(1, 9, 12)
        labels = (np.arange(9)[:, None] < heights).astype(np.uint8) * 3
        table = trace_outlines(labels, Calibration(0.5, 0.25))
        assert shoelace(table[["x", "y"]].to_numpy()) == pytest.approx(heights.sum() * 0.125)


def inside(points: NDArray[np.float64], x: NDArray[np.int64], y: float) -> NDArray[np.bool_]:
    """Tell which of the points (x, y) lie in a polygon, by the edges to their left."""
    result = np.zeros(x.size, bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, 1, axis=0), strict=True):
        if (y0 < y) != (y1 < y):
            result ^= x > x0 + (y - y0) / (y1 - y0) * (x1 - x0)
    return result


def canonical(points: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """Give a closed polygon from its lowest corner on, in the lower of both directions."""
    listed = [tuple(point) for point in np.round(points, 6).tolist()]
    first = listed.index(min(listed))
    turned = listed[first:] + listed[:first]
    return min(tuple(turned), (turned[0], *turned[:0:-1]))


@pytest.mark.slow
def test_outlines_are_trackmates() -> None:
    """TrackMate 7's outlines, not simplified, filled with pixels and traced again."""
    document = read_trackmate(DATA / "gpl" / "LabelImage.xml.gz")
    assert document.detector[1]["SIMPLIFY_CONTOURS"] is False
    spots = document.graph.spots
    labels = np.zeros((1024, 1024), np.uint16)
    theirs = {}
    for number, (i, (x, y, _)) in enumerate(zip(spots.id, spots.positions, strict=True), 1):
        points = spots.contours[int(i)] + [x, y]
        theirs[number] = canonical(points)
        low, high = np.ceil(points.min(axis=0)), np.floor(points.max(axis=0))
        columns = np.arange(int(low[0]), int(high[0]) + 1)
        for row in range(int(low[1]), int(high[1]) + 1):
            labels[row, columns[inside(points, columns, row)]] = number
    table = trace_outlines(labels, PIXEL)
    ours = {int(n): canonical(one[["x", "y"]].to_numpy()) for n, one in table.groupby("label")}
    assert len(theirs) == 469
    assert ours == theirs


def test_measured_cells_carry_their_outlines() -> None:
    """Relative to the centroid; in 3D there are none, nor where they are switched off."""
    movie = np.stack([draw("0110", "0100", "0002"), draw("0000", "0000", "2200")])
    frames = ArrayFrames(movie, 2)
    spots = measure_movie(frames, None, None, Calibration(0.5, 0.5), MeasureSettings()).spots
    assert sorted(spots.contours) == spots.id.tolist() == [0, 1, 2]
    for row, i in enumerate(spots.id.tolist()):
        points = spots.contours[i] + spots.positions[row, :2]
        assert shoelace(points) == pytest.approx(spots.table["volume"].iloc[row])
    assert spots.contours[2].tolist() == [[0.5, -0.25], [0.5, 0.25], [-0.5, 0.25], [-0.5, -0.25]]
    off = MeasureSettings(outlines=False)
    assert not measure_movie(frames, None, None, PIXEL, off).spots.contours
    deep = ArrayFrames(movie[:, None], 3)
    assert not measure_movie(deep, None, None, PIXEL, MeasureSettings()).spots.contours


def test_clipped_and_dropped_cells(tmp_path: Path) -> None:
    labels = draw("1111", "0000", "2200")[None]
    mask = draw("0011", "0011", "0011")[None]
    settings = MeasureSettings.model_validate({"mask": {"policy": "clip"}})
    result = measure_movie(ArrayFrames(labels, 2), None, ArrayFrames(mask, 2), PIXEL, settings)
    assert list(result.spots.contours) == [0]
    assert np.ptp(result.spots.contours[0], axis=0).tolist() == [2, 1]
    assert result.dropped["label"].tolist() == [2]


def test_frames_are_joined_in_any_order() -> None:
    from btrackmate.measurement.movie import combine_frames, measure_one_frame

    movie = np.stack([draw("1100"), draw("0110"), draw("0011")])
    parts = [
        measure_one_frame(t, movie[t], None, None, PIXEL, MeasureSettings()) for t in (2, 0, 1)
    ]
    spots = combine_frames(parts, PIXEL, ndim=2, n_frames=3).spots
    expected = pd.Series([0.5, 1.5, 2.5], name="x")
    pd.testing.assert_series_equal(spots.table["x"], expected)
    assert all(np.abs(spots.contours[i][:, 0]).max() == 1 for i in range(3))
