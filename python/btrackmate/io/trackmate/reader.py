"""Reader of TrackMate files."""

import logging
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError, escape_controls
from btrackmate.core.graph import TrackGraph
from btrackmate.core.schema import find_key
from btrackmate.core.spots import Spots
from btrackmate.io.numbers import as_whole, find_text
from btrackmate.io.time_steps import settle_interval
from btrackmate.io.trackmate.declarations import (
    EDGE_DECLARATIONS,
    SPOT_DECLARATIONS,
    TRACK_DECLARATIONS,
    Declaration,
    name_column,
)
from btrackmate.io.trackmate.document import TrackMateDocument, link_keys
from btrackmate.io.trackmate.feature_table import FeatureTable
from btrackmate.io.trackmate.read_parser import TrackMateParser
from btrackmate.io.units import normalise_space_unit, normalise_time_unit

_log = logging.getLogger(__name__)

_NOT_FEATURES = ("ID", "name", "FRAME", "ROI_N_POINTS")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


class _Kind(NamedTuple):
    """A kind of elements: where its features are declared, which are ours, and what names one."""

    section: str
    standard: tuple[Declaration, ...]
    ids: tuple[str, ...]


_KINDS = {
    "spot": _Kind("SpotFeatures", SPOT_DECLARATIONS, ("ID",)),
    "edge": _Kind("EdgeFeatures", EDGE_DECLARATIONS, ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")),
    "track": _Kind("TrackFeatures", TRACK_DECLARATIONS, ("TRACK_ID",)),
}


def read_trackmate(path: Path | str) -> TrackMateDocument:
    """Read a TrackMate file (``.xml``, also gzipped), of any version since 2.1.

    Parameters
    ----------
    path : Path or str
        File that TrackMate, or :func:`write_trackmate`, wrote.

    Returns
    -------
    TrackMateDocument
        Its `graph` has all spots and links; features that our schema knows stand in its columns,
        others under their own key.

    Raises
    ------
    UserError
        If the file is missing, no TrackMate file, or its spots or links contradict each other.
    """
    path = Path(path)
    parser = TrackMateParser(path)
    parser.parse()
    if parser.root.find("Model") is None:
        msg = f"{path}: a TrackMate file without Model section, so without spots; "
        msg += "save it in TrackMate after detection"
        raise UserError(msg)
    _warn_of_strange(parser, path)
    table = parser.spots.finish()
    _check_numbers(table, "spot", parser)
    ids = _whole(table, "ID", path, "Spot")
    frame = np.repeat(
        np.array([f for f, _ in parser.spot_frames], np.int64),
        np.array([n for _, n in parser.spot_frames], np.int64),
    )
    _warn_of_frames(table, ids, frame, path)
    columns, column_keys, explicit_nan = _spot_columns(table, ids, parser.root)
    spots = _make_spots(parser, ids, frame, columns)
    edges, tracks = parser.edges.finish(), parser.tracks.finish()
    _check_numbers(edges, "edge", parser)
    _check_numbers(tracks, "track", parser)
    for key in _KINDS["edge"].ids:
        _whole(edges, key, path, "Edge")
    track_ids = _whole(tracks, "TRACK_ID", path, "Track")
    empty = int(np.count_nonzero(np.array(parser.track_sizes, np.int64) == 0))
    if empty:
        _log.warning("%s: %d of its tracks have no links, and are left out", path, empty)
    if doubled := track_ids.size - np.unique(track_ids).size:
        _log.warning(
            "%s: %d of its tracks have the id of another, so that names and features of these may "
            "be taken for each other's", path, doubled,
        )  # fmt: skip
    edge_track = np.repeat(track_ids, np.array(parser.track_sizes, np.int64))
    edges, edge_track = _drop_unknown(edges, edge_track, ids, path)
    return TrackMateDocument(
        path=path,
        graph=_make_graph(spots, edges, path),
        root=parser.root,
        prolog=parser.prolog,
        epilog=parser.epilog,
        column_keys=column_keys,
        explicit_nan=explicit_nan,
        spot_names=_spot_names(table, ids),
        frames=frozenset(f for f, _ in parser.spot_frames),
        edges=edges,
        edge_track=edge_track,
        tracks=tracks,
        filtered_tracks=tuple(_filtered_id(entry, path) for entry in parser.filtered),
        extras={
            (kind, int(ids[number]) if kind == "spot" else number): elements
            for (kind, number), elements in parser.extras.items()
        },
    )


def _warn_of_frames(
    table: FeatureTable, ids: NDArray[np.int64], frame: NDArray[np.int64], path: Path
) -> None:
    """Say where spots name another frame than the SpotsInFrame that they stand in.

    The latter counts, as in TrackMate, which keeps spots by it (TmXmlReader, SpotCollection).
    """
    named = table.columns.get("FRAME")
    if named is None or not ids.size:
        return
    other = (named != frame) & ~np.isnan(named)
    if other.any():
        first = int(other.argmax())
        _log.warning(
            "%s: %d of its %d spots name another frame than the SpotsInFrame element that they "
            "stand in, the first is spot %d: FRAME %g in frame %d; the element's frame is taken, "
            "as TrackMate does", path, int(other.sum()), ids.size, ids[first], named[first],
            frame[first],
        )  # fmt: skip


def _check_numbers(table: FeatureTable, kind: str, parser: TrackMateParser) -> None:
    """Refuse a text where a number is needed; a text in a feature of others is only told.

    A decimal comma is refused in every feature: half the programs that read it would be wrong.
    """
    section, standard, names = _KINDS[kind]
    elements = parser.root.iterfind(f"Model/FeatureDeclarations/{section}/Feature")
    declared = {
        element.get("feature") for element in elements if element.get("dimension") != "STRING"
    }
    needed = {d.key for d in standard} | set(names)
    for key, values in table.columns.items():
        ours = key in needed or (kind == "spot" and find_key(key) is not None)
        if values.dtype != object or key == "name" or not (ours or key in declared):
            continue
        place = find_text(values.tolist())
        text = values[place]
        which = ", ".join(
            f"{name} {_shorten(table.columns[name][place])}"
            for name in names
            if name in table.columns
        )
        what = f"{parser.path}: {kind} {which}: {key} is {text!r}, expected a number"
        if ours or _DECIMAL_COMMA.fullmatch(text):
            msg = f"{what} with a decimal point; correct the file, or save it again in TrackMate"
            raise UserError(msg)
        _log.warning("%s; the feature is kept as text", what)


def _shorten(number: Any) -> str:
    return escape_controls(number) if isinstance(number, str) else f"{number:.15g}"


def _whole(table: FeatureTable, key: str, path: Path, what: str) -> NDArray[np.int64]:
    if table.n == 0:
        return np.empty(0, np.int64)
    values = table.columns.get(key)
    if values is None or values.dtype == object or not np.all(values % 1 == 0):
        msg = f"{path}: a {what} element without a whole number {key}; correct the file"
        raise UserError(msg)
    return values.astype(np.int64)


def _spot_columns(
    table: FeatureTable, ids: NDArray[np.int64], root: Element
) -> tuple[dict[str, NDArray[Any]], dict[str, str], dict[str, NDArray[np.int64]]]:
    """Give the features as columns, the key of each column, and where the file says "NaN"."""
    elements = root.iterfind("Model/FeatureDeclarations/SpotFeatures/Feature")
    declared = {d.key: d for d in map(Declaration.from_element, elements)}
    columns: dict[str, NDArray[Any]] = {}
    keys: dict[str, str] = {}
    explicit_nan: dict[str, NDArray[np.int64]] = {}
    for key, values in table.columns.items():
        if key in _NOT_FEATURES:
            continue
        name = name_column(key, declared.get(key))
        if name in keys:
            name = key  # two features of one name
        keys[name] = key
        named = table.explicit_nan(key)
        if named is not None:
            explicit_nan[name] = np.sort(ids[named])
            if named.all():
                continue  # a feature without any value is no column
        is_int = key in declared and declared[key].is_int
        columns[name] = _as_int(values) if is_int else values
    return columns, keys, explicit_nan


def _as_int(values: NDArray[Any]) -> NDArray[Any]:
    """Make whole numbers int64; one with missing or inexact values stays floating point."""
    whole = None if values.dtype == object else as_whole(values)
    return values if whole is None else whole


def _make_spots(
    parser: TrackMateParser,
    ids: NDArray[np.int64],
    frame: NDArray[np.int64],
    columns: dict[str, NDArray[Any]],
) -> Spots:
    source = str(parser.path)
    if len(ids) == 0:
        columns = dict.fromkeys(("x", "y", "z"), np.empty(0))
    table = pd.DataFrame({"id": ids, "frame": frame, **columns}, copy=False)
    data = parser.root.find("Settings/ImageData")
    attributes = dict(data.attrib) if data is not None else {}
    calibration = _read_calibration(parser.root, attributes, table, source)
    # A file of points alone may say one slice, and spots of one slice may all lie at z = 3.5.
    deep = "z" in table and bool((table["z"] != 0).any())
    ndim = 3 if deep or _number(attributes.get("nslices"), 0, source, "nslices") > 1 else 2
    last = int(frame.max()) + 1 if frame.size else 0
    n_frames = max(last, int(_number(attributes.get("nframes"), 0, source, "nframes")))
    contours = {int(ids[row]): outline for row, outline in parser.rois.items()}
    spots = Spots.from_table(
        table, calibration, ndim=ndim, n_frames=n_frames, contours=contours, source=source
    )
    return replace(spots, searched=_read_crop(parser.root, spots, attributes, source))


def _read_crop(
    root: Element, spots: Spots, data: dict[str, str], source: str
) -> tuple[int, int] | None:
    """Read in which frames cells were looked for, None for all; tell of parts of the image.

    A part that does not hold all spots is that of another image, or says nothing.
    """
    crop = root.find("Settings/BasicSettings")
    if crop is None:
        return None
    begin = {}
    sizes = (*spots.calibration.spacing(3)[::-1], 1.0)
    lengths = ("width", "height", "nslices", "nframes")
    for letter, length, size in zip("xyzt", lengths, sizes, strict=True):
        low, high = (_read_whole(crop.get(f"{letter}{end}")) for end in ("start", "end"))
        whole = spots.n_frames if letter == "t" else _read_whole(data.get(length))
        if not 0 <= low <= high < whole or (low, high) == (0, whole - 1):
            continue
        places = (spots.frame if letter == "t" else spots.table[letter].to_numpy()) / size
        if not places.size or (places.min() >= low - 0.5 and places.max() <= high + 0.5):
            begin[letter] = low, high
    searched = begin.pop("t", None)
    if searched is not None:
        _log.info("%s: cells were looked for in frames %d to %d of %d, which count as the movie's "
                  "ends", source, *searched, spots.n_frames)  # fmt: skip
    if begin:
        listed = ", ".join(f"{letter} {low} to {high}" for letter, (low, high) in begin.items())
        _log.warning(
            "%s: cells were looked for in a part of the image alone (pixels %s), beyond which "
            "tracks end without leaving the image", source, listed,
        )  # fmt: skip
    return searched


def _read_whole(text: str | None) -> int:
    """Read a whole number of pixels or frames; what is none is −1."""
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else -1


def _number(text: str | None, default: float, source: str, name: str) -> float:
    """Read a number of ImageData; one that is not there, or not finite, is `default`."""
    if text is None or not text.strip():
        return default
    if find_text([text]) >= 0:
        msg = f"{source}: ImageData {name} is {text!r}, expected a number with a decimal point; "
        msg += "correct the file, or save it again in TrackMate"
        raise UserError(msg)
    value = float(text)
    return value if math.isfinite(value) else default


def _read_calibration(
    root: Element, data: dict[str, str], table: pd.DataFrame, source: str
) -> Calibration:
    """Read voxel size, time step and units; a size that is not stated is 1, and the log says so."""
    model = root.find("Model")
    units = dict(model.attrib) if model is not None else {}
    sizes = {}
    for name in ("pixelwidth", "pixelheight", "voxeldepth"):
        sizes[name] = _number(data.get(name), 0, source, name)
        if sizes[name] <= 0:
            if data:
                _log.warning("%s: ImageData %s is %s, taken as 1", source, name, data.get(name))
            sizes[name] = 1.0
    dt = _number(data.get("timeinterval"), 0, source, "timeinterval")
    time = table["time"] if "time" in table else np.full(len(table), np.nan)
    names = "POSITION_T", "timeinterval of ImageData"
    dt = settle_interval(table["frame"].to_numpy(), np.asarray(time), dt, source, names)
    return Calibration(
        sizes["pixelwidth"],
        sizes["pixelheight"],
        sizes["voxeldepth"],
        dt,
        normalise_space_unit(units.get("spatialunits", "")),
        normalise_time_unit(units.get("timeunits", units.get("temporalunits", ""))),  # pycellin's
    )


def _spot_names(table: FeatureTable, ids: NDArray[np.int64]) -> dict[int, str]:
    names = table.columns.get("name")
    if names is None:
        return {}
    pairs = zip(ids.tolist(), names.tolist(), strict=True)
    return {i: name for i, name in pairs if name is not None and name != f"ID{i}"}


def _drop_unknown(
    edges: FeatureTable, edge_track: NDArray[np.int64], ids: NDArray[np.int64], path: Path
) -> tuple[FeatureTable, NDArray[np.int64]]:
    """Leave out edges whose spots are not there, and doubled ones, as TrackMate does."""
    if edges.n == 0:
        return edges, edge_track
    source, target = (
        edges.columns[k].astype(np.int64) for k in ("SPOT_SOURCE_ID", "SPOT_TARGET_ID")
    )
    good = np.isin(source, ids) & np.isin(target, ids)
    doubled = link_keys(source, target).duplicated()
    for bad, why in ((~good, "name a spot that is not there"), (good & doubled, "stand twice")):
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            _log.warning(
                "%s: %d edges %s (the first: %d → %d); they are left out",
                path, int(bad.sum()), why, source[first], target[first],
            )  # fmt: skip
    keep = good & ~doubled
    return (edges, edge_track) if keep.all() else (edges.take(keep), edge_track[keep])


def _make_graph(spots: Spots, edges: FeatureTable, path: Path) -> TrackGraph:
    none = np.empty(0, np.int64)
    cost = edges.columns.get("LINK_COST")
    confidence = edges.columns.get("LINK_CONFIDENCE")
    try:
        return TrackGraph.from_ids(
            spots,
            edges.columns.get("SPOT_SOURCE_ID", none).astype(np.int64),
            edges.columns.get("SPOT_TARGET_ID", none).astype(np.int64),
            cost,
            confidence,
        )
    except UserError as error:
        msg = f"{path}: {error}; correct the links in TrackMate"
        raise UserError(msg) from None


def _warn_of_strange(parser: TrackMateParser, path: Path) -> None:
    """Say in the log that spots or links stand where TrackMate does not look for them."""
    trees = [parser.root, *(one for kept in parser.extras.values() for one in kept)]
    for tag, what in (("Spot", "spots"), ("Edge", "links")):
        found = sum(1 for tree in trees for _ in tree.iter(tag))
        if found:
            _log.warning(
                "%s: %d elements %s stand elsewhere than TrackMate's %s: as in TrackMate, they are "
                "not read as such", path, found, tag, what,
            )  # fmt: skip


def _filtered_id(entry: dict[str, str], path: Path) -> int:
    try:
        return int(entry["TRACK_ID"])
    except (KeyError, ValueError):
        msg = f"{path}: a TrackID element in FilteredTracks without a whole number TRACK_ID"
        raise UserError(msg) from None
