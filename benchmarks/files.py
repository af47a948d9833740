"""Files of tracks: CPU seconds and peak memory of reading and writing them, beside libraries.

Each line in a process of its own, on the same movie: cells of a random walk with all columns that
a segmentation measures. `CSV, values only` is what pandas and pyarrow do: they neither check nor
name columns, units, frames or ids. `expat alone` reads TrackMate's XML element by element. Prints
a markdown table; what is not installed is left out.

    python benchmarks/files.py [--spots 1000000]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots

FRAMES = 100
#: Columns beside id, frame, x, y and z; every one has fifteen digits or more.
FEATURES = ("radius", "volume", "quality", "mean_intensity_ch1", "std_intensity_ch1", "solidity")


def make_tracks(n: int) -> TrackGraph:
    """Make n / 100 cells that walk over 100 frames."""
    rng = np.random.default_rng(0)
    cells = n // FRAMES
    place = rng.uniform(0, 1000, (cells, 3)) + rng.normal(0, 1, (FRAMES, cells, 3)).cumsum(axis=0)
    table = pd.DataFrame(place.reshape(-1, 3), columns=["x", "y", "z"])
    table.insert(0, "frame", np.repeat(np.arange(FRAMES), cells))
    for name in FEATURES:
        table[name] = rng.uniform(1, 100, len(table))
    spots = Spots.from_table(table, Calibration(space_unit="µm"))
    source = np.arange(len(table) - cells)
    return TrackGraph.from_links(spots, source, source + cells)


def convert(source: str, target: str) -> Callable[[Path], None]:
    """Read tracks of one format and write them in another."""

    def work(folder: Path) -> None:
        from btrackmate.io.track_formats import read_tracks, write_tracks

        write_tracks(folder / f"out{target}", read_tracks(folder / f"tracks{source}")[0])

    return work


def read_ours(folder: Path) -> None:
    """Read the table of spots as cells: checked, named, with units."""
    from btrackmate.io.spots_csv import read_spots_csv

    read_spots_csv(folder / "tracks.spots.csv", Calibration())


def read_pandas(folder: Path) -> None:
    """Read the values of the table of spots, exactly."""
    pd.read_csv(folder / "tracks.spots.csv", float_precision="round_trip")


def read_pyarrow(folder: Path) -> None:
    """Read the values of the table of spots."""
    from pyarrow import csv

    csv.read_csv(folder / "tracks.spots.csv").to_pandas()


def write_ours(folder: Path) -> None:
    """Write the table of spots."""
    from btrackmate.io.tracks_csv import write_table

    write_table(folder / "out.csv", pd.read_pickle(folder / "spots.pickle"))


def write_pandas(folder: Path) -> None:
    """Write the table of spots."""
    pd.read_pickle(folder / "spots.pickle").to_csv(folder / "out.csv", index=False)


def write_pyarrow(folder: Path) -> None:
    """Write the table of spots."""
    from pyarrow import Table, csv

    csv.write_csv(Table.from_pandas(pd.read_pickle(folder / "spots.pickle")), folder / "out.csv")


def parse(*, fast: bool) -> Callable[[Path], None]:
    """Parse TrackMate's XML into columns."""

    def work(folder: Path) -> None:
        from btrackmate.io.trackmate.read_parser import TrackMateParser

        TrackMateParser(folder / "tracks.xml", fast=fast).parse()

    return work


WORK: dict[str, Callable[[Path], None]] = {
    "CSV to cells: ours": read_ours,
    "CSV, values only: pandas": read_pandas,
    "CSV, values only: pyarrow": read_pyarrow,
    "cells to CSV: ours": write_ours,
    "cells to CSV: pandas": write_pandas,
    "cells to CSV: pyarrow": write_pyarrow,
    "XML parsed: blocks, then expat": parse(fast=True),
    "XML parsed: expat alone": parse(fast=False),
    **{
        f"{source} to {target}": convert(source, target)
        for source, target in ((".csv", ".xml"), (".xml", ".csv"), (".csv", ".geff"),
                               (".geff", ".csv"), (".xml", ".geff"), (".geff", ".xml"))
    },
}  # fmt: skip


def run_one(name: str, folder: Path) -> None:
    """Do one piece of work in this process, and print what it took."""
    begin = resource.getrusage(resource.RUSAGE_SELF)
    WORK[name](folder)
    end = resource.getrusage(resource.RUSAGE_SELF)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    print(json.dumps([seconds, end.ru_maxrss / 1e6]))


def prepare(folder: Path, n: int) -> None:
    """Write the files that are read."""
    from btrackmate.io.track_formats import write_tracks

    graph = make_tracks(n)
    for ending in (".csv", ".xml", ".geff"):
        write_tracks(folder / f"tracks{ending}", graph)
    graph.spots.table.to_pickle(folder / "spots.pickle")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, default=1_000_000)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(given.one[0], Path(given.one[1]))
        return
    print("| | CPU s | peak memory, GB |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, given.spots)
        for title in WORK:
            words = [sys.executable, __file__, "--one", title, name]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{title}: {done.stderr.splitlines()[-1]}", file=sys.stderr)
                continue
            seconds, memory = json.loads(done.stdout)
            print(f"| {title} | {seconds:.1f} | {memory:.2f} |", flush=True)


if __name__ == "__main__":
    main()
