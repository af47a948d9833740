"""Pictures of the movie with outlines and track tails."""

import colorsys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.report.data import ReportData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_FRAMES = 6
TAIL = 8
_GOLDEN = 0.6180339887


def track_colours(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give every track its own hue, grey to spots of no track.

    Parameters
    ----------
    numbers : (n,) ndarray of int
        Track numbers, −1 for none.

    Returns
    -------
    (n, 3) ndarray
        Red, green, blue from 0 to 1.
    """
    table = [
        colorsys.hsv_to_rgb(number * _GOLDEN % 1.0, 0.65 + 0.35 * (number % 2), 1.0)
        for number in range(int(numbers.max(initial=-1)) + 1)
    ]
    table.append((0.6, 0.6, 0.6))  # index −1
    return np.asarray(table)[numbers]


def choose_frames(n_frames: int) -> list[int]:
    """Choose at most `MAX_FRAMES` frames, evenly over the movie, first and last among them."""
    count = min(n_frames, MAX_FRAMES)
    return [int(frame) for frame in np.unique(np.linspace(0, n_frames - 1, count).round())]


def draw_montage(data: ReportData) -> "Figure | None":
    """Draw a few frames: the maximum projection with outlines and tails, and the middle slice.

    Parameters
    ----------
    data : ReportData

    Returns
    -------
    Figure or None
        None for a movie without frames.
    """
    from matplotlib.figure import Figure

    graph = data.graph
    frames = choose_frames(graph.spots.n_frames)
    if not frames:
        return None
    rows = 2 if graph.spots.ndim == 3 and (data.image or data.labels) else 1
    figure = Figure(figsize=(3.1 * min(len(frames), 3), 3.3 * rows * -(-len(frames) // 3)))
    axes = figure.subplots(rows * -(-len(frames) // 3), min(len(frames), 3), squeeze=False)
    for axis in axes.ravel():
        axis.axis("off")
    limits = _view_limits(data)
    for number, frame in enumerate(frames):
        block, column = divmod(number, 3)
        image, labels = data.image_plane(frame), data.label_plane(frame)
        top = axes[block * rows, column]
        _draw_projection(top, graph, frame, image, labels)
        top.set_title(f"frame {frame}, maximum projection", fontsize=8)
        if rows == 2:
            below = axes[block * rows + 1, column]
            _draw_slice(below, graph, frame, image, labels)
            below.set_title(f"frame {frame}, middle slice", fontsize=8)
        for axis in axes[block * rows : (block + 1) * rows, column]:
            axis.set_xlim(*limits[0])
            axis.set_ylim(*limits[1][::-1])
    figure.tight_layout(pad=0.4)
    return figure


def _view_limits(data: ReportData) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give the range of x and y in physical units: of the image, else of the spots."""
    source = data.image or data.labels
    calibration = data.graph.spots.calibration
    if source is not None:
        height, width = source.shape[-2:]
        return (
            (-0.5 * calibration.dx, (width - 0.5) * calibration.dx),
            (-0.5 * calibration.dy, (height - 0.5) * calibration.dy),
        )
    positions = data.graph.spots.positions
    if not len(positions):
        return (0.0, 1.0), (0.0, 1.0)
    low, high = positions.min(axis=0), positions.max(axis=0)
    margin = 0.05 * max(float((high - low)[:2].max()), 1e-9)
    return (low[0] - margin, high[0] + margin), (low[1] - margin, high[1] + margin)


def _draw_projection(
    axis: "Axes",
    graph: TrackGraph,
    frame: int,
    image: NDArray[Any] | None,
    labels: NDArray[Any] | None,
) -> None:
    flat = None if image is None else image if image.ndim == 2 else image.max(axis=0)
    seen = None if labels is None else labels if labels.ndim == 2 else _seen_from_above(labels)
    _show(axis, graph, frame, flat, seen)
    _draw_tails(axis, graph, frame)


def _draw_slice(
    axis: "Axes",
    graph: TrackGraph,
    frame: int,
    image: NDArray[Any] | None,
    labels: NDArray[Any] | None,
) -> None:
    middle = (image if image is not None else labels).shape[0] // 2  # type: ignore[union-attr]
    _show(
        axis,
        graph,
        frame,
        None if image is None else image[middle],
        None if labels is None else labels[middle],
    )


def _seen_from_above(labels: NDArray[Any]) -> NDArray[Any]:
    """Give the first label along z in every column, (Y, X)."""
    first = (labels > 0).argmax(axis=0)
    result: NDArray[Any] = np.take_along_axis(labels, first[None], axis=0)[0]
    return result


def _show(
    axis: "Axes",
    graph: TrackGraph,
    frame: int,
    image: NDArray[Any] | None,
    labels: NDArray[Any] | None,
) -> None:
    """Show a plane in grey with outlines in the colours of the tracks."""
    axis.set_facecolor("black")
    if image is None and labels is None:
        return
    shape = (image if image is not None else labels).shape  # type: ignore[union-attr]
    calibration = graph.spots.calibration
    extent = (
        -0.5 * calibration.dx,
        (shape[1] - 0.5) * calibration.dx,
        (shape[0] - 0.5) * calibration.dy,
        -0.5 * calibration.dy,
    )
    picture = np.zeros((*shape, 3))
    if image is not None:
        low, high = np.percentile(image, [1, 99.8])
        grey = np.clip((image - low) / max(high - low, 1e-9), 0, 1)
        picture += (0.85 * grey)[..., None]
    if labels is not None:
        edge = _outline(labels)
        colour = _colours_of_labels(graph, frame, labels[edge])
        picture[edge] = 0.35 * picture[edge] + 0.65 * colour
    axis.imshow(picture, extent=extent, interpolation="nearest")


def _outline(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the pixels of a cell that have another label to the right or below."""
    edge = np.zeros(labels.shape, bool)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return edge & (labels > 0)


def _colours_of_labels(graph: TrackGraph, frame: int, labels: NDArray[Any]) -> NDArray[np.float64]:
    table = graph.spots.table
    here = (table["frame"] == frame).to_numpy()
    grey = np.full((labels.size, 3), 0.6)
    if "label" not in table or not here.any() or not labels.size:
        return grey
    ids = table["label"].to_numpy()[here]
    order = np.argsort(ids)
    place = np.searchsorted(ids[order], labels).clip(max=order.size - 1)
    found = ids[order][place] == labels
    numbers = np.where(found, graph.track[here][order][place], -1)
    return track_colours(numbers)


def _draw_tails(axis: "Axes", graph: TrackGraph, frame: int) -> None:
    """Draw the links of the last `TAIL` frames in the colours of their tracks."""
    from matplotlib.collections import LineCollection

    frames, positions = graph.spots.frame, graph.spots.positions
    start, end = frames[graph.source], frames[graph.target]
    shown = (end <= frame) & (start >= frame - TAIL)
    lines = np.stack(
        [positions[graph.source[shown], :2], positions[graph.target[shown], :2]], axis=1
    )
    colours = track_colours(graph.track[graph.source[shown]])
    axis.add_collection(LineCollection(list(lines), colors=colours, linewidths=1.2))
    here = frames == frame
    axis.scatter(
        positions[here, 0], positions[here, 1], s=5, c=track_colours(graph.track[here]), zorder=3
    )
