"""Views of a volume, its truth and results side by side (the paper's Figure 3)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from btrackmate.metrics.overlap import count_overlaps
from btrackmate.samples import Stack


def draw_views(stack: Stack, results: Mapping[str, NDArray[Any]]) -> Figure:
    """Draw the middle planes along z and along y of image, truth and results.

    A result's cell has the colour of the true cell that it overlaps best (IoU), dark lines are
    borders of labels; cells without a partner at IoU 0.5 are grey.
    """
    size = stack.calibration.spacing(3)
    depth, height, width = stack.labels.shape
    tall = depth * size[0] / (height * size[1])
    columns = 2 + len(results)
    figure = Figure(figsize=(2.6 * columns, 2.75 * (1 + tall)), layout="constrained")
    panels = figure.subplots(2, columns, height_ratios=[1, tall])
    colours = _make_colours(int(stack.labels.max()))
    shown = {"truth": _paint(stack.labels, colours)}
    for name, labels in results.items():
        shown[name] = _paint(labels, _match_colours(stack.labels, labels, colours))
    bright = np.percentile(stack.image, (1, 99.7))
    for line, (index, aspect) in enumerate(
        (((depth // 2,), size[1] / size[2]), ((slice(None), height // 2), size[0] / size[2]))
    ):
        grey = {"cmap": "gray", "vmin": bright[0], "vmax": bright[1], "aspect": aspect}
        panels[line, 0].imshow(stack.image[index], **grey)
        for axis, image in zip(panels[line, 1:], shown.values(), strict=True):
            axis.imshow(image[index], aspect=aspect, interpolation="nearest")
    for axis, name in zip(panels[0], ("image", *shown), strict=True):
        axis.set_title(name, fontsize=10)
    for axis in panels.flat:
        axis.set(xticks=[], yticks=[])
    panels[0, 0].set_ylabel("plane of x, y", fontsize=9)
    panels[1, 0].set_ylabel("plane of x, z", fontsize=9)
    return figure


def _make_colours(count: int) -> NDArray[np.float64]:
    """Give every label a bright colour, and the background black; the same each time."""
    from matplotlib.colors import hsv_to_rgb

    rng = np.random.default_rng(5)
    hue = (np.arange(count) * 0.618034) % 1
    colours = hsv_to_rgb(
        np.stack([hue, rng.uniform(0.45, 0.9, count), rng.uniform(0.7, 1, count)], 1)
    )
    return np.concatenate([np.zeros((1, 3)), colours])


def _match_colours(
    truth: NDArray[Any], labels: NDArray[Any], colours: NDArray[np.float64]
) -> NDArray[np.float64]:
    overlap = count_overlaps(truth, labels)
    matched = np.full((int(labels.max()) + 1, 3), 0.55)
    matched[0] = 0
    for pair in np.flatnonzero(overlap.iou >= 0.5):
        cell = overlap.truth_ids[overlap.truth_index[pair]]
        matched[overlap.result_ids[overlap.result_index[pair]]] = colours[cell]
    return matched


def _paint(labels: NDArray[Any], colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour a label image; borders between labels in y and x are dark."""
    image = colours[labels]
    edge = np.zeros(labels.shape, bool)
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        if axis > 0:
            edge[low] |= labels[low] != labels[high]
    image[edge & (labels > 0)] *= 0.35
    return image
