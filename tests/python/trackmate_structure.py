"""What every TrackMate file must hold, read with an XML parser that refuses doubled attributes."""

import gzip
import re
import xml.etree.ElementTree as ET
from pathlib import Path

# Java's Double.parseDouble takes these; Python's float() also takes others, as 1_000.
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|NaN|[+-]?Infinity")
WHOLE = re.compile(r"-?\d+")
DIMENSIONS = set(
    "NONE QUALITY COST INTENSITY INTENSITY_SQUARED POSITION VELOCITY LENGTH AREA TIME ANGLE RATE "
    "ANGLE_RATE STRING".split()
)
NO_FEATURES = {"Spot": {"ID", "name", "ROI_N_POINTS"}, "Edge": set(), "Track": {"name"}}
SECTIONS = {"Spot": "SpotFeatures", "Edge": "EdgeFeatures", "Track": "TrackFeatures"}
NEEDED = ("POSITION_X", "POSITION_Y", "POSITION_Z", "POSITION_T", "FRAME", "RADIUS", "QUALITY")


def check_structure(path: Path, *, sections: bool = True) -> ET.Element:
    """Assert TrackMate's structure; give the root.

    `sections` is false where a file that lacks sections was only rewritten.
    """
    data = path.read_bytes()
    root = ET.fromstring(gzip.decompress(data) if path.suffix == ".gz" else data)
    assert root.tag == "TrackMate"
    assert root.get("version")
    model = root.find("Model")
    assert model is not None
    assert model.get("spatialunits")
    assert model.get("timeunits")
    declared = {tag: read_declarations(model, section) for tag, section in SECTIONS.items()}
    spots = check_spots(model, declared["Spot"])
    tracks = check_tracks(model, spots, declared)
    shown = [track.get("TRACK_ID") for track in model.iterfind("FilteredTracks/TrackID")]
    assert set(shown) <= tracks
    assert len(set(shown)) == len(shown)
    if sections:
        check_settings(root)
    return root


def read_declarations(model: ET.Element, section: str) -> dict[str, bool]:
    """Give the declared keys, and whether they are whole numbers."""
    features = model.findall(f"FeatureDeclarations/{section}/Feature")
    keys = [feature.get("feature") for feature in features]
    assert len(set(keys)) == len(keys), section
    for feature in features:
        assert feature.get("dimension") in DIMENSIONS, ET.tostring(feature)
        assert feature.get("name"), ET.tostring(feature)
        assert feature.get("shortname"), ET.tostring(feature)
        assert feature.get("isint") in ("true", "false"), ET.tostring(feature)
    return {str(feature.get("feature")): feature.get("isint") == "true" for feature in features}


def check_features(element: ET.Element, declared: dict[str, bool]) -> None:
    for key, text in element.attrib.items():
        if key in NO_FEATURES[element.tag]:
            continue
        assert key in declared, f"{key} is not declared"
        assert (WHOLE if declared[key] else NUMBER).fullmatch(text) or NUMBER.fullmatch(text), text


def check_spots(model: ET.Element, declared: dict[str, bool]) -> dict[str, int]:
    """Check the spots; give the frame of each id."""
    frames: dict[str, int] = {}
    section = model.find("AllSpots")
    assert section is not None
    numbers = [int(str(frame.get("frame"))) for frame in section.iterfind("SpotsInFrame")]
    assert numbers == sorted(set(numbers))
    for frame in section.iterfind("SpotsInFrame"):
        for spot in frame.iterfind("Spot"):
            check_features(spot, declared)
            identity = str(spot.get("ID"))
            assert WHOLE.fullmatch(identity)
            assert 0 <= int(identity) < 2**31
            assert identity not in frames
            assert spot.get("name") is not None
            assert spot.get("FRAME") == frame.get("frame")
            for key in NEEDED:
                assert NUMBER.fullmatch(spot.get(key, "")), key
            assert float(spot.get("RADIUS", "nan")) > 0
            corners = (spot.text or "").split()
            assert len(corners) == 2 * int(spot.get("ROI_N_POINTS", "0"))
            assert all(NUMBER.fullmatch(corner) for corner in corners)
            frames[identity] = int(str(frame.get("frame")))
    assert section.get("nspots") == str(len(frames))
    return frames


def check_tracks(
    model: ET.Element, spots: dict[str, int], declared: dict[str, dict[str, bool]]
) -> set[str | None]:
    """Check tracks and links; give the ids of the tracks."""
    ids: set[str | None] = set()
    links: set[frozenset[str | None]] = set()
    assert model.find("AllTracks") is not None
    assert model.find("FilteredTracks") is not None
    for track in model.iterfind("AllTracks/Track"):
        check_features(track, declared["Track"])
        assert track.get("name") is not None
        assert WHOLE.fullmatch(track.get("TRACK_ID", ""))
        assert track.get("TRACK_ID") not in ids
        ids.add(track.get("TRACK_ID"))
        edges = track.findall("Edge")
        assert edges
        for edge in edges:
            check_features(edge, declared["Edge"])
            ends = edge.get("SPOT_SOURCE_ID"), edge.get("SPOT_TARGET_ID")
            assert spots[str(ends[0])] != spots[str(ends[1])]
            assert frozenset(ends) not in links
            links.add(frozenset(ends))
    return ids


def check_settings(root: ET.Element) -> None:
    data = root.find("Settings/ImageData")
    assert data is not None
    for key in ("width", "height", "nslices", "nframes"):
        assert int(data.get(key, "")) >= 1, key
    for key in ("pixelwidth", "pixelheight", "voxeldepth", "timeinterval"):
        assert float(data.get(key, "nan")) > 0, key
    for tag in ("DetectorSettings", "TrackerSettings", "SpotFilterCollection"):
        assert root.find(f"Settings/{tag}") is not None, tag
