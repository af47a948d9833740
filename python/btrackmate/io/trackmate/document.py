"""A TrackMate file as read: the graph, and everything else that it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.graph import TrackGraph, part_ids
from btrackmate.io.trackmate.declarations import Declaration
from btrackmate.io.trackmate.feature_table import FeatureTable
from btrackmate.io.trackmate.plugin import read_plugin, split_pruning
from btrackmate.io.trackmate.session import OWN_TRACKER_TAG, Filter, unmarshal

_SECTIONS = {"spot": "SpotFeatures", "edge": "EdgeFeatures", "track": "TrackFeatures"}


@dataclass(frozen=True, eq=False)
class TrackMateDocument:
    """A TrackMate file: spots and links as a graph, and what passes through when it is rewritten.

    Parameters
    ----------
    path : Path
        File that was read.
    graph : TrackGraph
        All spots, hidden ones included, with their features as columns; all links.
    root : Element
        Everything but the spots, tracks, links and the list of visible tracks.
    prolog, epilog : sequence of Element
        Comments before and after the root.
    column_keys : mapping
        From column of the spots table to the key that it has in the file.
    explicit_nan : mapping
        From column to the sorted ids of the spots for which the file says "NaN".
    spot_names : mapping from spot id to str
        Names; spots that are named "ID" + id are left out.
    frames : frozenset of int
        Frames that have a SpotsInFrame element.
    edges : FeatureTable
        Attributes of the Edge elements, in the file's order.
    edge_track : (m,) ndarray of int
        TRACK_ID of each Edge element.
    tracks : FeatureTable
        Attributes of the Track elements, in the file's order, name included.
    filtered_tracks : tuple of int
        TRACK_ID of the visible tracks, in the file's order.
    extras : mapping from (kind, number) to sequence of Element
        Children that TrackMate does not write; the number is the spot id, the row of `edges` or
        `tracks`, or the frame.
    """

    path: Path
    graph: TrackGraph
    root: Element
    prolog: Sequence[Element]
    epilog: Sequence[Element]
    column_keys: Mapping[str, str]
    explicit_nan: Mapping[str, NDArray[np.int64]]
    spot_names: Mapping[int, str]
    frames: frozenset[int]
    edges: FeatureTable
    edge_track: NDArray[np.int64]
    tracks: FeatureTable
    filtered_tracks: tuple[int, ...]
    extras: Mapping[tuple[str, int], Sequence[Element]] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Version of TrackMate that wrote the file."""
        return self.root.get("version", "")

    @property
    def log(self) -> str:
        """Text of the log, empty where there is none."""
        return self.root.findtext("Log", "")

    @property
    def gui_state(self) -> str:
        """Name of the panel on which TrackMate opens."""
        element = self.root.find("GUIState")
        return element.get("state", "") if element is not None else ""

    @property
    def display_settings(self) -> str:
        """JSON text of the display settings, empty in files before TrackMate 7."""
        return self.root.findtext("DisplaySettings", "")

    @property
    def image_data(self) -> dict[str, str]:
        """Attributes of the ImageData element."""
        element = self.root.find("Settings/ImageData")
        return dict(element.attrib) if element is not None else {}

    @property
    def image_path(self) -> Path | None:
        """Path of the image as the file names it, or beside the file; None where not named."""
        data = self.image_data
        name, folder = data.get("filename", ""), data.get("folder", "")
        if not name:
            return None
        named = Path(folder) / name
        beside = self.path.parent / name
        return beside if not folder or (not named.exists() and beside.exists()) else named

    @property
    def detector(self) -> tuple[str, dict[str, Any]]:
        """Key and settings of the detector."""
        return unmarshal(self.root.find("Settings/DetectorSettings"), "DETECTOR_NAME")

    @property
    def tracker(self) -> tuple[str, dict[str, Any]]:
        """Key and settings of the tracker, with TrackMate's names and nesting removed."""
        element = self.root.find("Settings/TrackerSettings")
        key, settings, _ = split_pruning(*unmarshal(element, "TRACKER_NAME"))
        own = self.root.find(f"Settings/{OWN_TRACKER_TAG}")
        if own is None:
            return key, settings
        own_key, own_settings = unmarshal(own, "TRACKER_NAME")
        if key == "MANUAL_TRACKER":
            return own_key, own_settings
        return key, settings | (own_settings if own_key == key else {})

    @property
    def plugin_detector(self) -> tuple[str, dict[str, Any]]:
        """Key and settings of the detector of BTrackMate's Fiji plugin; empty without one."""
        return read_plugin(self.root.find("Settings"))[0]

    @property
    def pruning(self) -> dict[str, Any]:
        """Settings of pruning, under our names; empty where the file has none."""
        return read_plugin(self.root.find("Settings"))[1]

    @property
    def spot_filters(self) -> list[Filter]:
        """Filters on spots."""
        elements = self.root.iterfind("Settings/SpotFilterCollection/Filter")
        return [Filter.from_element(element) for element in elements]

    @property
    def track_filters(self) -> list[Filter]:
        """Filters on tracks."""
        elements = self.root.iterfind("Settings/TrackFilterCollection/Filter")
        return [Filter.from_element(element) for element in elements]

    def declarations(self, kind: str) -> list[Declaration]:
        """Give the feature declarations of a kind: "spot", "edge" or "track"."""
        elements = self.root.iterfind(f"Model/FeatureDeclarations/{_SECTIONS[kind]}/Feature")
        return [Declaration.from_element(element) for element in elements]

    @property
    def track_ids(self) -> NDArray[np.int64]:
        """TRACK_ID of each track of the graph, (n_tracks,)."""
        ids = np.full(self.graph.n_tracks, -1, np.int64)
        source = self.graph.spots.id[self.graph.source]
        target = self.graph.spots.id[self.graph.target]
        row = match_links(self.edges, source, target)
        ids[self.graph.track[self.graph.source]] = self.edge_track[row]
        return ids

    @property
    def single_track_ids(self) -> NDArray[np.int64]:
        """Ids of the graph's tracks, no two the same: (n_tracks,).

        A Track element may hold pieces that no link joins, as where another program removed a spot;
        the first piece has its id, others have new ones.
        """
        ids = self.track_ids
        free = int(max(ids.max(initial=-1), self.edge_track.max(initial=-1))) + 1
        return part_ids(ids, free)

    @property
    def track_names(self) -> dict[int, str]:
        """Names of the tracks by TRACK_ID."""
        ids = self.tracks.columns.get("TRACK_ID", np.empty(0)).astype(np.int64).tolist()
        names = self.tracks.columns.get("name")
        return {i: str(names[row]) for row, i in enumerate(ids)} if names is not None else {}

    @property
    def visible_spots(self) -> NDArray[np.bool_]:
        """Which spots TrackMate shows: VISIBILITY is not 0 and the track, if any, is visible."""
        table, track = self.graph.spots.table, self.graph.track
        shown = np.ones(len(table), np.bool_)
        if "VISIBILITY" in table:
            shown &= self.graph.spots.feature("VISIBILITY") != 0
        visible = np.isin(self.track_ids, np.array(self.filtered_tracks, np.int64))
        linked = track >= 0
        shown[linked] &= visible[track[linked]]
        return shown


def link_keys(source: NDArray[Any], target: NDArray[Any]) -> pd.MultiIndex:
    """Give a key for each pair of spot ids, the same in both directions."""
    a, b = source.astype(np.int64), target.astype(np.int64)
    return pd.MultiIndex.from_arrays([np.minimum(a, b), np.maximum(a, b)])


def match_links(
    edges: FeatureTable, source: NDArray[Any], target: NDArray[Any]
) -> NDArray[np.int64]:
    """Find the row of `edges` for each pair of spot ids, −1 where there is none."""
    if edges.n == 0:
        return np.full(source.size, -1, np.int64)
    known = link_keys(edges.columns["SPOT_SOURCE_ID"], edges.columns["SPOT_TARGET_ID"])
    first = np.flatnonzero(~known.duplicated())
    place = known[first].get_indexer(link_keys(source, target))
    return np.where(place >= 0, first[place], -1)
