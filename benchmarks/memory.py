"""Memory that does not grow with the movie: peak of whole commands at 50, 200 and 800 frames.

`run --labels` on a movie of 24×128×128 voxels with 40 cells a frame (OME-Zarr, and TIFF
uncompressed), `run --spots` on the cells that it found (what tables, linking and report take, which
do grow), and `segment` on an image of 16×64×64 voxels with the small networks that ship. With
`--large` instead a movie of labels of 20 GB, made frame by frame and compressed, measured and
tracked. Peak resident memory of the largest process. Prints a markdown table.

    python benchmarks/memory.py [--frames 50 200 800] [--no-segment] [--large] [--processes N]
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tifffile
from workers import Cost, run

from btrackmate.core.calibration import Calibration
from btrackmate.io.labels import LabelStore, remove_markers, write_tiff_movie

CALIBRATION = Calibration(0.5, 0.5, 2.0, 60.0, "µm", "sec")
SHAPE = (24, 128, 128)
IMAGE_SHAPE = (16, 64, 64)
#: As they lie in memory (32 bit), these are 20 GB.
LARGE_SHAPE = (60, 720, 720)
LARGE_FRAMES = 161
Paint = Callable[[int], np.ndarray]


def make_painter(shape: tuple[int, ...], n_cells: int, radius: int) -> Paint:
    """Give a function that paints balls which walk to and fro; labels from 1, in any order."""
    rng = np.random.default_rng(0)
    size = np.array(shape)
    start = rng.uniform(0, 1, (n_cells, 3)) * (size - 1)
    speed = rng.normal(0, 0.6, (n_cells, 3)) * np.minimum(1, size / size.max())
    grid = np.stack(np.indices((2 * radius + 1,) * 3), -1).reshape(-1, 3) - radius
    ball = grid[(grid**2).sum(axis=1) <= radius**2]

    def paint(t: int) -> np.ndarray:
        labels = np.zeros(shape, np.uint32)
        there = start + t * speed
        folded = np.abs((there + size - 1) % (2 * (size - 1)) - (size - 1))
        for label, centre in enumerate(np.rint(folded).astype(int), start=1):
            voxels = ball + centre
            inside = ((voxels >= 0) & (voxels < size)).all(axis=1)
            labels[tuple(voxels[inside].T)] = label
        return labels

    return paint


def write_zarr(path: Path, paint: Paint, n_frames: int, shape: tuple[int, ...]) -> Path:
    """Write a movie of labels as OME-Zarr, frame by frame."""
    store = LabelStore.open(path, (n_frames, *shape), CALIBRATION)
    for t in range(n_frames):
        store.write(t, paint(t))
    remove_markers(path)
    return path


def write_large(path: Path) -> Path:
    """Write a movie of labels that goes there and back: frames of the way back are copies."""
    half = LARGE_FRAMES // 2 + 1
    paint = make_painter(LARGE_SHAPE, 500, 12)
    store = LabelStore.open(path, (LARGE_FRAMES, *LARGE_SHAPE), CALIBRATION)
    for t in range(half):
        store.write(t, paint(t))
    for t in range(half, LARGE_FRAMES):
        for level in path.glob("[0-9]"):
            shutil.copytree(level / str(LARGE_FRAMES - 1 - t), level / str(t))
    remove_markers(path)
    return path


def write_image(path: Path, paint: Paint, n_frames: int) -> Path:
    """Write bright balls in noise, an ImageJ hyperstack."""
    rng = np.random.default_rng(0)

    def planes() -> Iterator[np.ndarray]:
        for t in range(n_frames):
            yield from rng.poisson(np.where(paint(t) > 0, 200, 20)).astype(np.uint16)

    tifffile.imwrite(
        path, planes(), shape=(n_frames, *IMAGE_SHAPE), dtype=np.uint16, imagej=True,
        resolution=(2, 2), metadata={"axes": "TZYX", "unit": "um", "spacing": 2, "finterval": 60},
    )  # fmt: skip
    return path


def print_rows(rows: dict[str, list[Cost]]) -> None:
    """Print a row a command."""
    for title, costs in rows.items():
        cells = " | ".join(f"{cost.memory / 1e6:.0f}" for cost in costs)
        print(f"| {title} | {cells} | {costs[-1].cpu:.0f} |", flush=True)


def measure_growth(frames: list[int], *, segment: bool) -> None:
    """Measure every command at every length."""
    rows: dict[str, list[Cost]] = {}
    paint, bright = make_painter(SHAPE, 40, 5), make_painter(IMAGE_SHAPE, 12, 6)
    for n in frames:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            zarr = write_zarr(folder / "labels.ome.zarr", paint, n, SHAPE)
            tiff = folder / "labels.tif"
            write_tiff_movie(tiff, map(paint, range(n)), (n, *SHAPE), CALIBRATION, max_id=40)
            done = folder / "zarr" / "spots.csv"
            commands = {
                "run --labels, OME-Zarr": ["run", "--labels", str(zarr), "-o", str(done.parent)],
                "run --labels, TIFF": ["run", "--labels", str(tiff), "-o", str(folder / "tiff")],
                "run --spots": ["run", "--spots", str(done), "-o", str(folder / "spots")],
            }
            if segment:
                image = write_image(folder / "image.tif", bright, n)
                words = ["segment", str(image), "-o", str(folder / "segmented.tif")]
                commands["segment"] = words
            for title, words in commands.items():
                rows.setdefault(title, []).append(run(words))
                print(n, title, rows[title][-1], file=sys.stderr, flush=True)
    print("| MB at | " + " | ".join(f"{n} frames" for n in frames) + " | CPU s of the longest |")
    print("| --- " * (len(frames) + 2) + "|")
    print_rows(rows)


def measure_large(processes: int | None) -> None:
    """Measure and track a movie of 20 GB."""
    more = [] if processes is None else ["--processes", str(processes)]
    with tempfile.TemporaryDirectory() as name:
        labels = write_large(Path(name, "labels.ome.zarr"))
        cost = run(["run", "--labels", str(labels), "-o", str(Path(name, "run")), *more])
    size = 4 * LARGE_FRAMES * float(np.prod(LARGE_SHAPE))
    print(f"{size / 1e9:.1f} GB of labels: {cost.cpu:.0f} CPU s, {cost.memory / 1e9:.2f} GB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[50, 200, 800])
    parser.add_argument("--no-segment", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--processes", type=int)
    options = parser.parse_args()
    if options.large:
        measure_large(options.processes)
    else:
        measure_growth(options.frames, segment=not options.no_segment)


if __name__ == "__main__":
    main()
