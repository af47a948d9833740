"""Why a link is there: hand-computed cases, and thresholds that really turn the choice."""

import json
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner
from tracking_movies import make_spots

import btrackmate as bt
from btrackmate.cli.main import cli, run_command
from btrackmate.core.errors import UserError
from btrackmate.review import EditSession, Explainer
from btrackmate.tracking.engine import track
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.settings import LapSettings, parse_tracker

#: One line of four frames; a second one begins in frame 2, 3 µm from where the first was; a third
#: misses frame 2:
#:
#:     x = 0 ─ 1 ─ 2 ─ 3        ids 0 1 2 3
#:                 4 ─ 5        ids 10 11
#:        30 ─31 ─ · ─32 ─33    ids 20 21 22 23
ROWS = [(0, 0, 0.0), (1, 1, 1.0), (2, 2, 2.0), (3, 3, 3.0), (10, 2, 4.0), (11, 3, 5.0),
        (20, 0, 30.0), (21, 1, 31.0), (22, 3, 32.0), (23, 4, 33.0)]  # fmt: skip
LAP = LapSettings(linking_max_distance=2.5, gap_closing_max_distance=2.5, splitting_max_distance=2)


def explain_link(settings, source, target, rows=ROWS):
    graph = track(make_spots(rows), settings)
    told = Explainer(graph, settings, "the test").explain_link(source, target)
    return told.links[0]


def test_a_frame_link_by_hand():
    told = explain_link(LAP, 1, 2)
    assert (told.linked, told.by_tracker, told.kind) == (True, True, "linking")
    assert (told.cost, told.limit) == (1.0, 6.25)
    assert told.flips[0].below
    assert told.flips[0].settings["linking_max_distance"] == 1.0


def test_a_rival_by_hand():
    """Spot 2 could go on as 3 (cost 1) or, 9 away, as 11 only with a larger distance."""
    told = explain_link(LAP.model_copy(update={"linking_max_distance": 3.5}), 2, 3)
    assert [(r.source, r.targets, r.cost, r.chosen) for r in told.rivals] == [
        (10, (3,), 1.0, False), (2, (11,), 9.0, False)]  # fmt: skip


def test_why_no_division_by_hand():
    """The start 10 is 3 from the inner spot 1: splitting costs 9 of at most 4."""
    told = explain_link(LAP, 1, 10)
    assert (told.linked, told.by_tracker, told.kind) == (False, False, "splitting")
    assert (told.cost, told.limit) == (9.0, 4.0)
    assert "too far" in told.reason
    assert told.flips[0].settings == {"splitting_max_distance": 3.0}
    assert not told.flips[0].below


def test_a_division_that_is_switched_off():
    settings = LAP.model_copy(
        update={"allow_track_splitting": False, "splitting_max_distance": 3.5}
    )
    told = explain_link(settings, 1, 10)
    assert "switched off" in told.reason
    assert told.flips[0].settings == {"allow_track_splitting": True}
    on = settings.model_copy(update=dict(told.flips[0].settings))
    assert explain_link(on, 1, 10).by_tracker


def test_gap_closing_by_hand():
    told = explain_link(LAP, 21, 22)
    assert (told.kind, told.cost, told.limit) == ("gap_closing", 1.0, 6.25)
    assert told.no_link == pytest.approx(1.05)
    assert told.flips[0].settings == {"gap_closing_max_distance": 1.0}
    told = explain_link(LAP.model_copy(update={"max_frame_gap": 1}), 21, 22)
    assert "2 frames apart" in told.reason
    assert told.flips[0].settings == {"max_frame_gap": 1.5}


def test_why_not_says_who_has_the_spot():
    told = explain_link(LAP, 2, 11)
    assert "spot 11 comes from 10" in told.reason
    assert told.flips == ()
    assert "links go forward" in explain_link(LAP, 2, 10).reason


def test_a_division_of_the_flow_tracker_by_hand():
    """Its log odds are the sum of evidence and weights, and its cost in the graph −ln of them."""
    rows = [(i, f, 10.0 * i + f, 7.0 * (i % 2), 0.0) for f in range(4) for i in range(6)]
    rows = [(100 * f + i, f, x, y, z) for i, f, x, y, z in rows]
    settings = parse_tracker("flow", {"linking_max_distance": 9, "splitting_max_distance": 9})
    told = explain_link(settings, 102, 202, rows)
    assert told.by_tracker
    graph = track(make_spots(rows), settings)
    table = graph.links_table().set_index(["source", "target"])
    assert table.loc[(102, 202), "cost"] == pytest.approx(np.logaddexp(0, -told.cost))


@cache
def load_spots(*, features: bool):
    movie = bt.load_sample()
    c = movie.calibration
    spots = bt.measure(movie.truth, voxel_size=(c.dz, c.dy, c.dx), dt=c.dt)
    if features:
        return spots
    names = ["id", "frame", "time", "x", "y", "z"]
    return type(spots).from_table(spots.table[names], spots.calibration, n_frames=spots.n_frames)


def pairs_of(graph):
    return set(zip(graph.spots.id[graph.source].tolist(),
                   graph.spots.id[graph.target].tolist(), strict=True))  # fmt: skip


def pass_flip(settings, flip, beyond=2e-6):
    """Set what a flip says, just beyond its values."""
    values, weights = {}, {}
    for name, value in flip.settings.items():
        if isinstance(value, bool):
            values[name] = value
            continue
        moved = value - beyond * max(1, abs(value)) * (1 if flip.below else -1)
        if name.startswith("weights."):
            weights[name.removeprefix("weights.")] = moved
        else:
            values[name] = moved if name != "max_frame_gap" else round(moved + 0.1)
    if weights:
        values["weights"] = settings.weights.model_copy(update=weights)
    return settings.model_copy(update=values)


def check_flips(spots, settings, pairs, *, only_sure=True):
    """Track again with what each explanation says; give how many flips turned their pair."""
    graph = track(spots, settings)
    explainer = Explainer(graph, settings, "the test")
    have = pairs_of(graph)
    turned = asked = 0
    for pair in pairs:
        told = explainer.explain_link(*pair).links[0]
        assert told.by_tracker == (pair in have), str(told)
        for flip in told.flips:
            if only_sure and not flip.sure:
                continue
            asked += 1
            again = pairs_of(track(spots, pass_flip(explainer.settings, flip)))
            turned += (pair in again) != (pair in have)
    return turned, asked


def spread(items, count):
    items = sorted(items)
    return items[:: max(len(items) // count, 1)][:count]


def test_thresholds_of_lap_turn_the_choice_on_the_sample():
    """Frame links, gaps and divisions that are there, and pairs that are not."""
    spots = load_spots(features=True).take(np.arange(len(load_spots(features=True))) % 23 > 0)
    settings = LapSettings(
        linking_max_distance=14, gap_closing_max_distance=12, splitting_max_distance=12,
        linking_feature_penalties={"volume": 0.5},
    )  # fmt: skip
    graph = track(spots, settings)
    frame = dict(zip(spots.id.tolist(), spots.frame.tolist(), strict=True))
    children = {}
    for a, b in pairs_of(graph):
        children.setdefault(a, []).append(b)
    gaps = [(a, b) for a, b in pairs_of(graph) if frame[b] - frame[a] > 1]
    divided = [(a, b) for a, bs in children.items() if len(bs) > 1 for b in bs]
    assert gaps
    assert divided
    pairs = [*spread(pairs_of(graph), 5), *spread(gaps, 4), *spread(divided, 6)]
    turned, asked = check_flips(spots, settings, pairs)
    assert turned == asked >= len(pairs)
    missed = set()
    for name in ("linking", "gap_closing", "splitting"):
        wide = settings.model_copy(update={f"{name}_max_distance": 20.0})
        missed.update(spread(pairs_of(track(spots, wide)) - pairs_of(graph), 6))
    turned, asked = check_flips(spots, settings, sorted(missed))
    assert turned == asked >= 5


@pytest.mark.slow
@pytest.mark.parametrize("features", [False, True])
def test_thresholds_of_flow_turn_the_choice_on_the_sample(features):
    """From positions alone exactly; with sizes and intensities, which are learnt anew, nearly."""
    spots = load_spots(features=features)
    settings = FlowSettings(linking_max_distance=20, splitting_max_distance=14)
    graph = track(spots, settings)
    children = {}
    for a, b in pairs_of(graph):
        children.setdefault(a, []).append(b)
    divided = [(a, b) for a, bs in children.items() if len(bs) > 1 for b in bs]
    eager = settings.model_copy(
        update={"weights": settings.weights.model_copy(update={"division": 14.0})}
    )
    missed = pairs_of(track(spots, eager)) - pairs_of(graph)
    pairs = [*spread(pairs_of(graph), 6), *spread(divided, 6), *spread(missed, 8)]
    turned, asked = check_flips(spots, settings, pairs, only_sure=not features)
    assert asked >= 10
    assert turned >= (0.85 if features else 1.0) * asked


def test_every_link_of_the_sample_is_explained_as_the_tracker_made_it():
    for name in ("lap", "flow"):
        graph = bt.track(load_spots(features=True), name)
        explainer = Explainer(graph, parse_tracker(name, {}), "the test")
        for pair in spread(pairs_of(graph), 60):
            assert explainer.explain_link(*pair).links[0].by_tracker


def test_the_front_door():
    graph = bt.track(load_spots(features=True), "lap")
    spot = int(graph.spots.id[graph.divisions[0]])
    told = bt.explain(graph, spot)
    assert (told.tracker, told.spot) == ("lap", spot)
    assert told.settings_from == "the tracks' record"
    assert sum(link.linked for link in told.links) >= 2
    assert any(not link.linked for link in told.links)
    text = str(told)
    assert f"{spot} → " in text
    assert "the tracker leaves it out with" in text
    json.dumps(told.to_dict())
    with pytest.raises(UserError, match="no spot 999999"):
        bt.explain(graph, 999999)
    with pytest.raises(UserError, match="expected one of them"):
        bt.explain(graph)


def test_tracks_without_settings_are_explained_with_the_defaults_which_is_said():
    graph = track(make_spots(ROWS), LAP)
    assert "defaults" in bt.explain(graph, 1).settings_from
    assert bt.explain(graph, 1, tracker="lap").settings_from == "what was given"


def test_corrections_are_told(tmp_path):
    graph = bt.track(load_spots(features=True), "lap")
    bt.save(graph, tmp_path / "plain.xml")
    path = tmp_path / "tracks.xml"
    from btrackmate.io.trackmate import Session, write_trackmate
    from btrackmate.tracking.settings import to_trackmate

    write_trackmate(path, graph, session=Session(tracker=to_trackmate(LAP)))
    source, target = next(iter(spread(pairs_of(graph), 1)))
    with EditSession.open(path) as session:
        session.do("break_link", source=source, target=target)
        session.save()
    told = bt.explain(path, link=(source, target))
    assert told.settings_from == "the file"
    assert told.links[0].by_hand
    assert "is no link, as corrected by hand" in str(told)


def test_the_verb(tmp_path):
    graph = bt.track(load_spots(features=True), "lap")
    path = tmp_path / "tracks.geff"
    bt.save(graph, path)
    source, target = next(iter(spread(pairs_of(graph), 1)))
    words = ["explain", str(path), "--link", str(source), str(target), "--tracker", "lap"]
    result = CliRunner().invoke(cli, [*words, "--json", "--quiet"], standalone_mode=False)
    assert json.loads(result.stdout)["links"][0]["source"] == source
    result = CliRunner().invoke(cli, [*words, "--quiet"], standalone_mode=False)
    assert f"{source} → {target} is a link" in result.stdout
    assert run_command(["explain", str(path), "--quiet"]) == 2


@pytest.mark.parametrize("name", ["overlap", "nearest"])
def test_trackers_whose_costs_tell(name):
    movie = bt.load_sample()
    c = movie.calibration
    given = {"voxel_size": (c.dz, c.dy, c.dx)}
    settings = {"linking_max_distance": 15} if name == "nearest" else {"min_iou": 0.2}
    graph = bt.track(movie.truth, name, **given, **settings)
    for pair in spread(pairs_of(graph), 4):
        told = bt.explain(graph, link=pair).links[0]
        assert told.by_tracker
        ((setting, value),) = told.flips[0].settings.items()
        beyond = value * (1 - 1e-6 if told.flips[0].below else 1 + 1e-6)
        again = bt.track(movie.truth, name, **given, **{**settings, setting: beyond})
        assert pair not in pairs_of(again)


def test_kalman_links_are_told_by_their_cost():
    settings = parse_tracker("kalman", {"linking_max_distance": 3, "kalman_search_radius": 3})
    told = explain_link(settings, 1, 2)
    assert told.cost < 1e-300  # exactly where the filter expected it
    assert not told.flips[0].sure
    assert "not in the tracks" in explain_link(settings, 1, 11).reason
