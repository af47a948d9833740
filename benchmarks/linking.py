r"""Linking: btrackmate against its peers on the same seeded movies with truth.

The peers are laptrack, trackpy, btrack and, where fiji_bridge finds it, the real TrackMate.

Each tool runs in a process of its own, on points in memory and after a warm-up on a tiny movie:
CPU seconds of all threads (least of 3; 1 where a run takes over 10 s), peak memory beyond what
the process held before, and scores of its links. The floor is SciPy's KD-tree: the query for the
nearest neighbour of each point in the next frame, without building the trees (stated apart).
Tools that this Python lacks run in the first of the other ones named that has them (btrack 0.6.5
pins an old pydantic, so it wants an environment of its own):

    python benchmarks/linking.py --sizes S,M,L,XL --peers \
        --other-python ENV1/bin/python --other-python ENV2/bin/python

A tool that is installed nowhere is left out with a line.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from linking_tools import TOOLS, VERSIONED, ToolMissing

REACH = 8.0
PEERS = (
    "TrackMate, gaps + splits",
    "laptrack, frames only",
    "laptrack, gaps + splits",
    "trackpy",
    "btrack",
)
#: Tools that are not run on XL: they take hours, or more memory than there is.
TOO_SLOW_FOR_XL = (*PEERS, "flow")


def peak_memory(name: str) -> float:
    """Read VmRSS or VmHWM of this process in MB; NaN where /proc has none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def reset_peak() -> None:
    """Let the peak of the resident memory start anew (Linux)."""
    with Path("/proc/self/clear_refs").open("w") as file:
        file.write("5")


def cpu_seconds() -> float:
    """CPU seconds of this process and of its ended children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def work(tool: str, source: Path, target: Path) -> None:
    """Run one tool on a movie in this process and write its links and figures."""
    with np.load(source) as file:
        points, offsets = file["points"], file["offsets"]
    prepare = TOOLS[tool]
    few = offsets[:4] if len(offsets) > 3 else offsets
    prepare(points[: few[-1]], few, REACH)()
    run = prepare(points, offsets, REACH)
    best, walls = float("inf"), []
    before = peak_memory("VmRSS")
    reset_peak()
    for _ in range(3):
        start = cpu_seconds(), time.perf_counter()
        result = run()
        used = cpu_seconds() - start[0]
        walls.append(time.perf_counter() - start[1])
        best = min(best, used)
        if used > 10:
            break
    extra = peak_memory("VmHWM") - before
    links, notes = result() if callable(result) else result
    figures = {"cpu": best, "wall": min(walls), "runs": len(walls), "extra": extra, **notes}
    np.savez(target, links=np.asarray(links, np.int64).reshape(-1, 2), figures=json.dumps(figures))


def measure(tool: str, python: str, movie: Path) -> tuple[np.ndarray, dict[str, float]] | None:
    """Run one tool in a new process; None, with a line, where it fails or is missing."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.npz"
        call = [python, __file__, "--work", tool, str(movie), str(out)]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
            print(f"{tool} is not measured: {reason[0]}", flush=True)
            return None
        with np.load(out) as file:
            return file["links"], json.loads(str(file["figures"]))


def describe(size: str, movie, truth) -> None:
    """Print density, misses, false positives and motion of a movie."""
    from scipy.spatial import cKDTree

    spots, true = movie.observed, movie.truth
    place, offsets = true.spots.positions, true.spots.frame_offsets
    last = place[offsets[-2] : offsets[-1]]
    first = place[: offsets[1]]
    near = [np.median(cKDTree(part).query(part, 2)[0][:, 1]) for part in (first, last)]
    ball = 4 / 3 * np.pi * np.sqrt((last**2).sum(axis=1)).max() ** 3
    single = true.out_degree[true.source] == 1
    step = place[true.target[single]] - place[true.source[single]]
    step = np.sqrt((step**2).sum(axis=1))
    missed = 1 - (movie.true_row >= 0).sum() / len(true.spots)
    false = (movie.true_row < 0).mean()
    span = np.bincount(spots.frame[truth.target] - spots.frame[truth.source])[2:].sum()
    counts = np.bincount(true.spots.frame)
    print(f"\n### {size}: {len(spots):,} spots in {spots.n_frames} frames\n")
    print(
        f"{counts[0]:,} to {counts[-1]:,} cells, {truth.divisions.size:,} divisions; "
        f"{len(last) / ball * 1e3:.2f} cells in 1,000 µm³; median nearest neighbour "
        f"{near[0]:.1f} µm in the first and {near[1]:.1f} µm in the last frame; true step median "
        f"{np.median(step):.2f}, 95 % {np.percentile(step, 95):.2f} µm; missed {missed:.2%} "
        f"({(movie.merged_row >= 0).sum():,} merged with a neighbour), false {false:.2%}; "
        f"{span:,} true links over gaps.\n",
        flush=True,
    )


def score(movie, truth, links: np.ndarray) -> list[str]:
    """Give edge F1, division F1, and LNK against all cells, also those that were missed."""
    from btrackmate.core.graph import TrackGraph
    from btrackmate.metrics import score_same_spots
    from btrackmate.metrics.nodes import NodeMatch, TrackNodes
    from btrackmate.metrics.tracking import score_nodes

    graph = TrackGraph.from_links(movie.observed, links[:, 0], links[:, 1])
    same = score_same_spots(truth, graph)
    mate = np.full(len(movie.truth.spots), -1, np.int64)
    real = np.flatnonzero(movie.true_row >= 0)
    mate[movie.true_row[real]] = real
    nodes = TrackNodes.from_graph(movie.truth), TrackNodes.from_graph(graph)
    full = score_nodes(*nodes, NodeMatch(mate, len(movie.observed)))
    divisions = f"{same.division_f1:.3f}" if graph.divisions.size else "–"
    return [f"{same.link_f1:.4f}", divisions, f"{full.LNK:.3f}"]


def compare(size: str, seed: int, peers: bool, pythons: dict[str, str]) -> dict[str, float]:
    """Measure all tools on one movie, print the table, and give the CPU seconds."""
    from btrackmate_samples.points import make_point_movie, truth_links_of_observed

    movie = make_point_movie(size, seed)
    truth = truth_links_of_observed(movie)
    describe(size, movie, truth)
    print("| | CPU, s | wall, s | runs | × query | extra, MB | edge F1 | division F1 | LNK |")
    print("| --- " * 9 + "|", flush=True)
    cpu: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "movie.npz"
        np.savez(path, points=movie.observed.positions, offsets=movie.observed.frame_offsets)
        for tool in TOOLS:
            if (tool in PEERS and not peers) or (size == "XL" and tool in TOO_SLOW_FOR_XL):
                continue
            found = measure(tool, pythons.get(tool.split(",")[0], sys.executable), path)
            if found is None:
                continue
            links, figures = found
            cpu[tool] = figures["cpu"]
            scores = score(movie, truth, links) if links.size else ["–"] * 3
            ratio = figures["cpu"] / cpu["KD-tree query"]
            name = tool
            if "build" in figures:
                name += f" (building the trees: {figures['build']:.3f} s)"
            print(
                f"| {name} | {figures['cpu']:.3f} | {figures['wall']:.3f} | {figures['runs']} | "
                f"{ratio:.1f} | {figures['extra']:.0f} | {' | '.join(scores)} |",
                flush=True,
            )
    ours, theirs = cpu.get("lap, gaps + splits"), cpu.get("laptrack, gaps + splits")
    if ours and theirs:
        print(f"\nlaptrack takes {theirs / ours:.0f} times the CPU of lap, gaps + splits.")
    return cpu


def find_version(name: str, python: str) -> str:
    """Give a package's version in a Python, empty where it is not installed."""
    call = [python, str(Path(__file__).with_name("linking_tools.py")), name]
    return subprocess.run(call, capture_output=True, text=True, check=False).stdout.strip()


def find_pythons(others: list[str]) -> dict[str, str]:
    """Print the machine and all versions; give the Python of each tool that this one lacks."""
    pythons, words = {}, []
    for name in VERSIONED:
        found = {python: find_version(name, python) for python in (sys.executable, *others)}
        python = next((one for one, version in found.items() if version), sys.executable)
        if python != sys.executable:
            pythons[name] = python
        words.append(f"{name} {found[python] or 'not installed'}")
    cores = len(os.sched_getaffinity(0))
    print(f"{platform.platform()}, {cores} cores, Python {platform.python_version()}; ", end="")
    print(", ".join(words), flush=True)
    return pythons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="S,M", help="of S, M, M-fast, L, XL; default S,M")
    parser.add_argument("--peers", action="store_true", help="also measure the other tools")
    parser.add_argument(
        "--other-python", action="append", default=[], help="Python of missing tools; repeatable"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", nargs=3, metavar=("TOOL", "MOVIE", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        tool, movie, out = options.work
        try:
            work(tool, Path(movie), Path(out))
        except ToolMissing as error:
            sys.exit(str(error))
        return
    pythons = find_pythons(options.other_python)
    for size in options.sizes.split(","):
        compare(size, options.seed, options.peers, pythons)


if __name__ == "__main__":
    main()
