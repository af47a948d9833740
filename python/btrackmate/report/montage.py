"""Pictures of the movie with outlines and track tails."""

import colorsys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph
from btrackmate.report.canvas import Canvas, find_outlines
from btrackmate.report.data import ReportData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_FRAMES = 6
TAIL = 8
#: Tracks whose tails can be told apart in one picture.
MAX_TAILS = 40
_COLUMNS = 3
_DPI = 130
#: Display pixels between pictures, and above them for the title.
_GAP, _TITLE = 6, 26
_GOLDEN = 0.6180339887
_MASK_COLOUR = (1.0, 1.0, 1.0)


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


def rank_tracks(graph: TrackGraph) -> NDArray[np.int64]:
    """Give all tracks, those worth looking at first: most divisions, then most spots."""
    linked = graph.track >= 0
    spots = np.bincount(graph.track[linked], minlength=graph.n_tracks)
    divisions = np.bincount(graph.track[graph.divisions], minlength=graph.n_tracks)
    order: NDArray[np.int64] = np.lexsort((np.arange(graph.n_tracks), -spots, -divisions))
    return order


def draw_montage(data: ReportData) -> "Figure | None":
    """Draw a few frames; of volumes the maximum projection, and the middle slice below it.

    Outlines are drawn at the pictures' own resolution, whatever that of the images is.

    Parameters
    ----------
    data : ReportData

    Returns
    -------
    Figure or None
        None for a movie without frames.
    """
    frames = choose_frames(data.graph.spots.n_frames)
    if not frames:
        return None
    has_slices = data.graph.spots.ndim == 3 and data.has_pixels
    kinds = ["projection", "slice"] if has_slices else ["projection"]
    canvas = Canvas.over(*_view_limits(data))
    grid = _Grid(canvas, min(len(frames), _COLUMNS), len(kinds) * -(-len(frames) // _COLUMNS))
    tails = rank_tracks(data.graph)[:MAX_TAILS]
    for number, frame in enumerate(frames):
        block, column = divmod(number, _COLUMNS)
        planes = _Planes.read(data, frame)
        for row, kind in enumerate(kinds):
            axis = grid.add(block * len(kinds) + row, column)
            shown = planes.project() if kind == "projection" else planes.cut()
            _show(axis, canvas, data, frame, shown)
            if kind == "projection":
                _draw_contours(axis, data.graph, frame, hidden=planes.labels is not None)
                _draw_tails(axis, data.graph, frame, tails, dots=planes.labels is None)
            axis.set_title(_title(data, frame, kind), fontsize=8, pad=4)
            axis.set_xlim(*canvas.x)
            axis.set_ylim(*canvas.y[::-1])
            _draw_scale_bar(axis, canvas, data.graph.spots.calibration.space_unit)
    return grid.figure


class _Grid:
    """A figure of pictures whose pixels are those of the canvas."""

    def __init__(self, canvas: Canvas, columns: int, rows: int) -> None:
        from matplotlib.figure import Figure

        self._step = canvas.width + _GAP, canvas.height + _TITLE
        self._size = columns * self._step[0], rows * self._step[1]
        self._canvas = canvas
        self.figure = Figure(figsize=(self._size[0] / _DPI, self._size[1] / _DPI), dpi=_DPI)

    def add(self, row: int, column: int) -> "Axes":
        """Add the axes of one picture."""
        left = column * self._step[0] + _GAP // 2
        bottom = self._size[1] - (row + 1) * self._step[1]
        place = (
            left / self._size[0],
            bottom / self._size[1],
            self._canvas.width / self._size[0],
            self._canvas.height / self._size[1],
        )
        axis = self.figure.add_axes(place)
        axis.set(xticks=[], yticks=[], facecolor="black")
        axis.spines[:].set_visible(False)
        return axis


@dataclass(frozen=True)
class _Planes:
    """Pixels of one frame, each ([Z,] Y, X) or None."""

    image: NDArray[Any] | None
    labels: NDArray[Any] | None
    mask: NDArray[Any] | None

    @classmethod
    def read(cls, data: ReportData, frame: int) -> "_Planes":
        """Read a frame."""
        return cls(data.image_plane(frame), data.label_plane(frame), data.mask_plane(frame))

    def project(self) -> "_Planes":
        """Give what is seen from above: the brightest voxels, the uppermost cells."""
        return _Planes(
            self.image if self.image is None or self.image.ndim == 2 else self.image.max(axis=0),
            self.labels
            if self.labels is None or self.labels.ndim == 2
            else _seen_from_above(self.labels),
            self.mask if self.mask is None or self.mask.ndim == 2 else self.mask.max(axis=0),
        )

    def cut(self) -> "_Planes":
        """Give the middle slice."""
        return _Planes(*(_cut(part) for part in (self.image, self.labels, self.mask)))


def _cut(volume: NDArray[Any] | None) -> NDArray[Any] | None:
    return volume if volume is None or volume.ndim == 2 else volume[volume.shape[0] // 2]


def _seen_from_above(labels: NDArray[Any]) -> NDArray[Any]:
    """Give the first label along z in every column, (Y, X)."""
    first = (labels > 0).argmax(axis=0)
    result: NDArray[Any] = np.take_along_axis(labels, first[None], axis=0)[0]
    return result


def _title(data: ReportData, frame: int, kind: str) -> str:
    if data.graph.spots.ndim == 2:
        return f"frame {frame}"
    if kind == "slice":
        return f"frame {frame}, middle slice"
    if data.image is not None:
        return f"frame {frame}, maximum projection"
    return f"frame {frame}, seen along z"


def _view_limits(data: ReportData) -> tuple[tuple[float, float], tuple[float, float]]:
    """Give the range of x and y in physical units: of the image, else of the spots."""
    source, calibration = data.image or data.labels, data.voxel_size
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
    margin = 0.05 * float((high - low)[:2].max()) or 1.0
    return (low[0] - margin, high[0] + margin), (low[1] - margin, high[1] + margin)


def _show(axis: "Axes", canvas: Canvas, data: ReportData, frame: int, planes: _Planes) -> None:
    """Show a plane in grey with outlines in the colours of the tracks, and the mask's in white."""
    graph, calibration = data.graph, data.voxel_size
    picture = np.zeros((canvas.height, canvas.width, 3))
    if planes.image is not None:
        low, high = np.percentile(planes.image, [1, 99.8])
        grey = (canvas.average(planes.image, calibration) - low) / max(high - low, 1e-9)
        picture += (0.85 * grey.clip(0, 1))[..., None]
    if planes.mask is not None:
        inside = canvas.sample((planes.mask > 0).astype(np.uint8), calibration)
        picture[find_outlines(inside)] = _MASK_COLOUR
    if planes.labels is not None:
        labels = canvas.sample(planes.labels, calibration)
        if planes.image is None:
            cells = labels > 0
            picture[cells] = 0.3 * _colours_of_labels(graph, frame, labels[cells])
        edge = find_outlines(labels)
        colour = _colours_of_labels(graph, frame, labels[edge])
        picture[edge] = 0.3 * picture[edge] + 0.7 * colour
    axis.imshow(picture, extent=canvas.extent, interpolation="nearest", aspect="auto")


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


def _draw_contours(axis: "Axes", graph: TrackGraph, frame: int, *, hidden: bool) -> None:
    """Draw the outlines that the spots have themselves (in 2D), where no label image shows them."""
    from matplotlib.collections import LineCollection

    if hidden or not graph.spots.contours:
        return
    rows = np.flatnonzero(graph.spots.frame == frame)
    rows = np.array([row for row in rows if int(graph.spots.id[row]) in graph.spots.contours], int)
    lines = []
    for row in rows.tolist():
        points = graph.spots.contours[int(graph.spots.id[row])] + graph.spots.positions[row, :2]
        lines.append(np.vstack((points, points[:1])))
    colours = track_colours(graph.track[rows])
    axis.add_collection(LineCollection(lines, colors=colours, linewidths=0.8))


def _draw_tails(
    axis: "Axes", graph: TrackGraph, frame: int, tracks: NDArray[np.int64], *, dots: bool
) -> None:
    """Draw the links of the last `TAIL` frames of some tracks, and, with `dots`, all spots."""
    from matplotlib.collections import LineCollection

    frames, positions = graph.spots.frame, graph.spots.positions
    chosen = np.isin(graph.track, tracks)
    start, end = frames[graph.source], frames[graph.target]
    shown = (end <= frame) & (start >= frame - TAIL) & chosen[graph.source]
    lines = np.stack(
        [positions[graph.source[shown], :2], positions[graph.target[shown], :2]], axis=1
    )
    colours = track_colours(graph.track[graph.source[shown]])
    axis.add_collection(LineCollection(list(lines), colors=colours, linewidths=1.2))
    here = (frames == frame) & (chosen | dots)
    axis.scatter(
        positions[here, 0],
        positions[here, 1],
        s=np.where(chosen[here], 7, 3),
        c=track_colours(graph.track[here]),
        linewidths=0,
        zorder=3,
    )


def _draw_scale_bar(axis: "Axes", canvas: Canvas, unit: str) -> None:
    """Draw a bar of a round length in the lower right corner."""
    from matplotlib.patheffects import withStroke

    length, text = canvas.scale_bar(unit)
    wide, high = canvas.x[1] - canvas.x[0], canvas.y[1] - canvas.y[0]
    right, below = canvas.x[1] - 0.04 * wide, canvas.y[1] - 0.04 * high
    outline = [withStroke(linewidth=3, foreground="black")]
    axis.plot(
        [right - length, right], [below, below], color="white", lw=2.5, solid_capstyle="butt",
        path_effects=outline, zorder=5,
    )  # fmt: skip
    axis.text(
        right - length / 2, below - 0.02 * high, text, color="white", fontsize=7, ha="center",
        va="bottom", path_effects=outline, zorder=5,
    )  # fmt: skip
