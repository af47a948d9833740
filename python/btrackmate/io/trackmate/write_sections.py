"""The sections of a TrackMate file around spots and tracks."""

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.numbers import format_number
from btrackmate.io.trackmate.declarations import (
    EDGE_DECLARATIONS,
    SPOT_DECLARATIONS,
    TRACK_DECLARATIONS,
    Declaration,
)
from btrackmate.io.trackmate.document import TrackMateDocument
from btrackmate.io.trackmate.plugin import PLUGIN_TAG, marshal_plugin
from btrackmate.io.trackmate.session import (
    OWN_SETTINGS,
    OWN_TRACKER_TAG,
    OWN_TRACKERS,
    Filter,
    Session,
    SettingsValues,
    marshal_detector,
    marshal_own_tracker,
    marshal_tracker,
)
from btrackmate.io.units import normalise_space_unit, normalise_time_unit

#: The version whose files we write where no document serves as template.
VERSION = "8.1.6"
_MAX_LENGTH = 2**31 - 2

_ANALYZERS = {
    "SpotAnalyzers": ("Manual spot color", "Spot intensity", "Spot contrast and SNR"),
    "EdgeAnalyzers": (
        "Directional change",
        "Edge speed",
        "Edge target",
        "Edge location",
        "Manual edge color",
    ),
    "TrackAnalyzers": (
        "Branching analyzer",
        "Track duration",
        "Track index",
        "Track location",
        "Track speed",
        "Track quality",
        "Track motility analysis",
    ),
}

# TrackMate 8's own defaults; the tracks are coloured one by one.
_DISPLAY_SETTINGS = """{
  "name": "BTrackMate",
  "spotUniformColor": "204, 51, 204, 255",
  "spotColorByType": "DEFAULT",
  "spotColorByFeature": "UNIFORM_COLOR",
  "spotDisplayRadius": 1.0,
  "spotDisplayedAsRoi": true,
  "spotMin": 0.0,
  "spotMax": 10.0,
  "spotShowName": false,
  "trackMin": 0.0,
  "trackMax": 10.0,
  "trackColorByType": "TRACKS",
  "trackColorByFeature": "TRACK_INDEX",
  "trackUniformColor": "204, 204, 51, 255",
  "undefinedValueColor": "0, 0, 0, 255",
  "missingValueColor": "89, 89, 89, 255",
  "highlightColor": "51, 230, 51, 255",
  "trackDisplayMode": "FULL",
  "colormap": "Jet",
  "limitZDrawingDepth": false,
  "drawingZDepth": 10.0,
  "fadeTracks": true,
  "fadeTrackRange": 30,
  "useAntialiasing": true,
  "spotVisible": true,
  "trackVisible": true,
  "font": {
    "name": "Arial",
    "style": 1,
    "size": 12
  },
  "lineThickness": 1.0,
  "selectionLineThickness": 4.0,
  "trackschemeBackgroundColor1": "128, 128, 128, 255",
  "trackschemeBackgroundColor2": "192, 192, 192, 255",
  "trackschemeForegroundColor": "0, 0, 0, 255",
  "trackschemeDecorationColor": "0, 0, 0, 255",
  "trackschemeFillBox": false,
  "spotFilled": false,
  "spotTransparencyAlpha": 1.0
}"""


def build_skeleton(
    path: Path,
    graph: TrackGraph,
    document: TrackMateDocument | None,
    session: Session,
    declared: Sequence[tuple[str, Declaration]],
) -> Element:
    """Make the tree of a file: the document's with what the session says, or a new one.

    Parameters
    ----------
    path : Path
        Where the file will stand; an image beside it is named without its folder.
    graph : TrackGraph
        Gives units, calibration and, where no image shape is known, the extents.
    document : TrackMateDocument, optional
        Template; not changed.
    session : Session
        What replaces the template's sections.
    declared : sequence of ("SpotFeatures" | "EdgeFeatures", Declaration)
        Features to declare in addition to the standard or the template's ones.
    """
    if document is not None:
        root = copy.deepcopy(document.root)
    else:
        root = _new_root(path, graph, session)
    _set_units(_child(root, "Model"), graph.spots.calibration)
    features = _child(_child(root, "Model"), "FeatureDeclarations")
    for section, declaration in declared:
        _child(features, section).append(declaration.to_element())
    for tag in ("AllSpots", "AllTracks", "FilteredTracks"):
        _child(_child(root, "Model"), tag)
    root.find("Model/AllSpots").set("nspots", str(len(graph.spots)))  # type: ignore[union-attr]
    _apply_session(root, path, session, document, graph.spots)
    return root


def _child(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    return SubElement(parent, tag) if found is None else found


def _set_units(model: Element, calibration: Calibration) -> None:
    """Name the units; another spelling of the same unit in the template is kept."""
    for attribute, unit, normalise in (
        ("spatialunits", calibration.space_unit, normalise_space_unit),
        ("timeunits", calibration.time_unit, normalise_time_unit),
    ):
        if attribute not in model.attrib or normalise(model.attrib[attribute]) != unit:
            model.set(attribute, unit)


def _apply_session(
    root: Element,
    path: Path,
    session: Session,
    document: TrackMateDocument | None,
    spots: Spots,
) -> None:
    if session.log is not None and document is not None:
        log = _child(root, "Log")
        log.text = f"{log.text or ''}\n{session.log}"
    if session.image_path is not None and document is not None:
        name, folder = _image_place(path, session.image_path)
        settings = _child(root, "Settings")
        _child(settings, "ImageData").attrib.update(filename=name, folder=folder)
        if session.image_shape is not None:
            _set_lengths(settings, session.image_shape, spots)
    replaced = []
    if session.detector is not None:
        replaced.append(marshal_detector(*session.detector))
    if session.tracker is not None:
        replaced += _tracker_elements(_child(root, "Settings"), *session.tracker)
        replaced += _plugin_elements(_child(root, "Settings"), session.tracker, session)
    for tag, filters in (
        ("SpotFilterCollection", session.spot_filters),
        ("TrackFilterCollection", session.track_filters),
    ):
        if filters is not None:
            replaced.append(Element(tag))
            replaced[-1].extend([f.to_element() for f in filters])
    for element in replaced:
        _replace(_child(root, "Settings"), element)


def _set_lengths(settings: Element, shape: tuple[int, int, int, int, int], spots: Spots) -> None:
    """Give a document the size of an image, and no crop but the frames that were searched."""
    frames, _, slices, height, width = shape
    lengths = {"width": width, "height": height, "nslices": slices, "nframes": frames}
    data, crop = _child(settings, "ImageData"), _child(settings, "BasicSettings")
    data.attrib.update({key: str(value) for key, value in lengths.items()})
    for letter, length in zip("xyzt", (width, height, slices, frames), strict=True):
        crop.set(f"{letter}start", "0")
        crop.set(f"{letter}end", str(length - 1))
    if spots.searched:
        for name, frame in zip(("tstart", "tend"), spots.ends, strict=True):
            crop.set(name, str(frame))


def _tracker_elements(settings: Element, key: str, values: SettingsValues) -> list[Element]:
    """Give the elements that name a tracker; take an own one of before away."""
    before = settings.find(OWN_TRACKER_TAG)
    if before is not None:
        settings.remove(before)
    if key in OWN_TRACKERS:
        return [marshal_tracker("MANUAL_TRACKER", {}), marshal_own_tracker(key, values)]
    own = {name: value for name, value in values.items() if name in OWN_SETTINGS}
    theirs = {name: value for name, value in values.items() if name not in own}
    return [marshal_tracker(key, theirs), *([marshal_own_tracker(key, own)] if own else [])]


def _plugin_elements(
    settings: Element, tracker: tuple[str, SettingsValues], session: Session
) -> list[Element]:
    """Give the element for the plugin; take that of before, which belongs to another tracker."""
    before = settings.find(PLUGIN_TAG)
    if before is not None:
        settings.remove(before)
    if session.pruning is None:
        return []
    element = marshal_plugin(session.plugin_detector, tracker, session.pruning)
    return [element] if element is not None else []


def _replace(parent: Element, element: Element) -> None:
    for index, child in enumerate(parent):
        if child.tag == element.tag:
            parent[index] = element
            return
    parent.append(element)


def _new_root(path: Path, graph: TrackGraph, session: Session) -> Element:
    root = Element("TrackMate", {"version": VERSION})
    SubElement(root, "Log").text = session.log or "Written by BTrackMate."
    model = SubElement(root, "Model")
    features = SubElement(model, "FeatureDeclarations")
    for tag, declarations in (
        ("SpotFeatures", SPOT_DECLARATIONS),
        ("EdgeFeatures", EDGE_DECLARATIONS),
        ("TrackFeatures", TRACK_DECLARATIONS),
    ):
        SubElement(features, tag).extend([d.to_element() for d in declarations])
    for tag in ("AllSpots", "AllTracks", "FilteredTracks"):
        SubElement(model, tag)
    settings = SubElement(root, "Settings")
    settings.extend(_image_elements(path, graph.spots, session))
    settings.append(marshal_detector(*_default_detector(graph.spots)))
    initial = Filter("QUALITY", 0.0).to_element()
    initial.tag = "InitialSpotFilter"
    settings.append(initial)
    SubElement(settings, "SpotFilterCollection")
    settings.append(marshal_tracker("MANUAL_TRACKER", {}))
    SubElement(settings, "TrackFilterCollection")
    analyzers = SubElement(settings, "AnalyzerCollection")
    for tag, keys in _ANALYZERS.items():
        SubElement(analyzers, tag).extend([Element("Analyzer", {"key": key}) for key in keys])
    SubElement(root, "GUIState", {"state": "ConfigureViews"})
    SubElement(root, "DisplaySettings").text = _DISPLAY_SETTINGS
    return root


def _default_detector(spots: Spots) -> tuple[str, dict[str, float]]:
    """Give TrackMate's manual detector, with the median radius of the spots that have one."""
    radius = spots.feature("radius") if "radius" in spots.table else np.empty(0)
    known = radius[np.isfinite(radius)]
    return "MANUAL_DETECTOR", {"RADIUS": float(np.median(known)) if known.size else 5.0}


def _image_elements(path: Path, spots: Spots, session: Session) -> list[Element]:
    name, folder = _image_place(path, session.image_path) if session.image_path else ("", "")
    calibration = spots.calibration
    if session.image_shape is not None:
        frames, _, slices, height, width = session.image_shape
    else:
        frames = max(spots.n_frames, 1)
        extents = spots.positions.max(axis=0) if len(spots) else np.zeros(3)
        sizes = calibration.spacing(3)[::-1]
        width, height, slices = (
            math.floor(min(max(float(e), 0.0) / s, _MAX_LENGTH)) + 1
            for e, s in zip(extents, sizes, strict=True)
        )
    sizes_text = {
        "pixelwidth": calibration.dx,
        "pixelheight": calibration.dy,
        "voxeldepth": calibration.dz,
        "timeinterval": calibration.dt,
    }
    both = Element("Settings")
    data = SubElement(both, "ImageData", {"filename": name, "folder": folder})
    _set_lengths(both, (frames, 1, slices, height, width), spots)
    data.attrib.update({key: format_number(float(v)) for key, v in sizes_text.items()})
    return list(both)


def _image_place(path: Path, image: Path) -> tuple[str, str]:
    """Give name and folder of the image; TrackMate looks beside the file if there is no folder."""
    image = image.absolute()
    folder = "" if image.parent == path.absolute().parent else f"{image.parent.as_posix()}/"
    return image.name, folder
