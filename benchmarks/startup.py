"""Start-up: CPU seconds of help texts and of verbs on small files, warm, least of several runs.

For comparison the interpreter, click, numpy and pandas alone. Prints a markdown table.

    python benchmarks/startup.py [--runs 7]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from btrackmate.cli.main import VERBS

FLOOR = ("pass", "import click", "import numpy", "import pandas")
CALL = "import sys; from btrackmate.cli.main import main; main()"


def measure(words: list[str], runs: int) -> float:
    """Give the least CPU time of a Python process with these arguments, seconds."""
    times = []
    for _ in range(runs + 1):  # the first one warms the caches
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times[1:])


def write_spots(path: Path) -> None:
    """Write ten cells in ten frames."""
    rows = [(t, 10 * i + t % 3, i % 4, i) for t in range(10) for i in range(10)]
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("frame,x,y,z\n" + "\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    print("| | CPU s |\n| --- | --- |")
    for code in FLOOR:
        print(f"| python: {code} | {measure(['-c', code], runs):.2f} |", flush=True)
    helps = {verb: measure(["-c", CALL, verb, "--help"], runs) for verb in VERBS}
    slowest = max(helps, key=lambda verb: helps[verb])
    print(f"| --help | {measure(['-c', CALL, '--help'], runs):.2f} |")
    print(f"| run --help | {helps['run']:.2f} |")
    print(f"| the slowest help, {slowest} --help | {helps[slowest]:.2f} |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spots, tracks = folder / "spots.csv", folder / "tracks.xml"
        write_spots(spots)
        lap = ["track", str(spots), "-o", str(tracks), "--overwrite", "--tracker", "lap"]
        for title, words in (
            ("track, 100 spots, lap", lap),
            ("convert, .xml to .csv", ["convert", str(tracks), str(folder / "a.csv")]),
            ("convert, .csv to .xml", ["convert", str(folder / "a.csv"), str(folder / "b.xml")]),
            ("convert, .xml to .geff", ["convert", str(tracks), str(folder / "c.geff")]),
        ):
            seconds = measure(["-c", CALL, *words, "--overwrite"], runs)
            print(f"| {title} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
