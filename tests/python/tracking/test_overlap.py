import numpy as np
import pandas as pd
import pytest
from tracking_movies import link_ids

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import Cancelled, UserError
from btrackmate.core.spots import Spots
from btrackmate.measurement import ArrayFrames
from btrackmate.tracking import NearestSettings, OverlapSettings, track
from btrackmate.tracking.overlap import track_overlap


def draw(*frames):
    """Make a 2D movie of drawings, rows parted by blanks; letters and digits are labels."""
    return np.array(
        [[[0 if c == "." else int(c, 36) for c in row] for row in frame.split()]
         for frame in frames], np.uint16,
    )  # fmt: skip


def spots_of(movie, *, first_id=0, calibration=None):
    """Give one spot a label and frame, ids by frame, then label; position plays no part here."""
    rows = [(t, label) for t, frame in enumerate(movie) for label in np.unique(frame) if label]
    table = pd.DataFrame(rows, columns=["frame", "label"]).assign(x=0.0, y=0.0, z=0.0)
    table["id"] = np.arange(len(table)) + first_id
    return Spots.from_table(
        table, calibration or Calibration(), ndim=movie.ndim - 1, n_frames=len(movie)
    )


def link(movie, spots=None, **settings):
    spots = spots_of(movie) if spots is None else spots
    return track(spots, OverlapSettings(**settings), labels=ArrayFrames(movie, movie.ndim - 1))


def label_links(graph):
    """Give the links as (source label, target label)."""
    label = graph.spots.table["label"].to_numpy()
    return sorted(zip(label[graph.source].tolist(), label[graph.target].tolist(), strict=True))


def test_cost_is_one_minus_iou():
    """Four pixels each, two shared: IoU 2/6."""
    graph = link(draw("1111..", "..2222"))
    assert link_ids(graph) == [(0, 1)]
    assert graph.cost.tolist() == [1 - 2 / 6]


@pytest.mark.parametrize(("least", "links"), [(0.33, 1), (2 / 6, 0), (0.34, 0)])
def test_a_link_needs_more_than_the_least_iou(least, links):
    assert link(draw("1111..", "..2222"), min_iou=least).n_links == links


def test_the_source_of_the_largest_iou_is_taken():
    """3 shares one pixel with 1 (IoU 1/5) and three with 2 (3/6)."""
    graph = link(draw("1122222", "1333322"), min_iou=0)
    assert label_links(graph) == [(1, 1), (2, 2), (2, 3)]


def test_of_equal_sources_the_lowest_id_is_taken():
    movie = draw("112233", ".4444.")
    assert label_links(link(movie, min_iou=0.1)) == [(2, 4)]
    tie = draw("1122", ".33.")
    assert label_links(link(tie, min_iou=0.1)) == [(1, 3)]
    spots = spots_of(tie)
    swapped = spots.with_columns({"label": np.array([2, 1, 3])})
    assert label_links(link(tie, swapped, min_iou=0.1)) == [(2, 3)]


def test_a_mother_may_have_two_daughters_and_a_cell_one_mother():
    """5 divides into 6 and 7; 8 and 9 become A, of which 8 covers more."""
    graph = link(draw("555555.88899", "666777.AAAAA"), min_iou=0.3)
    assert label_links(graph) == [(5, 6), (5, 7), (8, 10)]
    assert len(graph.divisions) == 1


def test_precise_compares_cells_and_fast_boxes():
    """Two angles of five pixels in the same box that share two corners: IoU 2/8 and 1."""
    movie = draw("111 1.. 1..", "..2 ..2 222")
    precise, fast = link(movie, min_iou=0), link(movie, iou_calculation="FAST")
    assert precise.cost.tolist() == [1 - 2 / 8]
    assert fast.cost.tolist() == [0]


def test_scaling_enlarges_cells_about_their_centroids():
    """Pixels 2–4 and 5–7 do not meet; doubled they cover 0–6 and 3–9: IoU 3/9."""
    movie = draw("..111...", ".....222")
    assert link(movie, min_iou=0).n_links == 0
    for how in ("PRECISE", "FAST"):
        graph = link(movie, min_iou=0, scale_factor=2, iou_calculation=how)
        np.testing.assert_allclose(graph.cost, 1 - 3 / 9, rtol=1e-12)


def test_scaling_shrinks_cells_about_their_centroids():
    """Edges 0–4 and 2–6 shrunk to a half: 1–3 and 3–5."""
    movie = draw("1111..", "..2222")
    assert link(movie, min_iou=0, scale_factor=0.5).n_links == 0
    graph = link(movie, min_iou=0, scale_factor=0.75)  # 0.5–3.5 and 2.5–5.5
    np.testing.assert_allclose(graph.cost, 1 - 1 / 5, rtol=1e-12)


def test_stacked_cells_in_three_dimensions_are_told_apart():
    """500 cells in five layers of the same x and y: 500 tracks (TrackMate's own makes 265)."""
    rng = np.random.default_rng(0)
    movie = np.zeros((4, 40, 100, 100), np.uint16)
    corners = np.stack(np.meshgrid(np.arange(5), *[np.arange(10)] * 2, indexing="ij"), -1)
    for frame in movie:
        shift = rng.integers(0, 2, (500, 3))
        for i, (z, y, x) in enumerate(corners.reshape(-1, 3) * (8, 10, 10) + 1 + shift):
            frame[z : z + 5, y : y + 7, x : x + 7] = i + 1
    for how in ("PRECISE", "FAST"):
        graph = link(movie, iou_calculation=how)
        assert graph.n_tracks == 500
        assert label_links(graph) == sorted(3 * [(i, i) for i in range(1, 501)])


def test_a_cell_above_another_does_not_overlap_it():
    movie = np.zeros((2, 4, 3, 3), np.uint8)
    movie[0, :2], movie[1, 2:] = 1, 1
    assert link(movie, min_iou=0).n_links == 0


def test_overlap_does_not_depend_on_the_voxel_size():
    rng = np.random.default_rng(3)
    movie = rng.integers(0, 5, (3, 4, 5, 6)).astype(np.uint8)
    fine = link(movie, min_iou=0)
    far = spots_of(movie, calibration=Calibration(dz=7.0, dx=0.1, dt=30.0))
    coarse = link(movie, far, min_iou=0)
    assert fine.cost.tolist() == coarse.cost.tolist()
    assert link_ids(fine) == link_ids(coarse)


def blobs(rng, ndim):
    """Draw two frames of blobs that touch and overlap, with ids that leave gaps."""
    shape = (2, *(7, 20, 21)[3 - ndim :])
    movie = np.zeros(shape, np.uint32)
    for label in rng.permutation(np.arange(1, 16)):
        centre = rng.random(ndim) * shape[1:]
        grid = np.indices(shape[1:]).reshape(ndim, -1)
        for t in range(2):
            moved = centre + rng.normal(size=ndim) * 0.7
            inside = ((grid - moved[:, None]) ** 2).sum(axis=0) < 12
            movie[t][inside.reshape(shape[1:])] = label * 100_003
    movie[movie == 100_003] = 2**32 - 1
    return movie


@pytest.mark.parametrize("ndim", [2, 3])
def test_iou_is_that_of_the_voxel_sets(ndim):
    rng = np.random.default_rng(ndim)
    for _ in range(10):
        movie = blobs(rng, ndim)
        graph = link(movie, min_iou=0)
        first, second = movie
        expected = []
        for b in np.unique(second[second > 0]):
            values = [((first == a) & (second == b)).sum() / ((first == a) | (second == b)).sum()
                      for a in np.unique(first[first > 0])]  # fmt: skip
            if max(values) > 0:
                expected.append(max(values))
        np.testing.assert_allclose(sorted(1 - graph.cost), sorted(expected), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.7, 1.4])
def test_scaled_iou_is_that_of_finely_sampled_cells(scale):
    rng = np.random.default_rng(11)
    movie = blobs(rng, 2)
    graph = link(movie, min_iou=0.05, scale_factor=scale)

    def scaled(frame, label, fine):
        pixels = np.argwhere(frame == label)
        centre = pixels.mean(axis=0)[:, None, None]
        back = np.floor((fine - centre) / scale + centre + 0.5).astype(int)
        inside = ((back >= 0) & (back < np.array(frame.shape)[:, None, None])).all(axis=0)
        y, x = np.where(inside, back, 0)
        return inside & (frame[y, x] == label)

    label = graph.spots.table["label"].to_numpy()
    assert graph.n_links >= 5
    for source, target, cost in zip(graph.source, graph.target, graph.cost, strict=True):
        corner = np.argwhere(movie[1] == label[target]).min(axis=0)[:, None, None] - 8
        fine = corner + (np.indices((1200, 1200)) + 0.5) / 50  # 24 pixels, 50 samples each
        a, b = scaled(movie[0], label[source], fine), scaled(movie[1], label[target], fine)
        assert 1 - cost == pytest.approx((a & b).sum() / (a | b).sum(), abs=0.01)


def test_labels_without_a_spot_do_not_count():
    """2 covers 3 best, but has no spot (filtered, say); so 1 is the source."""
    movie = draw("122222", "333333")
    spots = spots_of(movie)
    assert label_links(link(movie, min_iou=0)) == [(2, 3)]
    kept = spots.take(spots.table["label"].to_numpy() != 2)
    assert label_links(link(movie, kept, min_iou=0)) == [(1, 3)]


def test_frames_without_spots_are_passed_over():
    movie = draw("....", "1111", "....", "1111", "1111", "....")
    assert link_ids(link(movie)) == [(0, 1), (1, 2)]


def test_an_empty_movie_and_a_single_spot():
    assert link(draw("....", "....")).n_links == 0
    assert link(draw("....", ".1..")).n_links == 0
    nothing = Spots.from_table(
        pd.DataFrame({"frame": [], "x": [], "y": [], "z": []}), Calibration()
    )
    assert link(np.zeros((2, 3, 3, 3), np.uint8), nothing).n_links == 0


def test_each_frame_is_read_once_and_in_order():
    movie = draw("1111", "1111", "1111")
    seen = []

    class Source(ArrayFrames):
        def frame(self, t):
            seen.append(t)
            return super().frame(t)

    track_overlap(spots_of(movie), Source(movie, 2), OverlapSettings())
    assert seen == [0, 1, 2]


def test_progress_reaches_the_total_and_can_cancel():
    movie = draw("1111", "1111", "1111")
    labels, seen = ArrayFrames(movie, 2), []
    track(spots_of(movie), OverlapSettings(), lambda *step: seen.append(step), labels)
    assert seen[-1] == ("linking frames", 3, 3)

    def cancel(step, done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        track(spots_of(movie), OverlapSettings(), cancel, labels)


def test_without_labels_the_tracker_says_so():
    with pytest.raises(UserError, match="overlap compares cells in label images, or 2D outlines"):
        track(spots_of(draw("11", "11")), OverlapSettings())


def test_other_trackers_do_not_look_at_labels():
    movie = draw("11", "11")
    short = ArrayFrames(movie[:1], 2)
    assert track(spots_of(movie), NearestSettings(), labels=short).n_links == 1


def test_spots_without_label_are_refused():
    table = spots_of(draw("11", "11")).table.drop(columns="label")
    spots = Spots.from_table(table, Calibration(), ndim=2)
    with pytest.raises(UserError, match="the spots have no column 'label'.*frame, time, x, y, z"):
        link(draw("11", "11"), spots)


@pytest.mark.parametrize(
    ("movie", "message"),
    [
        (draw("1122", "1122"), "label movie has 2 frames"),
        (
            draw("1122", "1122", "1111"),
            r"label image of frame 2 lacks the label 2 .*\(1 such spots",
        ),
        (
            draw("1122", "....", "1122"),
            r"label image of frame 1 lacks the label 1 .*\(2 such spots",
        ),
    ],
)
def test_labels_of_another_movie_are_refused(movie, message):
    spots = spots_of(draw("1122", "1122", "1122"))
    with pytest.raises(UserError, match=message):
        link(movie, spots)


def test_two_spots_of_one_label_are_refused():
    spots = spots_of(draw("1122", "1122")).with_columns({"label": np.array([1, 1, 1, 2])})
    with pytest.raises(UserError, match="2 spots of frame 0 have the label 1, expected one spot"):
        link(draw("1122", "1122"), spots)


def test_a_missing_label_is_refused():
    spots = spots_of(draw("1122", "1122")).with_columns({"label": np.array([1, np.nan, 1, 2])})
    with pytest.raises(UserError, match="label image of frame 0 lacks the label 0 of a spot"):
        link(draw("1122", "1122"), spots)
