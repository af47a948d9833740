"""The layer of tracks: drawn from a window of frames, coloured by any feature, quick to change.

napari's Tracks layer holds every vertex on the graphics card and checks all of them at each change
of its graph: seconds at a million spots. This one is a Tracks layer for napari (controls, tails,
fading), but what it draws is a window of frames cut out of the session's arrays.
"""

from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Tracks
from numpy.typing import NDArray

from btrackmate.napari_plugin.model.session import Session
from btrackmate.napari_plugin.model.windows import Window, cut_window

#: Two vertices for what napari checks when a layer is made.
_NOTHING = {2: np.zeros((2, 4)), 3: np.zeros((2, 5))}


class LinksLayer(Tracks):
    """Tracks of a session.

    Parameters
    ----------
    session : Session
    **options
        Of napari's Tracks.
    """

    def __init__(self, session: Session, **options: Any) -> None:
        self._session = session
        options["metadata"] = {"btrackmate": session}
        self._window_of: tuple[Any, ...] = ()
        super().__init__(_NOTHING[session.scene.ndim], **options)
        self._color_by = session.colouring.feature
        self._manager = _WindowManager(session)
        self._extent = _measure_extent(session)
        self.events.tail_length.connect(self._on_range)
        self.events.head_length.connect(self._on_range)
        self.events.set_data.connect(self._on_range)
        session.edited.connect(self._on_edited)
        session.shown.connect(self.rebuild)
        session.selected.connect(self.recolour)
        session.coloured.connect(self._on_coloured)
        self._on_range()

    @property
    def _type_string(self) -> str:
        return "tracks"

    @property
    def session(self) -> Session:
        """The session whose tracks are drawn."""
        return self._session

    def disconnect_session(self) -> None:
        """Follow the session no more."""
        for signal, listener in (
            (self._session.edited, self._on_edited),
            (self._session.shown, self.rebuild),
            (self._session.selected, self.recolour),
            (self._session.coloured, self._on_coloured),
        ):
            signal.disconnect(listener)

    def _on_edited(self, *_: Any) -> None:
        if isinstance(self._manager, _WindowManager):
            self._manager.forget_data()
        self.rebuild()

    def rebuild(self, *_: Any) -> None:
        """Draw the window anew, after an edit or where other tracks are shown."""
        self._window_of = ()
        self._on_range()

    def recolour(self, *_: Any) -> None:
        """Colour what is drawn anew."""
        self._manager.colour()
        self.events.color_by()

    def _on_coloured(self) -> None:
        self._color_by = self._session.colouring.feature
        self.recolour()

    def _on_range(self, *_: Any) -> None:
        """Cut the window that the current frame and the tails show."""
        manager = self._manager
        if not isinstance(manager, _WindowManager):
            return  # napari is still making the layer
        first, last = self._range()
        if (first, last) == self._window_of:
            return
        self._window_of = first, last
        manager.cut(first, last)
        self.events.rebuild_tracks()
        self.events.rebuild_graph()

    def _range(self) -> tuple[int, int]:
        """Give the first and the last frame of what is drawn."""
        last = self._session.scene.n_frames - 1
        if 0 in self._slice_input.displayed:
            return 0, last
        now = int(np.clip(round(float(self._data_slice.point[0])), 0, max(last, 0)))
        return max(now - int(self.tail_length), 0), min(now + int(self.head_length), last)

    def lines(self, displayed: Any) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Give what is drawn along some axes as lines, in world coordinates.

        Returns
        -------
        lines : (n, 2, len(displayed)) ndarray of float
            Ends.
        colours : (n, 4) ndarray of float
            RGBA; as in the window, they fade with the time from the frame that is shown.
        """
        manager, scale = self._manager, np.asarray(self.scale)
        axes = list(displayed)
        pairs = np.asarray(manager.track_connex, np.int64).reshape(-1, 2)
        ends = [manager.track_vertices[pairs]]
        colours = [manager.colours[pairs[:, 1]]]
        dashes = manager.graph_vertices
        if dashes is not None:
            ends.append(dashes.reshape(-1, 2, dashes.shape[1]))
            colours.append(np.ones((len(ends[1]), 4), np.float32))
        lines, colour = np.concatenate(ends), np.concatenate(colours).astype(np.float32)
        now = float(self._data_slice.point[0])
        away = (now - lines[:, 1, 0]) / max(int(self.tail_length), 1)
        seen = (away >= 0) & (away < 1) | (np.abs(now - lines[:, 1, 0]) <= int(self.head_length))
        colour[:, 3] *= np.clip(1 - np.abs(away), 0.05, 1)
        return (lines * scale)[seen][..., axes], colour[seen]

    # -- what napari asks for --------------------------------------------------------------------

    @property
    def _extent_data(self) -> NDArray[Any]:
        return self._extent if hasattr(self, "_extent") else super()._extent_data

    @property
    def track_colors(self) -> NDArray[Any] | None:
        """Colours of the vertices that are drawn."""
        manager = self._manager
        return manager.colours if isinstance(manager, _WindowManager) else super().track_colors

    @track_colors.setter
    def track_colors(self, colors: NDArray[Any]) -> None:
        self._manager.colours = colors
        self.events.color_by()

    @property
    def color_by(self) -> str:
        """Feature of the colours."""
        return self._color_by

    @color_by.setter
    def color_by(self, color_by: str) -> None:
        if not isinstance(self._manager, _WindowManager):
            self._color_by = color_by
        elif color_by != self._session.colouring.feature:
            self._session.colour_by(color_by, self._session.colouring.colour_map)

    @property
    def properties_to_color_by(self) -> list[str]:
        """Features that spots can be coloured by."""
        return self._session.features

    def _recolor_tracks(self) -> None:
        if isinstance(self._manager, _WindowManager):
            self.recolour()

    def _check_color_by_in_features(self) -> None:
        pass

    def _update_thumbnail(self) -> None:
        self.thumbnail = np.zeros(self._thumbnail_shape, np.uint8)

    def _get_value(self, position: Any) -> int | None:
        return None


class _WindowManager:
    """What napari's Tracks layer asks for its vertices."""

    hide_completed_tracks = False
    current_time: float | None = None

    def __init__(self, session: Session) -> None:
        self._session = session
        self._spacing = find_spacing(session)
        self.graph: dict[int, list[int]] = {}
        self.window: Window | None = None
        self._data: NDArray[Any] | None = None
        self.colours = np.ones((2, 4), np.float32)

    def cut(self, first: int, last: int) -> None:
        self.window = cut_window(self._session.scene, first, last, self._session.visible_rows())
        self.colour()

    def colour(self) -> None:
        if self.window is None or not len(self.window.rows):
            self.colours = np.ones((2, 4), np.float32)
        else:
            self.colours = self._session.colours(self.window.rows)

    @property
    def ndim(self) -> int:
        return 1 + self._session.scene.ndim

    @property
    def data(self) -> NDArray[Any]:
        """All spots as napari's Tracks hold them: track, frame, [z,] y, x."""
        if self._data is None:
            self._data = self._make_data()
        return self._data

    def forget_data(self) -> None:
        """Make `data` anew when it is asked for next, after an edit."""
        self._data = None

    def _make_data(self) -> NDArray[Any]:
        scene = self._session.scene
        rows = np.flatnonzero(scene.alive & (scene.track >= 0))
        rows = rows[np.lexsort((scene.frame[rows], scene.track[rows]))]
        points = scene.points[rows] / self._spacing[1:]
        return np.column_stack((scene.track[rows], scene.frame[rows], points))

    @property
    def features(self) -> pd.DataFrame:
        return pd.DataFrame()

    @features.setter
    def features(self, features: Any) -> None:
        pass

    @property
    def properties(self) -> dict[str, Any]:
        return {}

    @property
    def max_time(self) -> int:
        return self._session.scene.n_frames - 1

    @property
    def track_vertices(self) -> NDArray[Any]:
        if self.window is None or not len(self.window.vertices):
            return np.zeros((2, self.ndim))
        return self.window.vertices / self._spacing

    @property
    def track_connex(self) -> NDArray[Any]:
        """Vertices that lines join; never none, as drawing no line at all crashes OpenGL."""
        if self.window is None or not len(self.window.links):
            return np.array([[0, 0]], np.uint32)
        return self.window.links

    @property
    def track_times(self) -> NDArray[Any]:
        return self.track_vertices[:, 0]

    @property
    def graph_vertices(self) -> NDArray[Any] | None:
        if self.window is None or not len(self.window.dashes):
            return None
        return self.window.dashes / self._spacing

    @property
    def graph_connex(self) -> NDArray[Any] | None:
        dashes = self.graph_vertices
        return None if dashes is None else np.arange(len(dashes)) % 2 == 0

    @property
    def graph_times(self) -> NDArray[Any] | None:
        dashes = self.graph_vertices
        return None if dashes is None else dashes[:, 0]

    def track_labels(self, current_time: int) -> tuple[list[str], NDArray[Any]]:
        scene = self._session.scene
        rows = scene.rows_in(int(current_time), int(current_time))
        rows = rows[scene.track[rows] >= 0]
        points = np.column_stack((scene.frame[rows], scene.points[rows] / self._spacing[1:]))
        return [str(one) for one in scene.track[rows].tolist()], points


def _measure_extent(session: Session) -> NDArray[Any]:
    """Give the corners of all spots: frame, [z,] y, x; (2, D)."""
    scene = session.scene
    if not scene.id.size:
        return np.full((2, 1 + scene.ndim), np.nan)
    low = [0, *scene.points.min(axis=0)]
    high = [max(scene.n_frames - 1, 0), *scene.points.max(axis=0)]
    return np.array([low, high]) / find_spacing(session)


def find_spacing(session: Session) -> NDArray[np.float64]:
    """Give what positions t, [z,] y, x are divided by to be frames and voxels."""
    spots = session.opened.graph.spots
    return np.array([1.0, *spots.calibration.spacing(spots.ndim)])
