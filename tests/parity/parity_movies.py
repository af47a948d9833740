"""Draw the movies of the cases `plane_two_channels` and `tissue_3d`: cells that every route tracks.

``python tests/parity/parity_movies.py`` writes the images again; the tables beside them are made by
``parity_case.py``.
"""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

HERE = Path(__file__).parent
IntArray = NDArray[np.int64]


def make_paths(seed: int, shape: tuple[int, ...], frames: int, cells: int) -> list[list[IntArray]]:
    """Give the centre of each cell in each frame, in voxels: a list of (cell, position) rows.

    Every third cell divides; the daughters of the first live for two frames, those of the second
    for two and for good, those of the others for good. Every fifth cell misses one frame.
    """
    rng = np.random.default_rng(seed)
    size = np.array(shape)
    margin = np.minimum(size // 4, 8)
    found: list[list[IntArray]] = [[] for _ in range(frames)]
    columns = int(np.ceil(np.sqrt(cells)))
    for cell in range(cells):
        grid = np.array([cell // columns + 0.5, cell % columns + 0.5]) / columns
        start = size / 2.0
        start[-2:] = margin[-2:] + grid * (size - 2 * margin)[-2:]
        step = rng.uniform(-0.4, 0.4, len(shape))
        divides = frames // 2 - cell % 2 if cell % 3 == 0 else frames
        for t in range(divides):
            if cell % 5 != 2 or t != frames // 3:
                found[t].append(start + step * t)
        for daughter, side in enumerate((-1, 1)):
            short = cell == 0 or (cell == 3 and daughter == 0)
            apart = np.zeros(len(shape))
            apart[-1] = side * 3.5
            for t in range(divides, min(frames, divides + 2) if short else frames):
                found[t].append(start + step * t + apart)
    return found


def draw(
    paths: list[list[IntArray]], shape: tuple[int, ...], radii: tuple[float, ...], seed: int
) -> NDArray[np.uint16]:
    """Draw ellipsoids with ids that are not the same from frame to frame."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((len(paths), *shape), np.uint16)
    axes = np.indices(shape)
    for t, centres in enumerate(paths):
        ids = rng.choice(np.arange(1, 60_000), len(centres), replace=False)
        for centre, number in zip(centres, ids, strict=True):
            away = sum(
                ((axis - c) / radius) ** 2
                for axis, c, radius in zip(axes, centre, radii, strict=True)
            )
            labels[t][(away <= 1) & (labels[t] == 0)] = number
    return labels


def shade(labels: NDArray[np.uint16], base: int, weights: tuple[int, ...]) -> NDArray[np.uint16]:
    """Give intensities: brighter in cells, with a pattern that differs from voxel to voxel."""
    pattern = sum(w * axis for w, axis in zip(weights, np.indices(labels.shape), strict=True))
    return (base + pattern % 23 + (labels > 0) * (200 + labels % 50)).astype(np.uint16)


def write(path: Path, image: NDArray[np.generic], axes: str, voxel: float, depth: float) -> None:
    """Write an ImageJ hyperstack, compressed."""
    metadata = {"axes": axes, "spacing": depth, "unit": "um", "finterval": 60.0, "tunit": "s"}
    resolution = (1 / voxel, 1 / voxel)
    tifffile.imwrite(
        path, image, imagej=True, compression="zlib", resolution=resolution, metadata=metadata
    )


def main() -> None:
    """Write both movies."""
    shape = (72, 96)
    labels = draw(make_paths(2, shape, 10, 12), shape, (4.0, 3.3), 5)
    channels = [shade(labels, 100, (3, 5, 7)), shade(labels, 900, (11, 2, 3))]
    folder = HERE / "plane_two_channels"
    folder.mkdir(exist_ok=True)
    write(folder / "labels.tif", labels, "TYX", 0.5, 1.0)
    write(folder / "movie.tif", np.stack(channels, 1), "TCYX", 0.5, 1.0)

    shape = (10, 56, 72)
    labels = draw(make_paths(7, shape, 9, 9), shape, (2.4, 4.2, 3.4), 8)
    mask = np.zeros(labels.shape, np.uint8)
    for t in range(len(mask)):
        mask[t, 1:, :, : 58 - t] = 1
        mask[t, 1:, 30:, : 58 - t] = 2
    folder = HERE / "tissue_3d"
    folder.mkdir(exist_ok=True)
    write(folder / "labels.tif", labels, "TZYX", 0.4, 1.5)
    write(folder / "movie.tif", shade(labels, 100, (3, 5, 7, 2)), "TZYX", 0.4, 1.5)
    write(folder / "mask.tif", mask, "TZYX", 0.4, 1.5)


if __name__ == "__main__":
    main()
