"""Plots of segmentation scores: matching over IoU thresholds, MSE and SSIM by image."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from btrackmate.metrics.segmentation import THRESHOLDS, SegmentationScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour-blind-safe colours (Okabe & Ito), first to last method.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_MARKERS = ("o", "s", "^", "D", "v", "P")


def draw_scores(methods: Mapping[str, SegmentationScores], title: str = "") -> "Figure":
    """Plot all: AP, F1 and TP over τ above, MSE and SSIM of each image below.

    Parameters
    ----------
    methods : mapping of str to SegmentationScores
        Scores of one or more methods on the same images.
    title : str
        Of the figure.
    """
    figure = _new_figure((10, 6), title)
    grid = figure.add_gridspec(2, 6)
    _draw_matching([figure.add_subplot(grid[0, 2 * i : 2 * i + 2]) for i in range(3)], methods)
    _draw_shape([figure.add_subplot(grid[1, 3 * i : 3 * i + 3]) for i in range(2)], methods)
    return figure


def draw_matching(methods: Mapping[str, SegmentationScores], title: str = "") -> "Figure":
    """Plot AP, F1 and TP of each method over the IoU threshold τ, pooled over images."""
    figure = _new_figure((10, 3.2), title)
    _draw_matching(list(figure.subplots(1, 3)), methods)
    return figure


def draw_shape(methods: Mapping[str, SegmentationScores], title: str = "") -> "Figure":
    """Plot MSE and SSIM of the binarised labels of each image and method."""
    figure = _new_figure((10, 3.2), title)
    _draw_shape(list(figure.subplots(1, 2)), methods)
    return figure


def _draw_matching(panels: "list[Axes]", methods: Mapping[str, SegmentationScores]) -> None:
    for number, (name, scores) in enumerate(methods.items()):
        curves: list[list[float | int | None]] = [
            [one.ap for one in scores.instances],
            [one.f1 for one in scores.instances],
            [one.tp for one in scores.instances],
        ]
        for axis, values in zip(panels, curves, strict=True):
            shown = [np.nan if value is None else value for value in values]
            axis.plot(
                THRESHOLDS,
                shown,
                color=COLOURS[number % 6],
                marker=_MARKERS[number % 6],
                ms=4,
                label=name,
            )
    total = sum(image.n_truth for image in next(iter(methods.values())).images)
    panels[2].axhline(total, color="0.6", lw=1, ls="--")
    panels[2].annotate(
        f"{total} in the truth", (0.1, total), (0, -3), textcoords="offset points",
        va="top", fontsize=8, color="0.4",
    )  # fmt: skip
    names = ("AP = TP / (TP + FP + FN)", "F1", "true positives (objects)")
    for axis, name in zip(panels, names, strict=True):
        _tidy(axis, name)
        axis.set(xlabel="IoU threshold τ", xticks=THRESHOLDS[::2], ylim=(0, None))
    for axis in panels[:2]:
        axis.set_ylim(0, 1.02)
    if len(methods) > 1:
        panels[0].legend(frameon=False, fontsize=8, loc="lower left")


def _draw_shape(panels: "list[Axes]", methods: Mapping[str, SegmentationScores]) -> None:
    first = next(iter(methods.values()))
    width = 0.8 / len(methods)
    place = np.arange(len(first.images))
    window = min(image.ssim_window for image in first.images)
    for number, (name, scores) in enumerate(methods.items()):
        shift = (number - (len(methods) - 1) / 2) * width
        for axis, values in zip(
            panels,
            ([i.MSE for i in scores.images], [i.SSIM for i in scores.images]),
            strict=True,
        ):
            shown = [np.nan if value is None else value for value in values]
            axis.bar(place + shift, shown, width, color=COLOURS[number % 6], label=name)
    _tidy(panels[0], "MSE of the binarised labels")
    _tidy(panels[1], f"SSIM of the binarised labels (window {window})")
    for axis in panels:
        _name_images(axis, first.names)
    lowest = min(
        (i.SSIM for s in methods.values() for i in s.images if i.SSIM is not None), default=0.0
    )
    panels[1].set_ylim(min(np.floor(20 * lowest - 0.5) / 20, 0.95), 1)
    if len(methods) > 1:  # Above the bars: their heights may differ much.
        panels[0].set_ylim(0, 1.2 * panels[0].get_ylim()[1])
        panels[0].legend(frameon=False, fontsize=8, loc="upper center", ncols=len(methods))


def _name_images(axis: "Axes", names: tuple[str, ...]) -> None:
    """Label the images where there is room, else number them."""
    if len(names) <= 12:
        long = max(map(len, names)) > 50 // len(names)
        axis.set_xticks(
            range(len(names)), names, rotation=30 if long else 0, ha="right" if long else "center"
        )
    axis.set_xlabel("image")


def _new_figure(size: tuple[float, float], title: str) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    if title:
        figure.suptitle(title, fontsize=10)
    return figure


def _tidy(axis: "Axes", name: str) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.set_title(name, fontsize=9)
