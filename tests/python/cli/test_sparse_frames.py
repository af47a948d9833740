"""Movies of a million frames of which seven hold cells: nothing costs per frame number."""

import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from faults import in_folder

from btrackmate.analysis import AnalysisSettings, analyse_tracks
from btrackmate.cli.main import run_command
from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import read_tracks, write_tracks
from btrackmate.report.figures import draw_cells_per_frame

N = 1_000_000
FRAMES = (0, 1, 2, 3, 4, N - 2, N - 1)
#: CPU seconds; each takes a tenth of it, and took more while it looped over all frames.
FEW = 20
VERBS = {
    "kalman": "track s.xml --tracker advanced-kalman -o o.xml",
    "flow": "track s.xml --tracker flow -o o.xml",
    "lap": "track s.xml --tracker lap -o o.xml",
    "geff": "convert s.xml o.geff",
    "prune": "prune s.xml --min-tracklet-length 2 -o o.xml",
    "filter": "filter s.xml --track-filter duration>=1 -o o.xml",
    "evaluate": "evaluate --tracking --truth s.xml --result s.xml --json o.json",
    "report": "report s.xml -o o.html",
}


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sparse")
    cells = [(t, x, y) for t in FRAMES for x, y in ((1.0, 2.0), (9.0, 9.0), (20.0, 5.0))]
    table = pd.DataFrame(cells, columns=["frame", "x", "y"]).assign(z=0.0, radius=2.0)
    table["id"] = range(len(table))
    spots = Spots.from_table(table, Calibration(), ndim=2, n_frames=N)
    source = [row for row in range(18) if row // 3 != 4]
    graph = TrackGraph.from_ids(spots, source, [row + 3 for row in source])
    write_tracks(folder / "s.xml", graph)
    return folder


def assert_quick(work: Callable[[], object]) -> None:
    """Work within some CPU seconds, at the second try where loops were compiled at the first."""
    for _ in range(2):
        begun = time.process_time()
        work()
        taken = time.process_time() - begun
        if taken < FEW:
            return
    pytest.fail(f"took {taken:.0f} CPU seconds")


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_verbs_take_seconds(sparse: Path, verb: str) -> None:
    def work() -> None:
        with in_folder(sparse):
            assert run_command([*VERBS[verb].split(), "--overwrite", "--quiet"]) == 0

    assert_quick(work)
    if verb in ("kalman", "flow", "lap"):
        assert read_tracks(sparse / "o.xml")[0].n_links == 15


def test_analysis_takes_seconds(sparse: Path) -> None:
    graph = read_tracks(sparse / "s.xml")[0]
    assert_quick(lambda: analyse_tracks(graph, AnalysisSettings()))


def test_long_movies_are_drawn_by_the_frames_with_cells(sparse: Path) -> None:
    graph = read_tracks(sparse / "s.xml")[0]
    (line,) = draw_cells_per_frame(graph, None).axes[0].lines
    assert line.get_xdata().tolist() == [0, 1, 2, 3, 4, 5, N - 3, N - 2, N - 1]
    assert line.get_ydata().tolist() == [3, 3, 3, 3, 3, 0, 0, 3, 3]
