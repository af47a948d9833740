"""The flow tracker against plain LAP on seeded movies and real lineages; or learn its weights.

Divisions count as found if mother and both daughters are exact (tolerance 0). Spots are matched by
identity: the seeded movies know which detection is which cell, the real lineages are tracked from
their true positions. Edge F1 of seeded movies is against the links that a perfect linker makes of
the detections (missed frames bridged). Prints a markdown table.

    python benchmarks/flow.py [--sizes S M] [--lineages FOLDER]
    python benchmarks/flow.py --learn weights.yaml

FOLDER holds tgmm-mini_lineage.tsv.gz (Drosophila), astec_Pm07_lineage.tsv.gz (ascidian) and
wormguides_nuclei.tsv.gz (C. elegans); those that are missing are left out. Weights are learnt from
seeded movies only.
"""

import argparse
import logging
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.metrics.nodes import NodeMatch, TrackNodes
from btrackmate.metrics.tracking import TrackingScores, score_nodes
from btrackmate.tracking import FlowSettings, FlowWeights, LapSettings, track
from btrackmate.tracking.flow.learn import train_linking, write_weights
from btrackmate.tracking.flow.settings import WEIGHT_NAMES
from btrackmate_samples.points import (
    PointMovie,
    PointMovieSettings,
    make_point_movie,
    truth_links_of_observed,
)

INTENSITY = ("mean_intensity_ch1",)
SIZE = ("radius", "volume")
#: Largest distance of a link in the seeded movies [µm].
REACH = 8.0
#: Seeds that score; learning uses others.
SEEDS = (1, 2, 3)
#: µm of an x, y or z step of the C. elegans atlas, whose z is in steps of x and y already: at
#: 0.16 µm the embryo measures 48 × 26 × 27 µm, and neighbours spread alike along all axes.
WORM = 0.16
HEAD = "| movie | tracker | edge F1 | division F1 (found, false, missed) | LNK | CPU s |"


def drop(graph: TrackGraph, names: tuple[str, ...]) -> TrackGraph:
    """Leave features out."""
    table = graph.spots.table.drop(columns=[name for name in names if name in graph.spots.table])
    spots = graph.spots
    return graph.with_spots(Spots(table, spots.calibration, spots.ndim, spots.n_frames))


def read_tree(path: Path) -> TrackGraph:
    """Read a lineage of columns id, t, x, y, z, parent."""
    table = pd.read_csv(path, sep="\t").rename(columns={"t": "frame"})
    table["frame"] -= table["frame"].min()
    spots = Spots.from_table(table[["id", "frame", "x", "y", "z"]], Calibration(space_unit="px"))
    child = table[table["parent"] >= 0]
    return TrackGraph.from_ids(spots, child["parent"].to_numpy(), child["id"].to_numpy())


def read_worm(path: Path) -> TrackGraph:
    """Read the C. elegans atlas, whose ids begin anew in each frame."""
    table = pd.read_csv(path, sep="\t")
    table["frame"] = table["t"] - table["t"].min()
    table[["x", "y", "z"]] *= WORM
    table["radius"] = table["diameter"] * WORM / 2
    table["row"] = np.arange(len(table))
    mother = table[["frame", "id", "row"]].assign(frame=table["frame"] + 1)
    pairs = table.merge(mother, left_on=["frame", "pred"], right_on=["frame", "id"])
    columns = table[["row", "frame", "x", "y", "z", "radius"]].rename(columns={"row": "id"})
    spots = Spots.from_table(columns, Calibration(dx=WORM, dy=WORM, dz=WORM))
    return TrackGraph.from_ids(spots, pairs["row_y"].to_numpy(), pairs["row_x"].to_numpy())


#: File, reader, and largest distance of a link in the lineage's unit.
LINEAGES = {
    "Drosophila": ("tgmm-mini_lineage.tsv.gz", read_tree, 15.0),
    "ascidian Pm07": ("astec_Pm07_lineage.tsv.gz", read_tree, 60.0),
    "C. elegans": ("wormguides_nuclei.tsv.gz", read_worm, 6.0),
}


def make_lap(distance: float, gaps: bool) -> LapSettings:
    return LapSettings(
        linking_max_distance=distance,
        allow_gap_closing=gaps,
        gap_closing_max_distance=1.25 * distance,
        splitting_max_distance=1.1 * distance,
    )


def make_flow(distance: float, gaps: bool, weights: FlowWeights) -> FlowSettings:
    return FlowSettings(
        linking_max_distance=distance,
        splitting_max_distance=1.1 * distance,
        max_frame_gap=2 if gaps else 1,
        weights=weights,
    )


def score(truth: TrackGraph, settings: LapSettings | FlowSettings) -> TrackingScores:
    """Track the spots of a graph whose links are right, and score."""
    result = track(truth.spots, settings)
    match = NodeMatch(np.arange(len(truth.spots)), len(truth.spots))
    return score_nodes(TrackNodes.from_graph(truth), TrackNodes.from_graph(result), match)


def measure(movie: str, name: str, truth: TrackGraph, settings: LapSettings | FlowSettings) -> None:
    """Track, score and print a row."""
    start = time.process_time()
    scores = score(truth, settings)
    seconds = time.process_time() - start
    found = scores.divisions
    print(
        f"| {movie} | {name} | {scores.link_f1:.4f} | {found.f1 or 0:.3f} ({found.tp}, {found.fp}, "
        f"{found.fn}) | {scores.LNK:.4f} | {seconds:.1f} |",
        flush=True,
    )


def measure_seeded(size: str, seeds: tuple[int, ...], weights: FlowWeights) -> None:
    for seed in seeds:
        truth = truth_links_of_observed(make_point_movie(size, seed))
        name = f"{size}, seed {seed}"
        measure(name, "LAP", truth, make_lap(REACH, gaps=True))
        flow = make_flow(REACH, True, weights)
        measure(name, "flow, positions", drop(truth, SIZE + INTENSITY), flow)
        measure(name, "flow, sizes", drop(truth, INTENSITY), flow)
        measure(name, "flow, sizes and intensities", truth, flow)


def spoil(truth: TrackGraph, seed: int) -> dict[str, TrackGraph]:
    """Give copies of a movie whose intensities or sizes tell little, or nothing."""
    rng = np.random.default_rng(seed)
    spots, n = truth.spots, len(truth.spots)
    grey, depth = spots.feature("mean_intensity_ch1"), spots.positions[:, 2]
    flicker = np.exp(rng.normal(0, 0.3, spots.n_frames))[spots.frame]
    columns = {
        "as they are": {},
        "intensity flickers from frame to frame": {"mean_intensity_ch1": grey * flicker},
        "intensity is that of the depth": {
            "mean_intensity_ch1": np.exp(5 - 0.02 * depth + rng.normal(0, 0.1, n))
        },
        "intensity is noise of 10 %": {"mean_intensity_ch1": np.exp(rng.normal(5, 0.1, n))},
        "sizes and intensities are noise of 40 and 30 %": {
            "volume": np.exp(rng.normal(6, 0.4, n)),
            "mean_intensity_ch1": np.exp(rng.normal(5, 0.3, n)),
        },
    }
    return {
        name: truth.with_spots(
            Spots.from_table(spots.table.assign(**one), spots.calibration, n_frames=spots.n_frames)
        )
        for name, one in columns.items()
    }


def measure_spoilt(seeds: tuple[int, ...], weights: FlowWeights) -> None:
    """Print division F1 from positions alone and with features that are spoilt."""
    print("\n| S, features | " + " | ".join(f"seed {seed}" for seed in seeds) + " |")
    print("| --- " * (len(seeds) + 1) + "|")
    movies = [truth_links_of_observed(make_point_movie("S", seed)) for seed in seeds]
    plain = [drop(movie, SIZE + INTENSITY) for movie in movies]
    spoilt = [spoil(movie, seed) for movie, seed in zip(movies, seeds, strict=True)]
    rows = {"none, positions alone": plain}
    rows |= {name: [one[name] for one in spoilt] for name in spoilt[0]}
    for name, graphs in rows.items():
        scores = [score(graph, make_flow(REACH, True, weights)) for graph in graphs]
        print(f"| {name} | " + " | ".join(f"{one.divisions.f1:.3f}" for one in scores) + " |")


def measure_lineages(folder: Path, weights: FlowWeights) -> None:
    for movie, (name, read, distance) in LINEAGES.items():
        if not (folder / name).exists():
            continue
        truth = read(folder / name)
        measure(movie, "LAP", truth, make_lap(distance, gaps=False))
        flow = make_flow(distance, False, weights)
        measure(movie, "flow, positions", drop(truth, SIZE), flow)
        if "radius" in truth.spots.table:
            measure(movie, "flow, sizes", truth, flow)


def draw_movie(seed: int) -> PointMovie:
    """Make a movie of random density, motion and faults; a third are without faults."""
    rng = np.random.default_rng(1000 + seed)

    def draw(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    clean = rng.random() < 0.35
    noise = 0.02 if clean else draw(0.1, 0.6)
    settings = PointMovieSettings(
        n_frames=int(rng.integers(12, 30)),
        n_cells=int(draw(40, 200)),
        growth=draw(1.3, 3),
        flow=draw(0.3, 2.5),
        wander=draw(0.3, 1.6),
        daughter_distance=draw(0.7, 1.5),
        noise_xy=noise,
        noise_z=noise * rng.uniform(1, 2.5),
        miss=0 if clean else draw(0.003, 0.04),
        false=0 if clean else draw(0.003, 0.02),
        merge=0 if clean else 0.002,
        noise_volume=draw(0.05, 0.3),
        noise_intensity=draw(0.05, 0.3),
    )
    return make_point_movie(settings, seed)


def learn(random: int, standard: int) -> FlowWeights:
    """Learn the default weights of appearance; those of positions stay."""
    movies = [draw_movie(seed) for seed in range(random)]
    movies += [make_point_movie("S", 100 + seed) for seed in range(standard)]
    graphs, settings = [], []
    flow = make_flow(REACH, True, FlowWeights())
    for number, movie in enumerate(movies):
        truth, limits = truth_links_of_observed(movie), None
        if number % 4 == 3:  # a camera that sees the middle only
            place = truth.spots.positions
            low, high = np.quantile(place, (0.12, 0.88), axis=0)
            truth = truth.keep_spots(((place >= low) & (place <= high)).all(axis=1))
            limits = (tuple(low), tuple(high))
        for without in (SIZE, INTENSITY, ()):
            graphs.append(drop(truth, without))
            settings.append(flow.model_copy(update={"movie_bounds": limits}))
    about = ("size", "intensity", "mother")
    positions = [name for name in WEIGHT_NAMES if not any(word in name for word in about)]
    return train_linking(graphs, settings, keep=positions)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="*", default=["S", "M"])
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--lineages", type=Path)
    parser.add_argument("--spoilt", action="store_true", help="also spoil sizes and intensities")
    parser.add_argument("--weights", type=Path, help="YAML of weights instead of the defaults")
    parser.add_argument("--learn", type=Path, help="learn weights and write them to this YAML file")
    parser.add_argument("--random", type=int, default=14, help="random movies to learn from")
    parser.add_argument("--standard", type=int, default=6, help="movies of size S to learn from")
    parser.add_argument("--verbose", action="store_true", help="log what learning finds")
    options = parser.parse_args()
    if options.verbose:
        logging.basicConfig(level=logging.INFO)
        logging.getLogger("btrackmate.tracking.flow.windows").setLevel(logging.WARNING)
        logging.getLogger("btrackmate.tracking.flow.motion").setLevel(logging.WARNING)
    if options.learn is not None:
        write_weights(learn(options.random, options.standard), options.learn)
        return
    weights = FlowWeights.from_yaml(options.weights) if options.weights else FlowWeights()
    print(HEAD + "\n" + "| --- " * 6 + "|")
    for size in options.sizes:
        measure_seeded(size, tuple(options.seeds), weights)
    if options.spoilt:
        measure_spoilt(tuple(options.seeds), weights)
    if options.lineages is not None:
        measure_lineages(options.lineages, weights)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\nhighest memory of the whole run: {peak:.2f} GB")


if __name__ == "__main__":
    main()
