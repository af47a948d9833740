"""The layer of tracks: drawn from a window of frames, coloured by any feature, quick to change.

napari's Tracks layer holds every vertex on the graphics card and checks all of them at each change
of its graph: seconds at a million spots. This one is a Tracks layer for napari (controls, tails,
colours, fading), but what it draws is a window of frames of arrays that belong to the tracks.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Tracks
from numpy.typing import NDArray

from btrackmate.napari_plugin.windows import LinkedSpots, Window, cut_window

if TYPE_CHECKING:
    import pandas as pd

    from btrackmate.napari_plugin.colours import Colouring

#: Two vertices for what napari checks when a layer is made.
_NOTHING = np.zeros((2, 4))


class _WindowManager:
    """What napari's Tracks layer asks for its vertices."""

    hide_completed_tracks = False
    current_time: float | None = None

    def __init__(self, spots: LinkedSpots) -> None:
        self.spots = spots
        self.graph: dict[int, list[int]] = {}
        self.window: Window | None = None

    @property
    def ndim(self) -> int:
        return 1 + self.spots.points.shape[1]

    @property
    def data(self) -> NDArray[Any]:
        """All spots as napari's Tracks hold them: track, frame, [z,] y, x; made when asked for."""
        return self.spots.napari_data()

    @property
    def track_vertices(self) -> NDArray[Any]:
        window = self.window
        if window is None or not len(window.vertices):
            return np.zeros((1, self.ndim))
        return window.vertices

    @property
    def track_connex(self) -> NDArray[Any]:
        window = self.window
        return np.zeros((0, 2), np.uint32) if window is None else window.links

    @property
    def track_times(self) -> NDArray[Any]:
        return self.track_vertices[:, 0]

    @property
    def graph_vertices(self) -> NDArray[Any] | None:
        window = self.window
        return None if window is None or not len(window.dashes) else window.dashes

    @property
    def graph_connex(self) -> NDArray[Any] | None:
        dashes = self.graph_vertices
        return None if dashes is None else np.arange(len(dashes)) % 2 == 0

    @property
    def graph_times(self) -> NDArray[Any] | None:
        dashes = self.graph_vertices
        return None if dashes is None else dashes[:, 0]
