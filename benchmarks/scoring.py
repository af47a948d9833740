"""Tracking scores: btrackmate against py-ctcmetrics and traccuracy on one synthetic movie.

All read the same two CTC folders from disk and score them in this process, one after another;
the numbers must agree. Prints markdown tables. py-ctcmetrics is in the extra `dev`; traccuracy is
measured where it is installed.

    python benchmarks/scoring.py [--cells 100] [--frames 40] [--ours-only]
"""

import argparse
import contextlib
import io
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.metrics import GraphMovie, score_points, score_tracking

SHAPE = (12, 320, 320)
RADIUS = 5
NAMES = ("DET", "TRA", "LNK", "CT", "TF", "BC_1", "CCA", "CHOTA", "link_f1", "division_f1")


class CtcFolder:
    """The frames and the tracks table of a CTC folder, read from disk frame by frame."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.glob("*.tif"))
        table = next(folder.glob("*_track.txt"))
        self.n_frames = len(self.paths)
        names = ["label", "begin", "end", "parent"]
        self.tracks = pd.read_csv(table, sep=" ", header=None, names=names)

    def frame(self, t: int) -> np.ndarray:
        """Read the label image of frame t."""
        return tifffile.imread(self.paths[t])


def grow(cells: int, n_frames: int, rng: np.random.Generator) -> TrackGraph:
    """Cells walk at random on a grid of free places and divide into a free neighbouring place."""
    nz, ny, nx = (n // (2 * RADIUS + 2) for n in SHAPE)
    taken = dict.fromkeys(rng.permutation(nz * ny * nx)[:cells].tolist(), -1)
    rows, links = [], []
    for t in range(n_frames):
        now: dict[int, int] = {}
        for place, before in taken.items():
            z, rest = divmod(place, ny * nx)
            beside = z * ny * nx + rest + 1
            free = (rest + 1) % nx and beside not in taken and beside not in now
            for one in (place, beside)[: 1 + bool(free and t and rng.random() < 0.03)]:
                now[one] = len(rows)
                if before >= 0:
                    links.append((before, len(rows)))
                y, x = divmod(one % (ny * nx), nx)
                centre = (np.array([one // (ny * nx), y, x]) + 0.5) * (2 * RADIUS + 2)
                rows.append((t, *centre[::-1]))
        taken = now
    table = pd.DataFrame(rows, columns=["frame", "x", "y", "z"])
    table["label"] = np.arange(1, len(table) + 1)
    return TrackGraph.from_ids(Spots.from_table(table, Calibration()), *np.array(links).T)


def spoil(graph: TrackGraph, rng: np.random.Generator) -> TrackGraph:
    """Lose 2 % of the spots and 3 % of the links, and swap the targets of 2 %."""
    target = graph.target.copy()
    for a in np.flatnonzero(rng.random(graph.n_links) < 0.01):
        others = np.flatnonzero(graph.spots.frame[target] == graph.spots.frame[target[a]])
        b = rng.choice(others)
        if graph.spots.frame[graph.source[a]] == graph.spots.frame[graph.source[b]]:
            target[a], target[b] = target[b], target[a]
    pairs = np.unique(np.column_stack((graph.source, target)), axis=0)
    spoiled = TrackGraph.from_links(graph.spots, pairs[:, 0], pairs[:, 1])
    spoiled = spoiled.keep_links(rng.random(spoiled.n_links) > 0.03)
    return spoiled.keep_spots(rng.random(len(graph.spots)) > 0.02)


def draw(graph: TrackGraph) -> list[np.ndarray]:
    """Draw each spot as a ball with its label."""
    grid = np.indices((2 * RADIUS + 1,) * 3) - RADIUS
    ball = np.stack([axis[(grid**2).sum(axis=0) <= RADIUS**2] for axis in grid])
    frames = np.zeros((graph.spots.n_frames, *SHAPE), np.uint32)
    centres = graph.spots.positions[:, ::-1].astype(int)
    for frame, centre, label in zip(
        graph.spots.frame, centres, graph.spots.table["label"], strict=True
    ):
        frames[frame][tuple(ball + centre[:, None])] = label
    return list(frames)


def write(movie: GraphMovie, folder: Path, name: str, table: str) -> None:
    folder.mkdir(parents=True)
    for t in range(movie.n_frames):
        tifffile.imwrite(folder / f"{name}{t:03}.tif", movie.frame(t).astype(np.uint16))
    movie.tracks.to_csv(folder / table, sep=" ", header=False, index=False)


def score_ours(folder: Path) -> dict[str, float | int | None]:
    truth, result = CtcFolder(folder / "GT" / "TRA"), CtcFolder(folder / "RES")
    return score_tracking(truth, result).to_dict()


def score_ctcmetrics(folder: Path) -> dict[str, float | None]:
    from ctc_metrics.scripts.evaluate import evaluate_sequence

    names = ["Valid", "DET", "TRA", "LNK", "CT", "TF", "BC", "CCA", "CHOTA"]
    with contextlib.redirect_stdout(io.StringIO()):
        scores = evaluate_sequence(
            str(folder / "RES"), str(folder / "GT"), metrics=names, threads=1
        )
    return scores | {"BC_1": scores["BC(1)"]}


def score_traccuracy(folder: Path) -> dict[str, float | None]:
    from traccuracy import run_metrics
    from traccuracy.loaders import load_ctc_data
    from traccuracy.matchers import CTCMatcher
    from traccuracy.metrics import BasicMetrics, CHOTAMetric, CTCMetrics, DivisionMetrics

    with contextlib.redirect_stderr(io.StringIO()):
        truth = load_ctc_data(str(folder / "GT" / "TRA"))
        result = load_ctc_data(str(folder / "RES"))
        metrics = [CTCMetrics(), CHOTAMetric(), BasicMetrics(), DivisionMetrics()]
        found, _ = run_metrics(truth, result, CTCMatcher(), metrics)
    ctc, chota, basic, division = (entry["results"] for entry in found)
    names = {name: ctc[name] for name in ("DET", "TRA", "LNK")}
    division_f1 = division["Frame Buffer 0"]["Division F1"]
    return names | chota | {"link_f1": basic["Edge F1"], "division_f1": division_f1}


def measure(name: str, score, folder: Path) -> tuple[str, float, float, dict[str, float | None]]:
    try:
        start = time.perf_counter(), time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = score(folder)
        wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    except ImportError as error:
        print(f"{name} is not measured: {error}")
        return name, float("nan"), float("nan"), {}
    print(f"{name}: {wall:.2f} s wall, {cpu:.2f} s CPU", flush=True)
    return name, wall, cpu, scores


def print_table(rows: list[tuple[str, float, float, dict[str, float | None]]]) -> None:
    print("\n| scorer | wall, s | CPU, s | × CPU | " + " | ".join(NAMES) + " |")
    print("| --- " * (4 + len(NAMES)) + "|")
    for name, wall, cpu, scores in rows:
        cells = [scores.get(key) for key in NAMES]
        words = ["–" if value is None else f"{value:.6f}" for value in cells]
        print(
            f"| {name} | {wall:.2f} | {cpu:.2f} | {cpu / rows[0][2]:.0f} | "
            + " | ".join(words)
            + " |"
        )
    for *_, scores in rows[1:]:
        shared = [key for key in NAMES if scores.get(key) is not None]
        worst = max((abs(scores[key] - rows[0][3][key]) for key in shared), default=0.0)
        print(f"largest difference over {len(shared)} shared scores: {worst:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--ours-only", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    truth = grow(options.cells, options.frames, rng)
    result = spoil(truth, rng)
    frames = draw(truth)
    print(f"{len(truth.spots)} spots, {truth.n_links} links, {truth.divisions.size} divisions, ")
    print(f"{truth.spots.n_frames} frames of {SHAPE} voxels")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(GraphMovie(frames, truth), folder / "GT" / "TRA", "man_track", "man_track.txt")
        write(GraphMovie(frames, result), folder / "RES", "mask", "res_track.txt")
        measure("btrackmate, first call", score_ours, folder)
        rows = [measure("btrackmate", score_ours, folder)]
        if not options.ours_only:
            rows.append(measure("traccuracy", score_traccuracy, folder))
            rows.append(measure("py-ctcmetrics", score_ctcmetrics, folder))
    print_table(rows)
    start = time.perf_counter()
    score_points(truth, result, float(RADIUS))
    print(f"\nscore_points on the same graphs: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
