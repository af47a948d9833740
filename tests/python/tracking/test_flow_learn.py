import numpy as np
import pytest
import yaml
from tracking_movies import make_graph, make_spots

from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import ignore_progress
from btrackmate.tracking import FlowSettings, FlowWeights, track
from btrackmate.tracking.flow.learn import (
    Example,
    fit_weights,
    make_example,
    train_linking,
    write_weights,
)

SETTINGS = FlowSettings(
    linking_max_distance=6,
    splitting_max_distance=6,
    weights=dict.fromkeys(FlowWeights.model_fields, 0),
)


def make_movie(seed, n=40, frames=8):
    """Cells at random walk on a grid; one in twenty divides symmetrically, spots come and go."""
    rng = np.random.default_rng(seed)
    place = np.array([(x, y, 0.0) for x in range(0, 70, 10) for y in range(0, 60, 10)])[:n]
    rows, links, before = [], [], [-1] * n
    for f in range(frames):
        place = place + rng.normal(scale=0.4, size=place.shape)
        now, kept = [], []
        for i, p in enumerate(place):
            parts = [p]
            if f and rng.random() < 0.03:
                axis = rng.normal(size=3)
                axis *= 2.5 / np.linalg.norm(axis)
                parts = [p + axis, p - axis]
            for part in parts:
                if before[i] >= 0:
                    links.append((before[i], len(rows)))
                now.append(len(rows))
                kept.append(part)
                rows.append((len(rows), f, *part))
        place, before = np.array(kept), now
        if f:
            rows.append((len(rows), f, *(rng.random(3) * [60, 50, 0])))
    array = np.array(links)
    return TrackGraph.from_ids(make_spots(rows), array[:, 0], array[:, 1])


def test_weights_by_hand():
    """One choice of one candidate, right 3 times in 4: the weight tends to ln 3."""
    example = Example(
        np.ones((4, 1)), np.array([True, True, True, False]), np.arange(4), np.arange(4)
    )
    weights = fit_weights([example], np.zeros(1), 1e-9, ignore_progress)
    assert weights == pytest.approx([np.log(3)])


def test_ridge_holds_the_weights_back():
    example = Example(np.ones((2, 1)), np.array([True, True]), np.arange(2), np.arange(2))
    loose = fit_weights([example], np.zeros(1), 0.1, ignore_progress)
    strong = fit_weights([example], np.zeros(1), 1e6, ignore_progress)
    assert loose[0] > 1
    assert abs(strong[0]) < 1e-3


def test_rivals_share_a_choice():
    """Two candidates of one spot, the first right: they part by their evidence."""
    example = Example(
        np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([True, False]), np.arange(2), np.zeros(1, int)
    )
    weights = fit_weights([example], np.zeros(2), 0.01, ignore_progress)
    assert weights[1] < -1


def test_learnt_weights_track_an_unseen_movie():
    weights = train_linking([make_movie(seed) for seed in (1, 2, 3)], SETTINGS)
    assert weights.link > 0 > weights.link_distance_spacing
    truth = make_movie(4)
    values = SETTINGS.model_copy(update={"weights": weights})
    found = set(
        zip(*(getattr(track(truth.spots, values), k) for k in ("source", "target")), strict=True)
    )
    true = set(zip(truth.source, truth.target, strict=True))
    assert 2 * len(found & true) / (len(found) + len(true)) > 0.98
    none = track(truth.spots, SETTINGS)
    assert none.n_links == 0


@pytest.mark.slow
def test_divisions_are_raised_to_the_best_f1():
    """The ridge keeps all weights where they start, and with those nothing divides."""
    movies = [make_movie(seed) for seed in (1, 2, 3)]
    start = FlowSettings(
        linking_max_distance=6,
        splitting_max_distance=6,
        weights=dict.fromkeys(FlowWeights.model_fields, 0)
        | {"division": -2.0, "division_asymmetry": -9, "link": 1, "link_distance": -0.1},
    )
    weights = train_linking(movies, start, ridge=1e9)
    assert weights.link == pytest.approx(1, abs=0.01)
    unseen = make_movie(4).spots
    assert track(unseen, start).divisions.size == 0
    assert track(unseen, start.model_copy(update={"weights": weights})).divisions.size > 3


def test_what_is_right_and_known():
    """0→2 is a link, 1 divides into 3 and 4, 5 is no cell; 6 with three daughters is left out."""
    frames = {0: 0, 1: 0, 6: 0} | dict.fromkeys((2, 3, 4, 5, 7, 8, 9), 1)
    graph = make_graph(frames, [(0, 2), (1, 3), (1, 4), (6, 7), (6, 8), (6, 9)])
    example = make_example(graph, SETTINGS.model_copy(update={"nearest": 7}))
    by_name = dict(zip(FlowWeights.model_fields, example.evidence.T, strict=True))
    assert int(by_name["link"][example.right].sum()) == 1
    assert int(by_name["division"][example.right].sum()) == 1
    assert int(by_name["no_cell"][example.right].sum()) == 1
    # out of 0, 1, 5; into 2, 3, 4, 5, 0, 1, 6; out of 2, 3, 4, 7, 8, 9, which end
    assert example.start.size == 16


def test_weights_go_through_yaml(tmp_path):
    weights = FlowWeights(link=3.25, division=-1.0)
    write_weights(weights, tmp_path / "w.yaml")
    assert FlowWeights.from_yaml(tmp_path / "w.yaml") == weights
    text = (tmp_path / "w.yaml").read_text()
    assert text.startswith("# any link\nlink: 3.25\n")
    assert list(yaml.safe_load(text)) == list(FlowWeights.model_fields)
    with pytest.raises(UserError, match=r"w\.yaml"):
        write_weights(weights, tmp_path / "w.yaml")
    write_weights(FlowWeights(), tmp_path / "w.yaml", overwrite=True)
    assert FlowWeights.from_yaml(tmp_path / "w.yaml") == FlowWeights()


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(UserError, match="none of the 1 graphs"):
        train_linking(make_graph({}, []), SETTINGS)
    with pytest.raises(UserError, match="ridge is 0"):
        train_linking(make_movie(1), SETTINGS, ridge=0)
