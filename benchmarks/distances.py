"""Distances from the data against the best fixed ones of a sweep, and against TrackMate's 15.

Every movie is tracked by `lap` (gaps of one missed frame, divisions) and by `flow`, with distances
``auto`` and with one fixed distance for linking, gap closing and splitting, 0.3 to 4 times the
median distance between neighbours; also every second frame only, and copies scaled × 0.01 and
× 1000. Scores as in flow.py. Prints a markdown table.

    python benchmarks/distances.py [--sizes S M] [--lineages FOLDER] [--movies FOLDER]

The folders are those of flow.py; each lineage is a .tsv or .tsv.gz of id, t, x, y, z, parent.
--movies FOLDER holds BBBC050_3D_labels_u8_images_u16.npz and BBBC050_man_track.txt.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from flow import INTENSITY, LINEAGES, SIZE, drop, read_tree

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.measurement import ArrayFrames, measure_movie
from btrackmate.measurement.settings import MeasureSettings
from btrackmate.metrics.nodes import NodeMatch, TrackNodes
from btrackmate.metrics.tracking import score_nodes
from btrackmate.pipeline.evaluation import link_tracklets
from btrackmate.tracking import FlowSettings, LapSettings, TrackerSettings, track
from btrackmate.tracking.auto import measure_distances
from btrackmate_samples.points import make_point_movie, truth_links_of_observed

#: Fixed distances of the sweep, in median distances between neighbours.
SWEEP = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1, 1.2, 1.5, 2, 3, 4)
#: How far `auto` may fall short of the best fixed distance: edge F1, division F1.
BARS = (0.005, 0.03)


def thin(graph: TrackGraph) -> TrackGraph:
    """Keep every second frame; links go to the nearest ancestor that is left."""
    spots = graph.spots
    parent = np.full(len(spots), -1)
    parent[graph.target] = graph.source
    kept = spots.frame % 2 == 0
    ancestor = parent.copy()
    while (away := np.flatnonzero((ancestor >= 0) & ~kept[ancestor])).size:
        ancestor[away] = parent[ancestor[away]]
    table = spots.table[kept].assign(frame=spots.frame[kept] // 2)
    rows = np.flatnonzero(kept & (ancestor >= 0))
    thinned = Spots.from_table(table, spots.calibration, ndim=spots.ndim)
    return TrackGraph.from_ids(thinned, spots.id[ancestor[rows]], spots.id[rows])


def scale(graph: TrackGraph, factor: float) -> TrackGraph:
    """Give all lengths in another unit."""
    spots = graph.spots
    table = spots.table.copy()
    for name, power in (("x", 1), ("y", 1), ("z", 1), ("radius", 1), ("volume", spots.ndim)):
        if name in table:
            table[name] *= factor**power
    other = Spots.from_table(table, Calibration(), ndim=spots.ndim, n_frames=spots.n_frames)
    return TrackGraph.from_ids(other, spots.id[graph.source], spots.id[graph.target])


def read_labels(folder: Path) -> TrackGraph:
    """Measure the label movie, whose labels are the true tracklets."""
    arrays = np.load(folder / "BBBC050_3D_labels_u8_images_u16.npz")
    image = ArrayFrames(arrays["images"][:, None], 3)
    spots = measure_movie(
        ArrayFrames(arrays["labels"], 3), image, None, Calibration(), MeasureSettings()
    ).spots
    table = np.loadtxt(folder / "BBBC050_man_track.txt", dtype=int)
    return link_tracklets(spots, pd.DataFrame(table, columns=["label", "begin", "end", "parent"]))


def list_movies(options: argparse.Namespace) -> Iterator[tuple[str, TrackGraph]]:
    for size in options.sizes:
        for seed in options.seeds:
            truth = truth_links_of_observed(make_point_movie(size, seed))
            yield f"{size}, seed {seed}", truth
            yield f"{size}, seed {seed}, positions", drop(truth, SIZE + INTENSITY)
    if options.lineages:
        known = {name: (movie, read) for movie, (name, read, _) in LINEAGES.items()}
        for path in sorted(options.lineages.glob("*.tsv*")):
            movie, read = known.get(path.name, (path.name.split(".")[0], read_tree))
            yield movie, read(path)
    if options.movies:
        yield "BBBC050 labels and image", read_labels(options.movies)


def make_lap(distance: float) -> LapSettings:
    return LapSettings(
        linking_max_distance=distance,
        gap_closing_max_distance=distance,
        splitting_max_distance=distance,
    )


def make_flow(distance: float) -> FlowSettings:
    return FlowSettings(linking_max_distance=distance, splitting_max_distance=distance)


def score(truth: TrackGraph, settings: TrackerSettings) -> tuple[float, float]:
    match = NodeMatch(np.arange(len(truth.spots)), len(truth.spots))
    found = track(truth.spots, settings)
    scores = score_nodes(TrackNodes.from_graph(truth), TrackNodes.from_graph(found), match)
    return scores.link_f1, scores.divisions.f1 or 0.0


def compare(
    movie: str,
    truth: TrackGraph,
    name: str,
    auto: TrackerSettings,
    fixed: Callable[[float], TrackerSettings],
) -> None:
    start = time.process_time()
    found = measure_distances(truth.spots)
    seconds = time.process_time() - start
    links, divisions = score(truth, auto)
    swept = {factor: score(truth, fixed(factor * found.near)) for factor in SWEEP}
    best = max(one for one, _ in swept.values()), max(one for _, one in swept.values())
    met = links >= best[0] - BARS[0] and divisions >= best[1] - BARS[1]
    usual = score(truth, fixed(15.0))
    reach = f"{found.flow:g}" if name == "flow" else f"{found.linking:g} / {found.splitting:g}"
    print(
        f"| {movie} | {name} | {reach} | {links:.4f} / {divisions:.3f} | "
        f"{best[0]:.4f} / {best[1]:.3f} | {'yes' if met else '**no**'} | "
        f"{usual[0]:.4f} / {usual[1]:.3f} | {seconds:.2f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", default=["S"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--lineages", type=Path)
    parser.add_argument("--movies", type=Path)
    parser.add_argument("--scaled", action="store_true", help="also × 0.01 and × 1000")
    options = parser.parse_args()
    print("| movie | tracker | auto | scores | best fixed | within | fixed 15 | CPU s of auto |")
    print("| --- " * 8 + "|")
    for movie, truth in list_movies(options):
        copies = [(movie, truth), (f"{movie}, every second frame", thin(truth))]
        if options.scaled:
            copies += [(f"{movie}, × {factor:g}", scale(truth, factor)) for factor in (0.01, 1000)]
        for title, graph in copies:
            compare(title, graph, "lap", LapSettings(), make_lap)
            compare(title, graph, "flow", FlowSettings(), make_flow)


if __name__ == "__main__":
    main()
