"""CPU seconds and memory of `analyse` on a large movie, and how right its rhythms are.

The movie is size L of linking.py (a growing embryo, 100 frames) with its true links, a mean
intensity with a rhythm in every second tracklet, a volume and a distance to the boundary.
Prints markdown tables.

    python benchmarks/analysis.py [--size L]
"""

import argparse
import resource
import time

import numpy as np
from linking import cpu_seconds

from btrackmate.analysis import AnalysisSettings, analyse_tracks
from btrackmate.analysis.noise import make_red_noise
from btrackmate.analysis.rhythm import find_rhythm_each, make_treatment
from btrackmate.analysis.series import Series
from btrackmate.analysis.settings import RhythmSettings
from btrackmate.core.graph import TrackGraph
from btrackmate_samples.points import make_point_movie, truth_links_of_observed

#: Series of noise of each kind and length.
REPEATS = 10_000
RHYTHM = RhythmSettings.model_validate({})


def make_movie(size: str, seed: int = 0) -> TrackGraph:
    """Make the movie with its true links and three features."""
    graph = truth_links_of_observed(make_point_movie(size, seed))
    rng = np.random.default_rng(seed)
    spots = graph.spots
    turn = 2 * np.pi * spots.frame / 8 + graph.tracklet
    values = {
        "mean_intensity_ch1": 100 + 10 * (graph.tracklet % 2) * np.cos(turn),
        "volume": np.full(len(spots), 500.0),
        "boundary_distance": spots.positions[:, 0],
    }
    noise = {name: one + rng.normal(0, 5, len(spots)) for name, one in values.items()}
    return graph.with_spots(spots.with_columns(noise))


def measure_speed(size: str) -> None:
    graph = make_movie(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, wall = cpu_seconds(), time.perf_counter()
    tables = analyse_tracks(graph, AnalysisSettings.model_validate({}))
    cpu, wall = cpu_seconds() - start, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(graph.spots):,} spots, {len(tables['tracklets']):,} tracklets, "
          f"{graph.spots.n_frames} frames, {len(tables['rhythm']):,} series")  # fmt: skip
    print("| | CPU s | wall s | peak MB of the process (before) |\n| --- | --- | --- | --- |")
    print(f"| analyse, three features | {cpu:.1f} | {wall:.1f} | {peak:.0f} ({before:.0f}) |")


def analyse(values: np.ndarray, missing: float, rng: np.random.Generator):
    """Analyse series (k, span) of which a part is missing, in ten patterns."""
    span = values.shape[1]
    patterns = np.ones((10, span), bool)
    for row in patterns:
        row[rng.choice(np.arange(1, span - 1), round(missing * span), replace=False)] = False
    series = [Series(i, 0, patterns[i % 10], row[patterns[i % 10]]) for i, row in enumerate(values)]
    return find_rhythm_each(series, make_treatment(RHYTHM, 1.0), RHYTHM, 1.0)


def measure_noise() -> None:
    print("\n| length | missing | white noise: p white, p red | AR(1) 0.3 | 0.6 | 0.9 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for span in (10, 20, 40, 100, 200):
        for missing in (0.0, 0.2):
            rng = np.random.default_rng([span, round(100 * missing)])
            cells = []
            for persistence in (0.0, 0.3, 0.6, 0.9):
                values = make_red_noise(np.full(REPEATS, persistence), span, rng)
                table = analyse(values, missing, rng)
                red = f"{100 * (table['p_red'] < 0.05).mean():.1f}"
                white = f"{100 * (table['p_white'] < 0.05).mean():.1f}, " if not persistence else ""
                cells.append(white + red)
            print(f"| {span} | {missing:.0%} | {' | '.join(cells)} |", flush=True)


def measure_periods() -> None:
    print("\n| length | SNR | missing | found (p < 0.05) | within one bin: of all, of found |")
    print("| --- | --- | --- | --- | --- |")
    for n in (10, 20, 40, 100, 200):
        for snr in (1, 2, 5):
            for missing in (0.0, 0.2):
                rng = np.random.default_rng([n, snr, round(100 * missing)])
                frequency = rng.uniform(2 / n, 0.4, 400)
                turn = 2 * np.pi * frequency[:, None] * np.arange(n)
                values = snr * np.cos(turn + rng.uniform(0, 2 * np.pi, (400, 1)))
                table = analyse(values + rng.standard_normal(values.shape), missing, rng)
                near = np.abs(table["dominant_frequency"].to_numpy() - frequency) < 1 / n
                found = (table["p_value"] < 0.05).to_numpy()
                share = f"{near[found].mean():.1%}" if found.any() else "–"
                print(f"| {n} | {snr} | {missing:.0%} | {found.mean():.0%} | {near.mean():.1%}, "
                      f"{share} |", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="L", help="movie of the speed test, S M L [L]")
    parser.add_argument("--only", choices=["speed", "rhythm"])
    words = parser.parse_args()
    if words.only != "rhythm":
        measure_speed(words.size)
    if words.only != "speed":
        measure_noise()
        measure_periods()


if __name__ == "__main__":
    main()
