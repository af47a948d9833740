import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tracking_movies import link_ids, make_graph

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.tracking import PruneSettings, prune

# Examples take milliseconds, but a busy machine must not decide.
relaxed = hypothesis_settings(max_examples=30)

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "prune").glob("*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_case(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    table = pd.DataFrame(case["spots"], columns=["id", "frame"]).assign(x=0.0, y=0.0, z=0.0)
    spots = Spots.from_table(table, Calibration(dt=case["dt"]), n_frames=case["last_frame"] + 1)
    links = [(a, b, math.nan if c is None else c) for a, b, c in case["links"]]
    source, target, cost = np.array(links).reshape(-1, 3).T
    graph = TrackGraph.from_ids(spots, source.astype(int), target.astype(int), cost)
    result = prune(graph, PruneSettings.parse(case["settings"]))
    links = result.removed_links
    assert result.removed_spots["id"].tolist() == case["removed_spots"]
    assert result.removed_spots["rule"].tolist() == case["spot_rules"]
    assert links[["source", "target"]].to_numpy().tolist() == case["removed_links"]
    assert links["rule"].tolist() == case["link_rules"]
    removed = {tuple(pair) for pair in case["removed_links"]}
    assert link_ids(result.graph) == [pair for pair in link_ids(graph) if pair not in removed]
    assert set(result.graph.spots.id) == set(graph.spots.id) - set(case["removed_spots"])


def test_there_are_golden_cases():
    assert len(GOLDEN) > 30


def test_tables_of_what_went():
    """0-1 divides into 2-3-4 and the short 5; 6-7 is another track, 9 alone."""
    frames = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 2, 6: 0, 7: 1, 9: 0}
    links = [(0, 1), (1, 2), (2, 3), (3, 4), (1, 5, 2.5), (6, 7)]
    graph = make_graph(frames, links, n_frames=9)
    result = prune(graph, PruneSettings(min_tracklet_length=3))
    assert result.removed_spots.to_dict("records") == [
        {"id": 5, "frame": 2, "track": 0, "tracklet": 4, "rule": "short_leaf"}
    ]
    assert result.removed_links.to_dict("records") == [
        {"source": 1, "target": 5, "cost": 2.5, "rule": "short_leaf"}
    ]
    assert result.counts == {"spots": 8, "links": 5, "tracks": 2, "divisions": 0}
    assert graph.n_links == 6


def test_nothing_removed_gives_empty_tables():
    result = prune(make_graph({0: 0, 1: 1}, [(0, 1)]), PruneSettings(min_tracklet_length=3))
    assert list(result.removed_spots.columns) == ["id", "frame", "track", "tracklet", "rule"]
    assert list(result.removed_links.columns) == ["source", "target", "cost", "rule"]
    assert len(result.removed_spots) == len(result.removed_links) == 0


def test_a_cut_that_frees_a_merge_is_followed_up():
    """Undoing the division at 2 leaves 8 with one mother, 6, and so makes it a short leaf.

    0 divides in frame 0 into 1 (long) and 2, which divides in frame 1 into 3 (long) and 8; 8 has
    a second mother, 6, who also goes on to the long 7.
    """
    frames = {0: 0, 1: 5, 2: 1, 3: 7, 5: 0, 6: 1, 7: 7, 8: 2}
    links = [(0, 1), (0, 2), (2, 3), (2, 8), (5, 6), (6, 7), (6, 8)]
    graph = make_graph(frames, links, n_frames=10)
    result = prune(graph, PruneSettings(min_tracklet_length=3, prune_internal=True))
    assert result.removed_links[["source", "target", "rule"]].to_numpy().tolist() == [
        [2, 8, "short_internal"],
        [6, 8, "short_leaf"],
    ]
    assert result.removed_spots["id"].tolist() == [8]


@st.composite
def graphs(draw):
    """Draw a random movie: each spot may come from one or two spots of earlier frames."""
    count = draw(st.integers(0, 24))
    frames = sorted(draw(st.lists(st.integers(0, 8), min_size=count, max_size=count)))
    links = set()
    for spot, frame in enumerate(frames):
        earlier = [other for other in range(spot) if frames[other] < frame]
        for _ in range(draw(st.integers(0, 2))):
            if earlier:
                links.add((draw(st.sampled_from(earlier[-6:])), spot))
    costs = draw(st.lists(st.sampled_from([1.0, 2.0, math.nan]), min_size=48, max_size=48))
    ids = draw(st.permutations(range(100_000, 100_000 + count)))
    rows = [(ids[a], ids[b], costs[i]) for i, (a, b) in enumerate(sorted(links))]
    movie_end = draw(st.integers(9, 10))
    return make_graph(dict(zip(ids, frames, strict=True)), rows, n_frames=movie_end)


@st.composite
def all_settings(draw):
    switch = st.booleans()
    return PruneSettings(
        min_tracklet_length=draw(st.sampled_from([1, 2, 3, 4.5])),
        prune_censored=draw(switch),
        prune_internal=draw(switch),
        prune_short_tracks=draw(switch),
    )


@relaxed
@given(graphs(), all_settings())
def test_running_it_again_changes_nothing(graph, settings):
    once = prune(graph, settings)
    assert len(once.removed_spots) + len(once.graph.spots) == len(graph.spots)
    assert len(once.removed_links) + once.graph.n_links == graph.n_links
    twice = prune(once.graph, settings)
    assert len(twice.removed_spots) == len(twice.removed_links) == 0


@relaxed
@given(graphs(), all_settings())
def test_a_mother_is_never_removed(graph, settings):
    """A removed spot leaves no descendants behind, but for whole short tracks."""
    result = prune(graph, settings)
    rules = result.removed_spots.set_index("id")["rule"]
    for source, target in link_ids(graph):
        if rules.get(source) in ("short_leaf", "all_short"):
            assert target in rules.index
    divided = set(graph.spots.id[graph.divisions].tolist())
    kept = set(result.graph.spots.id.tolist())
    for mother in divided & kept:
        daughters = {b for a, b in link_ids(graph) if a == mother}
        left = {b for a, b in link_ids(result.graph) if a == mother}
        cut = result.removed_links.query("source == @mother and rule == 'short_internal'")
        assert left or len(cut) == len(daughters)


@relaxed
@given(graphs(), all_settings())
def test_no_orphans(graph, settings):
    """A spot that had links keeps one, unless it was cut off by the internal rule."""
    result = prune(graph, settings)
    lone = result.graph.spots.id[(result.graph.out_degree + result.graph.in_degree) == 0]
    was_lone = graph.spots.id[(graph.out_degree + graph.in_degree) == 0]
    cut = result.removed_links.query("rule == 'short_internal'")["target"]
    assert set(lone.tolist()) <= set(was_lone.tolist()) | set(cut.tolist())


@relaxed
@given(graphs())
def test_zero_is_off(graph):
    on = {"prune_censored": True, "prune_internal": True, "prune_short_tracks": True}
    result = prune(graph, PruneSettings(min_tracklet_length=0, **on))
    assert len(result.removed_spots) == len(result.removed_links) == 0


@relaxed
@given(graphs(), all_settings(), st.randoms(use_true_random=False))
def test_order_plays_no_part(graph, settings, random):
    order = list(range(graph.n_links))
    random.shuffle(order)
    table = graph.spots.table.sample(frac=1, random_state=random.randrange(99))
    spots = Spots.from_table(table, graph.spots.calibration, n_frames=graph.spots.n_frames)
    links = graph.links_table().iloc[order]
    other = TrackGraph.from_ids(spots, links["source"], links["target"], links["cost"].to_numpy())
    mine, theirs = prune(graph, settings), prune(other, settings)
    pd.testing.assert_frame_equal(
        mine.removed_spots.drop(columns=["track", "tracklet"]),
        theirs.removed_spots.drop(columns=["track", "tracklet"]),
    )
    pd.testing.assert_frame_equal(mine.removed_links, theirs.removed_links)


def prune_slowly(graph, settings):
    """Apply the rules spot by spot, as written in tests/golden/README.md."""
    frame = dict(zip(graph.spots.id.tolist(), graph.spots.frame.tolist(), strict=True))
    cost = {
        (a, b): math.inf if math.isnan(c) else c
        for a, b, c in graph.links_table()[["source", "target", "cost"]].itertuples(index=False)
    }
    spots, links = set(frame), set(cost)
    minimum, last = settings.min_tracklet_length, graph.spots.n_frames - 1
    after = lambda s: [b for a, b in links if a == s]  # noqa: E731
    before = lambda s: [a for a, b in links if b == s]  # noqa: E731

    def tracklet(s):
        chain = [s]
        while len(after(chain[-1])) == 1 and len(before(after(chain[-1])[0])) == 1:
            chain += after(chain[-1])
        return chain

    def censored(f):
        return f >= last and not settings.prune_censored

    def reach(s):
        return max([frame[s], *map(reach, after(s))])

    def divisions():
        return sorted((s for s in spots if len(after(s)) > 1), key=lambda s: -frame[s])

    changed = True
    while changed:
        for mother in divisions():
            short = {}
            for daughter in after(mother):
                chain = tracklet(daughter)
                end = frame[chain[-1]]
                ends = not after(chain[-1]) and len(before(daughter)) == 1
                if ends and end - frame[mother] < minimum and not censored(end):
                    short[daughter] = chain
            if len(short) == len(after(mother)):
                best = min(short, key=lambda d: (-frame[short[d][-1]], cost[mother, d], d))
                del short[best]
            gone = {s for chain in short.values() for s in chain}
            spots -= gone
            links = {(a, b) for a, b in links if b not in gone}
        changed = False
        for division in divisions() if settings.prune_internal else []:
            head = division
            while len(before(head)) == 1 and len(after(before(head)[0])) == 1:
                head = before(head)[0]
            soon = len(before(head)) == 1 and frame[division] - frame[before(head)[0]] < minimum
            if soon:
                daughters = after(division)
                best = min(daughters, key=lambda d: (-reach(d), cost[division, d], d))
                links -= {(division, d) for d in daughters if d != best}
                changed = True
    if settings.prune_short_tracks:
        for first in sorted(spots):
            track, grown = set(), {first}
            while grown - track:
                track |= grown
                grown = {s for s in spots for t in track if (s, t) in links or (t, s) in links}
            frames = [frame[s] for s in track]
            if max(frames) - min(frames) < minimum and not censored(max(frames)):
                spots -= track
                links = {(a, b) for a, b in links if a not in track}
    return spots, links


@relaxed
@given(graphs(), all_settings())
def test_same_as_spot_by_spot(graph, settings):
    result = prune(graph, settings)
    spots, links = prune_slowly(graph, settings)
    assert set(result.graph.spots.id.tolist()) == spots
    assert set(link_ids(result.graph)) == links
