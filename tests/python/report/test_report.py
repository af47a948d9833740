"""What the report shows."""

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.run import run
from btrackmate.pipeline.settings import RunSettings
from btrackmate.report import data as data_module
from btrackmate.report.data import ReportData, load_run, warn_of_changed
from btrackmate.report.figures import (
    choose_lineages,
    draw_lineages,
    place_tracklets,
    track_durations,
)
from btrackmate.report.html import build_report, render_report
from btrackmate.report.montage import choose_frames, draw_montage, track_colours


def make_tree() -> TrackGraph:
    """Make a tree and a plain track (row numbers; frames across).

    ```
    0 - 1 - 3 - 5        track 0: 0-1 divides into 3-5 and 4
          \\ 4
    2 --------- 6        track 1: a gap from frame 1 to 3
    ```
    """
    table = pd.DataFrame(
        {
            "frame": [0, 1, 1, 2, 2, 3, 3],
            "x": [0.0, 0, 9, 0, 1, 0, 9],
            "y": np.zeros(7),
            "z": np.zeros(7),
        }
    )
    spots = Spots.from_table(table, Calibration())
    return TrackGraph.from_links(spots, np.array([0, 1, 1, 3, 2]), np.array([1, 3, 4, 5, 6]))


@pytest.mark.parametrize(
    ("n_frames", "frames"), [(1, [0]), (2, [0, 1]), (6, [0, 1, 2, 3, 4, 5]), (0, [])]
)
def test_frames_shown(n_frames: int, frames: list[int]) -> None:
    assert choose_frames(n_frames) == frames


def test_frames_of_a_long_movie_include_both_ends() -> None:
    frames = choose_frames(101)
    assert (frames[0], frames[-1], len(frames)) == (0, 100, 6)


def test_tracks_have_their_own_colour_and_none_is_grey() -> None:
    colours = track_colours(np.array([0, 1, 2, 0, -1]))
    assert (colours[0] == colours[3]).all()
    assert len(np.unique(colours[:3], axis=0)) == 3
    assert (colours[4] == 0.6).all()


def test_durations_count_gaps() -> None:
    assert track_durations(make_tree()).tolist() == [3, 2]


def test_mother_is_drawn_halfway_between_her_daughters() -> None:
    graph = make_tree()
    place = place_tracklets(graph.tracklets)
    mother, one, two = graph.tracklet[[0, 3, 4]]
    other = graph.tracklet[2]
    assert place[mother] == (place[one] + place[two]) / 2
    assert abs(place[one] - place[two]) == 1
    assert place[other] - max(place[one], place[two]) == 2, "a blank row parts the tracks"


def test_lineages_with_most_divisions_come_first() -> None:
    assert choose_lineages(make_tree()).tolist() == [0, 1]
    figure = draw_lineages(make_tree())
    assert figure is not None
    assert len(figure.axes[0].lines) >= 4 + 2
    assert {text.get_text() for text in figure.axes[0].texts} == {"0", "1"}


def test_lineages_have_the_ids_of_the_file_and_a_time_axis() -> None:
    graph = make_tree()
    assert not draw_lineages(graph).axes[0].child_axes, "frames of no known length have no time"
    timed = graph.with_spots(replace(graph.spots, calibration=Calibration(dt=5.0, time_unit="min")))
    axis = draw_lineages(timed, np.array([40, 7])).axes[0]
    assert {text.get_text() for text in axis.texts} == {"40", "7"}
    (above,) = axis.child_axes
    assert above.get_xlabel() == "time (min)"
    axis.figure.savefig(io.BytesIO(), format="png")  # places the axis
    assert above.get_xlim()[1] == pytest.approx(5 * axis.get_xlim()[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_tracks", "daughters", "shown"), [(300, 1, 40), (10, 20, 5), (3, 200, 1), (4, 1, 4)]
)
def test_no_more_lineages_than_can_be_read(n_tracks: int, daughters: int, shown: int) -> None:
    """Each track is one spot with so many daughters: 120 lines are drawn, or one track."""
    frame = np.concatenate((np.zeros(n_tracks, int), np.ones(n_tracks * daughters, int)))
    table = pd.DataFrame({"frame": frame, "x": np.arange(frame.size, dtype=float)})
    spots = Spots.from_table(table.assign(y=0.0, z=0.0), Calibration())
    source = np.repeat(np.arange(n_tracks), daughters)
    graph = TrackGraph.from_links(spots, source, np.arange(n_tracks, frame.size))
    assert len(choose_lineages(graph)) == shown
    record = {"btrackmate": "1", "inputs": {"tracks": {"path": "a.xml"}}}
    text = render_report(ReportData(record, graph, None, None, [], None, None))
    said = f"{shown} of {n_tracks} tracks are shown"
    said = "All tracks are shown" if shown == n_tracks else said
    assert said in text
    tails = min(n_tracks, 40)
    assert (f"of {tails} of {n_tracks} tracks" in text) == (tails < n_tracks)


@pytest.mark.slow
def test_cost_is_told_where_it_is_known() -> None:
    """7 cells in 12.6 s of processor time are 2,000 in an hour."""
    cost: dict[str, object] = {"cells": 7, "core_seconds": 12.6, "cells_per_core_hour": 2000}
    record = {"btrackmate": "1", "inputs": {"tracks": {"path": "a.xml"}}}

    def render(**more: object) -> str:
        return render_report(ReportData(record | more, make_tree(), None, None, [], None, None))

    said = "2,000 cells per core-hour: 7 cells in 12.6 s of processor time"
    assert f"{said}." in render(cost=cost)
    workers = {"workers": "4 worker processes of 8 GB"}
    assert f"{said}, with 4 worker processes of 8 GB." in render(cost=cost | workers)
    assert "cells per core-hour:" not in render()
    nothing_done = {"cells": 0, "core_seconds": 3.0, "cells_per_core_hour": None}
    assert "cells per core-hour:" not in render(cost=nothing_done)


def test_no_tracks_no_tree() -> None:
    empty = make_tree().keep_links(np.zeros(5, bool))
    assert draw_lineages(empty) is None


@pytest.fixture
def folder(tmp_path: Path, image_3d: Path, labels_3d: Path) -> Path:
    settings = RunSettings.parse(
        {"tracker_settings": {"linking_max_distance": 5, "splitting_max_distance": 5}}
    )
    run(RunInputs(image=image_3d, labels=labels_3d), tmp_path / "run", settings)
    return tmp_path / "run"


def test_numbers_are_those_of_the_run(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    for value, words in ((15, "cells (spots)"), (13, "links"), (2, "tracks"), (1, "divisions")):
        assert f"<b>{value}</b><span>{words}</span>" in text


@pytest.mark.slow
def test_montage_shows_projection_and_slice_of_each_frame(folder: Path) -> None:
    figure = draw_montage(load_run(folder))
    assert figure is not None
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles.count("frame 5, maximum projection") == 1
    assert titles.count("frame 5, middle slice") == 1
    assert len(titles) == 12


@pytest.mark.slow
def test_outlines_have_the_colour_of_the_track(folder: Path) -> None:
    data = load_run(folder)
    figure = draw_montage(data)
    assert figure is not None
    picture = np.asarray(figure.axes[0].get_images()[0].get_array())
    cell = data.graph.spots.table.query("frame == 0 and label == 7").index[0]
    colour = track_colours(data.graph.track)[cell]
    # Rows 16 to 19 of 24 are the cell: its lowest row of display pixels, seen from above.
    step = picture.shape[0] / 24
    edge = picture[int(20 * step) - 1, int(5.5 * step)]
    inside = picture[int(18 * step), int(5.5 * step)]
    assert np.argmax(edge) == np.argmax(colour)
    assert np.ptp(edge) > 0.5
    assert np.ptp(inside) == 0, "the image is grey"


def test_text_of_the_user_is_escaped(folder: Path) -> None:
    record = yaml.safe_load((folder / "run.yaml").read_text(encoding="utf-8"))
    record["warnings"] = ["<script>alert(1)</script>"]
    (folder / "run.yaml").write_text(yaml.safe_dump(record), encoding="utf-8")
    text = render_report(load_run(folder))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.slow
def test_report_can_be_made_without_the_inputs(
    folder: Path, image_3d: Path, labels_3d: Path
) -> None:
    image_3d.unlink()
    labels_3d.unlink()
    build_report(folder)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "There is no image: only positions are shown" in text
    figure = draw_montage(load_run(folder))
    assert figure is not None
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == [f"frame {frame}, seen along z" for frame in range(6)]


def test_an_image_that_is_another_one_now_is_warned_of(
    folder: Path, image_3d: Path, labels_3d: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As where another project was put in the place of a run's; large files by their time."""
    warn_of_changed(load_run(folder), folder)
    assert not caplog.messages
    image_3d.write_bytes(labels_3d.read_bytes())
    warn_of_changed(load_run(folder), folder)
    (told,) = caplog.messages
    assert told.startswith(f"{image_3d} was changed since {folder} was made of it")
    caplog.clear()
    monkeypatch.setattr(data_module, "_HASHED", 0)
    os.utime(image_3d, (0, 0))
    os.utime(labels_3d, (2**32, 2**32))
    warn_of_changed(load_run(folder), folder)
    (told,) = caplog.messages
    assert told.startswith(f"{labels_3d} was changed")


@pytest.mark.slow
def test_same_run_same_report(folder: Path) -> None:
    first = build_report(folder).read_bytes()
    assert build_report(folder).read_bytes() == first


def test_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no run\.yaml"):
        build_report(tmp_path)
