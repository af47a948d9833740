"""Segmenting a crowded volume: ours beside the route of the original, on the same networks.

One rendered volume of 22×512×512 voxels with 1,500 membrane-labelled cells and its truth (Voronoi
cells from seeded, relaxed points through the sample renderer). Both sides use the shipped networks
and thresholds. The original's route is written here after its description: percentile
normalisation, StarDist's `predict_instances` (its own suppression and drawing), the U-Net and
Otsu's threshold, seeds pooled by testing every component's bounding box against every seed in
Python loops, markers dilated by a ball of 2 voxels, watershed on -probability over the whole
volume.

StarDist's own suppression takes more than an hour on the whole volume: `--limit S` ends it after S
CPU seconds, and the original's route goes on with the shapes of our exact suppression, which are
the same; its times are then too small. `--crop N` measures an N×N crop (all planes), for both.

    python benchmarks/segmentation_speed.py [--cells 1500] [--crop 512] [--limit 1200]
    python benchmarks/segmentation_speed.py --post-only [--cells 3000]
"""

import argparse
import json
import math
import resource
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.filters import threshold_otsu
from skimage.measure import regionprops
from skimage.morphology import ball
from skimage.segmentation import watershed

from btrackmate.core.calibration import Calibration
from btrackmate.metrics.overlap import count_overlaps
from btrackmate.metrics.segmentation import match_instances
from btrackmate.segmentation import (
    SegmentationSettings,
    load_models,
    normalise_volume,
    segment_volume,
)
from btrackmate.segmentation.segment import pool_seeds
from btrackmate.segmentation.watershed import complete_mask, flood, stamp_markers
from btrackmate_samples.render import Renderer, RenderSettings
from btrackmate_samples.tissue import estimate_radii

SHAPE, VOXEL = (22, 512, 512), (4.5, 1.3, 1.3)
CALIBRATION = Calibration(1.3, 1.3, 4.5, space_unit="µm")
SPACING = CALIBRATION.spacing(3)


def make_volume(n_cells: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Render n cells at relaxed random places; give image and truth."""
    rng = np.random.default_rng(seed)
    size = (np.array(SHAPE) - 1) * VOXEL
    places = rng.uniform(0, 1, (n_cells, 3)) * size
    sample = rng.uniform(0, 1, (n_cells * 60, 3)) * size
    for _ in range(8):
        own = cKDTree(places).query(sample)[1]
        count = np.maximum(np.bincount(own, minlength=n_cells), 1)
        places = np.stack(
            [np.bincount(own, sample[:, i], minlength=n_cells) / count for i in range(3)], axis=1
        )
    settings = RenderSettings(shape=SHAPE, voxel_size=VOXEL, seed=seed)
    renderer = Renderer(settings, float(estimate_radii(places).mean()), n_cells)
    frame = renderer.render(places, np.arange(1, n_cells + 1))
    return frame.image, frame.labels


def timed(times: dict[str, tuple[float, float]], name: str, work: Callable[[], Any]) -> Any:
    """Run one step and note its wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    times[name] = time.perf_counter() - wall, time.process_time() - cpu
    return result


def complete_original(mask: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Add shapes to the mask one by one, each compared over the whole volume's voxels."""
    result = mask.copy()
    for region in regionprops(shapes):
        here = shapes == region.label
        if np.count_nonzero(mask & here) < 0.5 * region.area:
            result |= here
    return result


def pool_original(components: np.ndarray, points: list[Any]) -> list[Any]:
    """Add the centroid of each component in whose bounding box no seed lies (the paper's rule)."""
    pooled = list(points)
    for region in regionprops(components):
        low, high = region.bbox[:3], region.bbox[3:]
        held = False
        for point in points:
            if all(a <= p <= b for a, p, b in zip(low, point, high, strict=True)):
                held = True
        if not held:
            pooled.append(region.centroid)
    return pooled


def mark_original(points: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Mark seeds by their numbers and dilate them by a ball of 2 voxels."""
    markers = np.zeros(shape, np.uint16)
    for number, point in enumerate(points, 1):
        at = tuple(min(round(p), n - 1) for p, n in zip(point, shape, strict=True))
        markers[at] = number
    return ndimage.grey_dilation(markers, footprint=ball(2))


def suppress_original(folder: Path, nms_thresh: float, limit: float) -> None:
    """Run StarDist's own suppression on the candidates in a folder; for a process of its own."""
    from stardist.nms import non_maximum_suppression_3d_inds
    from stardist.rays3d import rays_from_json

    if limit:
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 5))
    with np.load(folder / "candidates.npz") as saved:
        rays = rays_from_json(json.loads(str(saved["rays"])))
        start = time.perf_counter(), time.process_time()
        keep = non_maximum_suppression_3d_inds(
            saved["distance"], saved["points"], rays, saved["scores"], thresh=nms_thresh,
            verbose=False,
        )  # fmt: skip
    took = time.perf_counter() - start[0], time.process_time() - start[1]
    np.savez(folder / "kept.npz", keep=keep, took=took)


def find_original(
    normed: np.ndarray, stardist: Any, limit: float, times: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Find shapes by the steps of `predict_instances`: label image and points."""
    maps = timed(times, "StarDist network", lambda: stardist.predict_maps(normed))
    found = stardist.find_candidates(maps, stardist.prob_thresh, nms="exact")
    name = f"StarDist's suppression of {len(found.points)}"
    with TemporaryDirectory() as folder:
        np.savez(
            Path(folder) / "candidates.npz", points=found.points, scores=found.scores,
            distance=found.distance, rays=json.dumps(stardist.network.config.rays_json),
        )  # fmt: skip
        arguments = (Path(folder), stardist.nms_thresh, limit)
        wall = time.perf_counter()
        child = get_context("spawn").Process(target=suppress_original, args=arguments)
        child.start()
        child.join()
        if child.exitcode == 0:
            with np.load(Path(folder) / "kept.npz") as saved:
                times[name] = tuple(saved["took"])
                shapes = found.where(saved["keep"])
        else:
            print(f"StarDist's suppression did not end in {limit:.0f} CPU s: times are too small")
            times[f"{name} (unfinished)"] = time.perf_counter() - wall, limit
            shapes = stardist.suppress(found, stardist.nms_thresh)  # the same; not counted

    def draw() -> Any:
        from stardist.geometry import polyhedron_to_label
        from stardist.rays3d import rays_from_json

        return polyhedron_to_label(
            shapes.distance, shapes.points, rays_from_json(stardist.network.config.rays_json),
            normed.shape, prob=shapes.scores, verbose=False,
        )  # fmt: skip

    return timed(times, "StarDist's drawing", draw), shapes.points


def run_original(image: np.ndarray, models: Any, limit: float, times: dict[str, Any]) -> np.ndarray:
    """Segment as the original does."""
    normed = timed(times, "normalise", lambda: normalise_volume(image))
    shapes, points = find_original(normed, models.stardist, limit, times)
    foreground = timed(times, "U-Net", lambda: models.unet.predict(normed).foreground)
    probability = models.stardist.predict_maps(normed).probability  # not counted
    zoom = [n / m for n, m in zip(image.shape, probability.shape, strict=True)]
    big = ndimage.zoom(probability, zoom, order=0)
    mask = timed(times, "mask", lambda: foreground > threshold_otsu(foreground))
    return post_original(shapes, mask, big, [tuple(p) for p in points], times)


def post_original(
    shapes: np.ndarray, mask: np.ndarray, probability: np.ndarray, points: list[Any], times: Any
) -> np.ndarray:
    """Complete the mask, pool, mark and flood as the original does."""
    mask = timed(times, "mask completion", lambda: complete_original(mask, shapes))
    components = timed(times, "components", lambda: ndimage.label(mask)[0])
    seeds = timed(times, "pooling", lambda: pool_original(components, points))
    markers = timed(times, "markers", lambda: mark_original(seeds, shapes.shape))
    return timed(times, "watershed", lambda: watershed(-probability, markers, mask=mask))


def run_ours(image: np.ndarray, models: Any, nms: str, times: dict[str, Any]) -> np.ndarray:
    """Segment with our defaults."""
    settings = SegmentationSettings(nms=nms)
    return timed(times, "all", lambda: segment_volume(image, CALIBRATION, settings, models).labels)


def post_ours(shapes: Any, mask: np.ndarray, foreground: np.ndarray, times: Any) -> np.ndarray:
    """Complete the mask, pool by the paper's rule, mark and flood."""
    settings = SegmentationSettings(pooling="bbox")
    level = 0.9 * float(foreground[mask].min(initial=1))
    mask = timed(
        times, "mask completion", lambda: complete_mask(mask, shapes.labels, foreground, level)
    )
    seeds = timed(
        times,
        "components and pooling",
        lambda: pool_seeds(shapes.labels, mask, None, settings, SPACING),
    )
    markers = timed(times, "markers", lambda: stamp_markers(seeds.points, mask, 1.3, SPACING))
    return timed(times, "watershed", lambda: flood(-shapes.probability, markers, mask))


def compare_post(image: np.ndarray, models: Any) -> None:
    """Compare what comes after the networks, from the same shapes and mask."""
    normed = normalise_volume(image)
    shapes = models.stardist.predict(normed)
    tissue = models.unet.predict(normed)
    mask = tissue.foreground > models.unet.foreground_thresh
    ours: dict[str, Any] = {}
    for _ in range(2):  # the first call compiles
        post_ours(shapes, mask, tissue.foreground, ours)
    theirs: dict[str, Any] = {}
    points = [tuple(p) for p in shapes.points]
    post_original(shapes.labels, mask, shapes.probability, points, theirs)
    show("ours, post-processing", ours)
    show("original's, post-processing", theirs)
    print(f"cells {len(shapes.points)}; ratio of CPU {total(theirs)[1] / total(ours)[1]:.1f}, "
          f"of wall {total(theirs)[0] / total(ours)[0]:.1f}")  # fmt: skip


def total(times: dict[str, Any]) -> tuple[float, float]:
    """Sum wall and CPU seconds."""
    return sum(w for w, _ in times.values()), sum(c for _, c in times.values())


def show(name: str, times: dict[str, Any]) -> None:
    """Print steps and their sum, wall and CPU seconds."""
    print(f"{name}: wall {total(times)[0]:.2f} s, CPU {total(times)[1]:.2f} s")
    for step, (wall, cpu) in times.items():
        print(f"    {step}: {wall:.2f} / {cpu:.2f}")


def show_scores(name: str, truth: np.ndarray, labels: np.ndarray) -> None:
    """Print AP at three overlaps."""
    overlap = count_overlaps(truth, labels)
    scores = []
    for iou in (0.3, 0.5, 0.7):
        m = match_instances(overlap, iou)
        scores.append(f"AP@{iou} {m.tp / max(m.tp + m.fp + m.fn, 1):.3f}")
    print(f"{name}: {', '.join(scores)}; {len(np.unique(labels)) - 1} cells", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crop", type=int, default=512, help="side of the crop, voxels")
    parser.add_argument("--skip-original", action="store_true")
    parser.add_argument("--limit", type=float, default=0, help="CPU s for StarDist's suppression")
    parser.add_argument("--post-only", action="store_true")
    options = parser.parse_args()
    image, truth = make_volume(options.cells, options.seed)
    part = (slice(None), slice(options.crop), slice(options.crop))
    image, truth = np.ascontiguousarray(image[part]), np.ascontiguousarray(truth[part])
    models = load_models(SegmentationSettings())
    models.stardist.predict(normalise_volume(image[:, :64, :64]))  # compile, once
    models.unet.predict(normalise_volume(image[:, :64, :64]))
    print(f"{image.shape} voxels, {len(np.unique(truth)) - 1} cells, seed {options.seed}")
    if options.post_only:
        compare_post(image, models)
        return
    walls = {}
    for nms in ("exact", "filtered"):
        times: dict[str, Any] = {}
        labels = run_ours(image, models, nms, times)
        walls[nms] = total(times)
        show(f"ours, nms {nms}", times)
        show_scores(f"ours, nms {nms}", truth, labels)
    if options.skip_original:
        return
    times = {}
    labels = run_original(image, models, options.limit, times)
    show("original's route", times)
    show_scores("original's route", truth, labels)
    for nms, (wall, cpu) in walls.items():
        theirs = total(times)
        print(f"ours ({nms}) is {theirs[0] / wall:.1f} times faster by wall, "
              f"{theirs[1] / cpu:.1f} by CPU")  # fmt: skip


if __name__ == "__main__":
    main()
