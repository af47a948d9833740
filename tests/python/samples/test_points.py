"""Seeded point movies: their truth, what a detector makes of it, and the links in between."""

import numpy as np
import pytest
from tracking_movies import link_ids, make_graph, make_spots

from btrackmate.core.errors import UserError
from btrackmate.metrics import score_same_spots
from btrackmate.tracking import LapSettings, track
from btrackmate_samples.points import (
    PointMovie,
    PointMovieSettings,
    make_point_movie,
    truth_links_of_observed,
)

PERFECT = {"miss": 0, "false": 0, "merge": 0, "noise_xy": 0, "noise_z": 0}


def make(**values):
    return make_point_movie(PointMovieSettings(n_cells=80, n_frames=8, growth=2.0, **values), 3)


def observe(truth, true_id, **columns):
    """A movie whose observed spots 100, 101, … show the true spots of these ids."""
    row = {int(i): r for r, i in enumerate(truth.spots.id)}
    true_row = np.array([row.get(i, -1) for i in true_id])
    frames = columns.get("frames", [int(truth.spots.frame[r]) for r in true_row])
    spots = make_spots([(100 + i, f, 0.0) for i, f in enumerate(frames)], n_frames=4)
    return PointMovie(truth, spots, true_row, np.full(len(true_id), -1))


# frame 0  1    2    3
#       0─ 1 ┬─ 2 ── 4
#            └─ 3 ── 5
FAMILY = make_graph(
    {0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 5: 3}, [(0, 1), (1, 2), (1, 3), (2, 4), (3, 5)], n_frames=4
)


def test_links_of_observed_spots_skip_missed_ones():
    """Mother 1 and daughter 3 are missed: 0 links to 2 and, two frames later, 5."""
    links = link_ids(truth_links_of_observed(observe(FAMILY, [0, 2, 4, 5])))
    assert links == [(100, 101), (100, 103), (101, 102)]


def test_false_positives_stay_alone():
    movie = observe(FAMILY, [0, -1, 1], frames=[0, 0, 1])
    assert link_ids(truth_links_of_observed(movie)) == [(100, 102)]


def test_no_division_where_one_daughter_is_never_seen():
    graph = truth_links_of_observed(observe(FAMILY, [0, 1, 2, 4]))
    assert graph.divisions.size == 0
    assert graph.n_links == 3


def test_same_seed_same_movie():
    one, two, other = (make_point_movie("S", seed) for seed in (1, 1, 2))
    assert one.observed.table.equals(two.observed.table)
    assert one.true_row.tolist() == two.true_row.tolist()
    assert len(other.observed) != len(one.observed)


def test_perfect_detector_sees_each_cell_once_where_it_is():
    movie = make(**PERFECT)
    assert sorted(movie.true_row.tolist()) == list(range(len(movie.truth.spots)))
    true = movie.truth.spots.positions[movie.true_row]
    assert np.array_equal(movie.observed.positions, true)
    assert score_same_spots(truth_links_of_observed(movie), movie_links(movie)).link_f1 == 1


def movie_links(movie):
    """The truth's own links, told in observed spots of a perfect detector."""
    row = np.argsort(movie.true_row)
    truth = movie.truth
    return type(truth).from_links(movie.observed, row[truth.source], row[truth.target])


def test_observed_order_tells_nothing():
    """Within a frame the spots are shuffled, so that ids do not follow the cells."""
    movie = make(**PERFECT)
    first = movie.true_row[movie.observed.frame == 0]
    assert not np.array_equal(first, np.sort(first))


def test_noise_has_its_size_in_each_axis():
    movie = make(**(PERFECT | {"noise_xy": 0.2, "noise_z": 1.0}))
    error = movie.observed.positions - movie.truth.spots.positions[movie.true_row]
    assert error.std(axis=0) == pytest.approx([0.2, 0.2, 1.0], rel=0.1)


def test_misses_and_false_positives_have_their_rates():
    movie = make(**(PERFECT | {"miss": 0.1, "false": 0.2}))
    n = len(movie.truth.spots)
    false = movie.true_row < 0
    assert (~false).sum() / n == pytest.approx(0.9, abs=0.03)
    assert false.sum() / n == pytest.approx(0.2, abs=0.04)
    real = movie.true_row[~false]
    assert np.unique(real).size == real.size
    assert np.array_equal(movie.observed.frame[~false], movie.truth.spots.frame[real])


def test_merged_cells_are_one_spot_between_them():
    """The spot has both volumes, and the hidden cell has no spot of its own."""
    movie = make(**(PERFECT | {"merge": 0.1, "noise_volume": 0}))
    rows = np.flatnonzero(movie.merged_row >= 0)
    one, two = movie.true_row[rows], movie.merged_row[rows]
    assert rows.size > 20
    assert not np.isin(two, movie.true_row).any()
    volume, place = movie.truth.spots.feature("volume"), movie.truth.spots.positions
    assert movie.observed.feature("volume")[rows] == pytest.approx(volume[one] + volume[two])
    weight = (volume[two] / (volume[one] + volume[two]))[:, None]
    between = place[one] + weight * (place[two] - place[one])
    assert movie.observed.positions[rows] == pytest.approx(between)


def test_cells_double_as_growth_says():
    counts = np.bincount(make(death=0).truth.spots.frame)
    assert counts[0] == 80
    assert counts[-1] / counts[0] == pytest.approx(2.0, abs=0.2)


def test_daughters_share_the_mothers_volume_and_she_is_bright():
    truth = make(death=0).truth
    volume, grey = (truth.spots.feature(name) for name in ("volume", "mean_intensity_ch1"))
    mothers = truth.divisions
    daughters = np.array([truth.children(row) for row in mothers])
    assert volume[daughters].sum(axis=1) / volume[mothers] == pytest.approx(1, abs=0.2)
    assert (volume[daughters] < 0.8 * volume[mothers, None]).all()
    ordinary = np.setdiff1d(np.arange(len(truth.spots)), mothers)
    assert grey[mothers].mean() > 1.3 * grey[ordinary].mean()


def test_cells_keep_apart():
    """Nearest neighbours lie near one spacing; nobody sits on another."""
    truth = make().truth
    place = truth.spots.positions[truth.spots.frame == 7]
    apart = np.sqrt(((place[:, None] - place[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1)
    assert np.median(nearest) == pytest.approx(7.0, abs=0.7)
    assert nearest.min() > 3


def test_flow_moves_cells():
    still = make(flow=0, wander=0, death=0)
    fast = make(flow=5, wander=0, death=0)
    steps = []
    for truth in (still.truth, fast.truth):
        single = truth.out_degree[truth.source] == 1
        place = truth.spots.positions
        step = place[truth.target[single]] - place[truth.source[single]]
        steps.append(np.sqrt((step**2).sum(axis=1).mean()))
    assert steps[0] < 1
    assert 3 < steps[1] < 7


def test_small_movie_is_as_hard_as_the_recorded_one():
    """Plain LAP: edge F1 .975–.985 and division F1 .45–.60 on average."""
    settings = LapSettings(
        linking_max_distance=8,
        allow_gap_closing=True,
        gap_closing_max_distance=8,
        splitting_max_distance=8,
    )
    scores = []
    for seed in range(4):
        movie = make_point_movie("S", seed)
        assert 3600 < len(movie.observed) < 4200
        assert movie.observed.n_frames == 20
        truth = truth_links_of_observed(movie)
        found = score_same_spots(truth, track(movie.observed, settings))
        scores.append((found.link_f1, found.division_f1))
    links, divisions = np.mean(scores, axis=0)
    assert 0.975 <= links <= 0.985
    assert 0.45 <= divisions <= 0.60


@pytest.mark.parametrize("n_cells", [0, 1])
def test_hardly_any_cells(n_cells):
    settings = PointMovieSettings(n_cells=n_cells, n_frames=3, death=0, **PERFECT)
    movie = make_point_movie(settings)
    assert len(movie.observed) >= 3 * n_cells
    assert movie.observed.n_frames == 3
    assert truth_links_of_observed(movie).n_links == len(movie.observed) - n_cells


def test_one_frame():
    movie = make_point_movie(PointMovieSettings(n_cells=5, n_frames=1, **PERFECT))
    assert (len(movie.observed), truth_links_of_observed(movie).n_links) == (5, 0)


def test_unknown_size_is_named():
    with pytest.raises(UserError, match="unknown size 'XXL'; known: S, M, M-fast, L, XL"):
        make_point_movie("XXL")
