"""Filtering of tracks that are there: what passes keeps its links."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.io.trackmate import read_trackmate
from btrackmate.pipeline.filtering import filter_file, filter_graph
from btrackmate.tracking import FeatureFilter


def make_graph() -> TrackGraph:
    """Make two tracks and a spot without links; ids below, frames across, dt 2 min.

    ```
    1 - 2 - 3 - 5     1-2-3-5 with the branch 2-4; spot 4 is far away (no tracker would link it)
          \\ 4
    6 - 7             spot 7 is small
    8
    ```
    """
    rows = [
        (1, 0, 0.0, 9.0),
        (2, 1, 1.0, 9.0),
        (3, 2, 2.0, 9.0),
        (4, 2, 500.0, 9.0),
        (5, 3, 3.0, np.nan),
        (6, 0, 50.0, 9.0),
        (7, 1, 51.0, 2.0),
        (8, 0, 90.0, 9.0),
    ]
    table = pd.DataFrame(rows, columns=["id", "frame", "x", "volume"])
    table = table.assign(y=0.0, z=0.0, radius=1.0)
    spots = Spots.from_table(table, Calibration(dt=2.0, space_unit="µm", time_unit="min"))
    links = np.array([(1, 2), (2, 3), (2, 4), (3, 5), (6, 7)])
    return TrackGraph.from_ids(spots, *links.T, cost=np.arange(5.0))


def links(graph: TrackGraph) -> list[tuple[int, int]]:
    table = graph.links_table()
    return sorted(zip(table["source"], table["target"], strict=True))


@pytest.mark.parametrize(
    ("spot", "track", "ids", "left"),
    [
        # A missing volume passes; spots without a link stay where no track filter is given.
        ("volume>5", None, [1, 2, 3, 4, 5, 6, 8], [(1, 2), (2, 3), (2, 4), (3, 5)]),
        (None, "duration>=6", [1, 2, 3, 4, 5], [(1, 2), (2, 3), (2, 4), (3, 5)]),
        # 3 frames of 2 min are 6 min: strictly more than that nothing lasts
        (None, "duration>6", [], []),
        (None, "n_spots<3", [6, 7], [(6, 7)]),
        # Without spot 3 the first track is 1-2-4 and lasts 4 min; 5 has no link any more.
        ("x<2.5", "n_spots>=2", [1, 2, 3], [(1, 2), (2, 3)]),
        ("QUALITY_OF_MINE>0", None, None, None),
    ],
)
def test_what_passes_keeps_its_links(spot, track, ids, left) -> None:
    filters = [[FeatureFilter.parse(one)] if one else [] for one in (spot, track)]
    if ids is None:
        with pytest.raises(UserError, match="spots have no feature 'QUALITY_OF_MINE'"):
            filter_graph(make_graph(), *filters)
        return
    graph, dropped = filter_graph(make_graph(), *filters)
    assert sorted(graph.spots.id) == ids
    assert links(graph) == left
    assert sorted([*ids, *dropped["id"]]) == list(range(1, 9))


def test_a_track_whose_middle_goes_falls_apart() -> None:
    graph, _ = filter_graph(
        make_graph(), [FeatureFilter.parse("x>1.5"), FeatureFilter.parse("x<60")], []
    )
    assert links(graph) == [(3, 5), (6, 7)]
    assert graph.n_tracks == 2


@pytest.mark.parametrize("ending", ["xml", "geff", "csv"])
def test_links_costs_and_divisions_are_those_of_the_file(tmp_path: Path, ending: str) -> None:
    source, target = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    write_tracks(source, make_graph())
    before, after, dropped = filter_file(source, target, [], ["n_spots>2"])
    assert (before.n_links, after.n_links, len(before.divisions), len(after.divisions)) == (
        5,
        4,
        1,
        1,
    )
    again = read_tracks(target)[0]
    assert links(again) == [(1, 2), (2, 3), (2, 4), (3, 5)]
    np.testing.assert_array_equal(again.cost, [0, 1, 2, 3])
    assert dict(zip(dropped["id"], dropped["reason"], strict=True)) == {
        6: "n_spots>2", 7: "n_spots>2", 8: "no track"
    }  # fmt: skip


def test_a_trackmate_file_keeps_what_we_do_not_model(tmp_path: Path) -> None:
    """Settings, hidden tracks and names stay; the log says what went."""
    write_tracks(tmp_path / "a.xml", make_graph())
    text = (tmp_path / "a.xml").read_text(encoding="utf-8")
    text = text.replace('name="Track_0"', 'name="my embryo"').replace(
        "<Settings>", "<Settings><Mine a='1'/>"
    )
    text = text.replace('<TrackID TRACK_ID="0" />', "")
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    filter_file(tmp_path / "a.xml", tmp_path / "b.xml", ["volume>5"], ["n_spots>=2"])
    document = read_trackmate(tmp_path / "b.xml")
    assert "my embryo" in document.track_names.values()
    assert document.filtered_tracks == ()
    assert document.root.find("Settings/Mine") is not None
    assert "Filter volume>5: 1 spots removed." in document.log
    assert "Spots in no track: 2 removed." in document.log


def test_tracks_that_went_are_named_as_the_file_does(tmp_path: Path) -> None:
    """By the ids of a TrackMate file; a spot filter, before, changes no number."""
    source = tmp_path / "a.xml"
    write_tracks(source, make_graph())
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace('TRACK_ID="1"', 'TRACK_ID="107"'), encoding="utf-8")
    for filters in ([], ["x<60"]):
        dropped = filter_file(source, tmp_path / "b.xml", filters, ["n_spots>2"])[2]
        named = dropped.set_index("id")["track"]
        assert named[[6, 7]].tolist() == [107, 107]
        assert pd.isna(named[8])


def test_the_verb_prints_what_went_and_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "a.xml", tmp_path / "b.csv"
    write_tracks(source, make_graph())
    words = ["filter", str(source), "-o", str(target), "--quiet"]
    more = ["--track-filter", "duration>=6", "--dropped", str(tmp_path / "gone.csv")]
    assert run_command([*words, *more]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 spots dropped: duration>=6",
        "1 spots dropped: no track",
        "left: 5 of 8 spots, 4 of 5 links, 1 of 1 divisions; 1 tracks, 2 before",
        str(tmp_path / "b.spots.csv"),
        str(tmp_path / "b.links.csv"),
        str(tmp_path / "gone.csv"),
    ]
    assert pd.read_csv(tmp_path / "gone.csv")["id"].tolist() == [6, 8, 7]
    files = sorted(path.name for path in tmp_path.iterdir())
    other = ["filter", str(source), "-o", str(tmp_path / "c.xml"), "--quiet"]
    for wrong, message in (
        (other, "nothing to filter by"),
        ([*other, "--track-filter", "colour>1"], "there is no track feature 'colour'"),
        ([*other, "--spot-filter", "volume"], "is not a feature name"),
        ([*words, "--spot-filter", "volume>1"], "b.spots.csv exists already"),
    ):
        assert run_command(wrong) == 2
        assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == files
