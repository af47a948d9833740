"""Worker processes: the same movie measured and segmented by none, 1, 2 and 4 of them.

`measure` on a rendered movie (22×512×512 voxels, 300 crowded cells a frame, one uint16 channel,
OME-Zarr and TIFF) and `segment` on 4 frames of the embryo. The outputs are checked to be equal.
CPU seconds of all processes, wall time as a ratio to no workers, and the peak memory of the largest
process. Prints a markdown table.

    python benchmarks/workers.py [--frames 24] [--no-segment]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from measure import CALIBRATION, SHAPE, make_frame

from btrackmate.io.labels import LabelStore
from btrackmate.samples import sample_paths

CALL = "import sys; from btrackmate.cli.main import main; main()"
WORKERS = (None, 1, 2, 4)


@dataclass(frozen=True)
class Cost:
    """What one command took: seconds, and bytes of the largest process."""

    cpu: float
    wall: float
    memory: int


def run(words: list[str]) -> Cost:
    """Run a command in a process whose children's use is counted apart."""
    code = (
        "import resource, subprocess, sys; "
        "code = subprocess.run([sys.executable, '-c', *sys.argv[1:]]).returncode; "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss); sys.exit(code)"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, CALL, *words, "--quiet"],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    cpu, memory = done.stdout.splitlines()[-1].split()
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(float(cpu), time.perf_counter() - start, int(memory) * unit)


def write_movie(folder: Path, n_frames: int) -> tuple[Path, Path]:
    """Write one frame again and again, moved a little."""
    labels, image = make_frame()
    store = LabelStore.open(folder / "labels.ome.zarr", (n_frames, *SHAPE), CALIBRATION)
    for t in range(n_frames):
        store.write(t, np.roll(labels, 3 * t, -1))
    frames = (np.roll(image, 3 * t, -1)[z] for t in range(n_frames) for z in range(SHAPE[0]))
    path = folder / "image.tif"
    tifffile.imwrite(
        path, frames, shape=(n_frames, *SHAPE), dtype=np.uint16, ome=True, metadata={"axes": "TZYX"}
    )
    return folder / "labels.ome.zarr", path


def compare(title: str, words: list[str], ending: str, folder: Path) -> None:
    """Run with each number of workers, check the output, and print the rows."""
    costs, contents = [], []
    for number in WORKERS:
        output = folder / f"{number}{ending}"
        more = [] if number is None else ["--processes", str(number)]
        costs.append(run([*words, "-o", str(output), *more]))
        contents.append(output.read_bytes())
        assert contents[-1] == contents[0], number
        cost, name = costs[-1], "none" if number is None else f"{number} processes"
        print(
            f"| {title}: {name} | {cost.cpu:.1f} | {cost.cpu / costs[0].cpu:.2f} | "
            f"{cost.wall / costs[0].wall:.2f} | {cost.memory / 1e9:.2f} |",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--no-segment", action="store_true")
    options = parser.parse_args()
    print("| | CPU s | CPU ratio | wall ratio | GB of the largest process |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels, image = write_movie(folder, options.frames)
        words = ["measure", str(labels), "--image", str(image)]
        compare(f"measure, {options.frames} frames", words, ".csv", folder)
        if not options.no_segment:
            movie = tifffile.imread(sample_paths().image)[:4]
            few = folder / "few.tif"
            tifffile.imwrite(few, movie, imagej=True, metadata={"axes": "TZYX"})
            compare("segment, 4 frames", ["segment", str(few)], ".tif", folder)


if __name__ == "__main__":
    main()
