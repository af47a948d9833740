"""Compiling all loops ahead, so that nobody waits for it later."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.loops import compile_loops
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.spots import Spots
from btrackmate.measurement import ArrayFrames, MaskSettings, MeasureSettings, measure_movie
from btrackmate.tracking import link_costs, parse_tracker, track

#: Types of label images, masks and images that the loops are compiled for.
LABEL_TYPES = ("u1", "u2", "u4", "u8")
IMAGE_TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
_GRID = Calibration(space_unit="µm")


def warm_up(progress: Progress = ignore_progress) -> None:
    """Call every compiled loop once, for every type of image, on data of a few voxels.

    numba keeps what it compiles, for this version of the package and this kind of processor;
    where it is kept already, this takes a few seconds.

    Parameters
    ----------
    progress : Progress, optional
        Called after each piece of work.
    """
    compile_loops()
    work = list(_list_work())
    for number, one in enumerate(work):
        one()
        progress("compiling", number + 1, len(work))


def _list_work() -> Iterator[Callable[[], None]]:
    yield _track_spots
    yield _convert_numbers
    for kind in LABEL_TYPES:
        yield partial(_measure_labels, kind, "f8")
    for kind in IMAGE_TYPES[:-1]:
        yield partial(_measure_labels, "u2", kind)
    yield _measure_many
    yield _measure_flat
    yield _track_labels
    for kind in LABEL_TYPES[:3]:
        yield partial(_compare_labels, kind)
    yield _draw_shapes
    yield _flood


def _draw_labels(kind: str) -> np.ndarray[tuple[int, ...], np.dtype[np.integer]]:
    """Two frames of two cubes of 27 voxels; one id is above the table of small ones."""
    labels = np.zeros((2, 5, 5, 12), kind)
    labels[:, 1:4, 1:4, 1:4] = 1
    labels[:, 1:4, 1:4, 6:9] = 70_000 if labels.itemsize > 2 else 2
    return labels


def _measure_labels(labels_type: str, image_type: str) -> None:
    """Measure with every statistic, and with a mask of the labels' type."""
    labels = _draw_labels(labels_type)
    image = np.arange(labels.size).reshape(labels.shape)[:, None] % 100
    measure_movie(
        ArrayFrames(labels, 3),
        ArrayFrames(image.astype(image_type), 3),
        ArrayFrames((labels[:1] > 0).astype(labels_type), 3),
        _GRID,
        MeasureSettings(mask=MaskSettings(policy="clip")),
    )


def _measure_flat() -> None:
    """Measure 2D cells, whose outlines are traced, and link them by these."""
    labels = ArrayFrames(_draw_labels("u2")[:, 1], 2)
    spots = measure_movie(labels, None, None, _GRID, MeasureSettings()).spots
    track(spots, parse_tracker("overlap", {}))


def _measure_many() -> None:
    """Measure more cells than the first tables hold, with ids above the table of small ones."""
    labels = np.arange(70_000, 72_400, dtype=np.uint32).reshape(1, 1, 40, 60)
    measure_movie(ArrayFrames(labels, 3), None, None, _GRID, MeasureSettings())


def _track_labels() -> None:
    labels = ArrayFrames(_draw_labels("u2"), 3)
    spots = measure_movie(labels, None, None, _GRID, MeasureSettings()).spots
    for how in ("PRECISE", "FAST"):
        track(spots, parse_tracker("overlap", {"iou_calculation": how}), labels=labels)


def _track_spots() -> None:
    """Link four cells, one of which divides and one of which is missed for a frame."""
    rows = [(f, 10.0 * cell, 1.0 * f, 0.0) for f in range(5) for cell in range(4)]
    rows = [row for row in rows if row[:2] != (2, 10.0)]
    rows += [(f, 3.0, 1.0 * f, 0.0) for f in (3, 4)]
    table = pd.DataFrame(rows, columns=["frame", "x", "y", "z"])
    table["radius"] = 3.0
    spots = Spots.from_table(table, _GRID)
    penalties = {"linking_feature_penalties": {"radius": 1.0}}
    more = {"allow_gap_closing": True, "allow_track_merging": True}
    for name, values in (
        ("lap", {}),
        ("lap", penalties | more),
        ("advanced-kalman", more),
        ("nearest", {}),
        ("flow", {}),
    ):
        graph = track(spots, parse_tracker(name, values))
    link_costs(spots, graph.source, graph.target)


def _convert_numbers() -> None:
    """Write and read numbers as a large file's are."""
    from btrackmate.io.rows import load_compiled
    from btrackmate.io.trackmate.read_equal import read_equal, repeats

    load_compiled()
    rows = read_equal(b'<Spot ID="1" name="ID1" />', b"<Spot", ("ID", "name"), 1)
    if rows is not None:
        repeats(rows, 1, b"ID", 0)


def _compare_labels(kind: str) -> None:
    from btrackmate.metrics.overlap import count_overlaps
    from btrackmate.metrics.similarity import compare_structure

    labels = _draw_labels(kind)[0]
    count_overlaps(labels, labels)
    compare_structure(labels, labels)


def _draw_shapes() -> None:
    """Suppress and draw two octahedra."""
    from btrackmate.segmentation import polyhedra, ray_table

    rays = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
    faces = np.array([(a, b, c) for a in (0, 3) for b in (1, 4) for c in (2, 5)], np.int32)
    points, distance = np.array([[2, 2, 2], [2, 2, 3]]), np.full((2, 6), 2, np.float32)
    table = ray_table.make_table(rays, faces, ray_table.find_boxes(points, distance, rays))
    if table is not None:
        polyhedra.suppress(points, distance, rays, table, 0.3)
        polyhedra.draw(points, distance, rays, table, (5, 5, 5))


def _flood() -> None:
    from btrackmate.segmentation.watershed import flood

    labels = _draw_labels("i4")[0]
    flood(np.zeros(labels.shape, np.float32), labels, np.ones(labels.shape, bool))
