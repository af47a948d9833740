"""The same numbers as py-ctcmetrics and traccuracy on movies that are wrong in every known way."""

import numpy as np
import pytest
from metrics.ctc_oracle import score_with_ctcmetrics
from metrics.ctc_toy import read_toy, spoil
from metrics.drawn import graph
from metrics.random_movies import make_case

from btrackmate.metrics import score_points, score_segmentation, score_tracking

OURS_AND_CTC = {
    **{name: name for name in ("DET", "TRA", "LNK", "CT", "TF", "CCA", "CHOTA")},
    **{f"BC_{i}": f"BC({i})" for i in range(4)},
    **{name: f"AOGM_{name}" for name in ("NS", "FN", "FP", "ED", "EA", "EC")},
}


def check_against_ctcmetrics(truth, result, folder):
    pytest.importorskip("ctc_metrics", reason="needs the package py-ctcmetrics (extra dev)")
    peer = score_with_ctcmetrics(truth, result, folder)
    ours = score_tracking(truth, result).to_dict()
    for name, theirs in OURS_AND_CTC.items():
        assert (ours[name] is None) == (peer[theirs] is None), name
        if ours[name] is not None:
            assert ours[name] == pytest.approx(peer[theirs], abs=1e-9), name
    seg = score_segmentation(truth.frames, result.frames).SEG
    assert seg == pytest.approx(peer["SEG"], abs=1e-9)


# The peer warns about frames without result objects, and its imports about their own future.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(12))
def test_random_movies_equal_ctcmetrics(seed, tmp_path):
    check_against_ctcmetrics(*make_case(seed), tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_random_3d_movie_with_odd_labels_equals_ctcmetrics(tmp_path):
    check_against_ctcmetrics(*make_case(12, ndim=3, scale=7), tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_toy_equals_ctcmetrics(tmp_path):
    truth, _, result = read_toy()
    check_against_ctcmetrics(truth, result, tmp_path / "perfect")
    check_against_ctcmetrics(truth, spoil(result), tmp_path / "spoiled")


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (
            3,
            {
                "DET": 0.7547945205479452,
                "TRA": 0.720048163756773,
                "LNK": 0.46766169154228854,
                "CT": 0.2,
                "TF": 0.6363617376775271,
                "CCA": 0.33333333333333326,
                "CHOTA": 0.4801154131501354,
                "BC_0": 0.3333333333333333,
                "BC_1": 0.3333333333333333,
                "BC_2": 0.3333333333333333,
                "BC_3": 0.3333333333333333,
                "NS": 0.0,
                "FN": 17.0,
                "FP": 9.0,
                "ED": 3.0,
                "EA": 33.0,
                "EC": 1.0,
            },
        ),
        (
            7,
            {
                "DET": 0.8962264150943396,
                "TRA": 0.8621262458471761,
                "LNK": 0.6111111111111112,
                "CT": 0.3333333333333333,
                "TF": 0.834375,
                "CCA": 0.0,
                "CHOTA": 0.6886638578404105,
                "BC_0": 0.2,
                "BC_1": 0.2,
                "BC_2": 0.2,
                "BC_3": 0.2,
                "NS": 0.0,
                "FN": 5.0,
                "FP": 5.0,
                "ED": 1.0,
                "EA": 16.0,
                "EC": 3.0,
            },
        ),
    ],
)
def test_recorded_numbers_of_ctcmetrics(seed, expected):
    """Numbers recorded from py-ctcmetrics 1.3.3, so that they stand where it is not installed."""
    values = score_tracking(*make_case(seed)).to_dict()
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def random_graphs(seed):
    """A forest of points 10 apart and a result with lost, invented and wrongly linked spots."""
    rng = np.random.default_rng(seed)
    points, links, alive = [], [], [(x, None) for x in range(0, 120, 20)]
    for t in range(8):
        now = []
        for place, parent in alive:
            divides = t > 0 and rng.random() < 0.15
            for x in (place, place + 7)[: 1 + divides]:
                if all(abs(x - other) > 4 for other, _ in now):
                    points.append((len(points), t, x + rng.normal(0, 0.1)))
                    if parent is not None:
                        links.append((parent, len(points) - 1))
                    now.append((x, len(points) - 1))
        alive = now
    truth = graph(points, links)
    kept = [point for point in points if rng.random() > 0.08]
    moved = [(i + 1000, t, x + rng.normal(0, 0.2)) for i, t, x in kept]
    names = {i for i, _, _ in moved}
    right = [
        (a + 1000, b + 1000)
        for a, b in links
        if rng.random() > 0.1 and {a + 1000, b + 1000} <= names
    ]
    invented = [(5000 + t, t, 500.0) for t in range(8) if rng.random() < 0.3]
    frame = {i: t for i, t, _ in moved}
    free = [i for i in names if i not in {b for _, b in right}]
    single = [a for a in names if sum(a == source for source, _ in right) < 2]
    wrong = [
        (int(rng.choice(mothers)), i)
        for i in free
        if (mothers := [a for a in single if frame[a] == frame[i] - 1]) and rng.random() < 0.3
    ]
    used = {}
    for a, b in wrong:  # at most two daughters, as traccuracy wants
        used.setdefault(a, (a, b))
    return truth, graph(moved + invented, sorted({*right, *used.values()}), n_frames=8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(6))
def test_points_equal_traccuracy(seed):
    """Nodes match one to one here, whatever the rule; then all counts must be the same."""
    traccuracy = pytest.importorskip("traccuracy", reason="needs the package traccuracy")
    networkx = pytest.importorskip("networkx", reason="needs the package networkx")
    from traccuracy.matchers import PointMatcher
    from traccuracy.metrics import BasicMetrics, CHOTAMetric, CTCMetrics, DivisionMetrics

    def convert(ours):
        nodes = networkx.DiGraph()
        for row in ours.spots.table.itertuples():
            nodes.add_node(row.id, t=row.frame, x=row.x, y=row.y, z=row.z)
        nodes.add_edges_from(ours.links_table()[["source", "target"]].to_numpy().tolist())
        return traccuracy.TrackingGraph(nodes, location_keys=("x", "y", "z"))

    truth, result = random_graphs(seed)
    metrics = [BasicMetrics(), CTCMetrics(), CHOTAMetric(), DivisionMetrics()]
    peer, _ = traccuracy.run_metrics(
        convert(truth), convert(result), PointMatcher(threshold=2.0), metrics
    )
    basic, ctc, chota, division = (entry["results"] for entry in peer)
    ours = score_points(truth, result, 2.0).to_dict()
    expected = {
        "link_precision": basic["Edge Precision"],
        "link_recall": basic["Edge Recall"],
        "link_f1": basic["Edge F1"],
        "DET": ctc["DET"],
        "LNK": ctc["LNK"],
        "TRA": ctc["TRA"],
        "ED": ctc["fp_edges"],
        "EA": ctc["fn_edges"],
        "EC": ctc["ws_edges"],
        "CHOTA": chota["CHOTA"],
        "division_precision": division["Frame Buffer 0"]["Division Precision"],
        "division_recall": division["Frame Buffer 0"]["Division Recall"],
        "division_f1": division["Frame Buffer 0"]["Division F1"],
    }
    for name, value in expected.items():
        mine = (
            0.0 if ours[name] is None or (name == "division_f1" and np.isnan(value)) else ours[name]
        )
        assert mine == pytest.approx(np.nan_to_num(value), abs=1e-9), name
    assert 0 < ours["link_f1"] < 1
