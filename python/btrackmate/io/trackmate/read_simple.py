"""The plain lists of tracks that TrackMate exports: its simple XML, and the ISBI challenge's."""

import logging
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, iterparse

import numpy as np
import pandas as pd

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.reading import check_plain
from btrackmate.core.spots import Spots
from btrackmate.io.numbers import find_text
from btrackmate.io.units import normalise_space_unit, normalise_time_unit

_log = logging.getLogger(__name__)

_ISBI = "TrackContestISBI2012"


def is_simple_xml(path: Path) -> bool:
    """Tell whether a file is such a list, by its first elements; a damaged file is none."""
    check_plain(path)
    try:
        with path.open("rb") as stream:
            tags = (element.tag for _, element in iterparse(stream, events=("start",)))
            first = next(tags, "")
            return first == "Tracks" or (first == "root" and next(tags, "") == _ISBI)
    except (ParseError, OSError, LookupError, ValueError):  # An encoding that nobody knows, too.
        return False


def read_simple_tracks(path: Path) -> TrackGraph:
    """Read what TrackMate's "Export tracks to XML file" or its ISBI challenge exporter wrote.

    Parameters
    ----------
    path : Path
        Root ``Tracks`` or ``root/TrackContestISBI2012`` with ``particle`` and ``detection``
        elements.

    Returns
    -------
    TrackGraph
        Spots are numbered from 0. Each detection is linked to the next one of its particle.

    Raises
    ------
    UserError
        If a detection lacks a whole t ≥ 0 or a number x, y.

    Notes
    -----
    These files hold no links. Where a particle has several detections in a frame, as after a
    division, what is linked to what is not known: no link is made there, and the log says so.
    """
    rows: list[tuple[int, int, float, float, float]] = []
    header: dict[str, str] = {}
    for number, particle in enumerate(_read_particles(path, header)):
        for detection in particle.iter("detection"):
            rows.append((number, *_read_detection(detection, path, number)))
    table = pd.DataFrame(rows, columns=["particle", "frame", "x", "y", "z"])
    table = table.sort_values(["particle", "frame"], kind="stable", ignore_index=True)
    interval = _number(header.get("frameInterval", "1"), "frameInterval", str(path))
    calibration = Calibration(
        dt=interval if interval > 0 else 1.0,
        space_unit=normalise_space_unit(header.get("spaceUnits", "")),
        time_unit=normalise_time_unit(header.get("timeUnits", "")),
    )
    links = _link(table, path)
    spots = Spots.from_table(
        table.drop(columns="particle"),
        calibration,
        ndim=3 if (table["z"] != 0).any() else 2,
        source=str(path),
    )
    _log.info("%s: an export of tracks without links; detections are linked in order", path)
    return TrackGraph.from_ids(spots, links[:, 0], links[:, 1])


def _read_particles(path: Path, header: dict[str, str]) -> Iterator[Element]:
    """Yield the particles one by one; attributes of the elements around them go to `header`."""
    try:
        with path.open("rb") as stream:
            for event, element in iterparse(stream, events=("start", "end")):
                if event == "start" and element.tag in ("Tracks", _ISBI):
                    header.update(element.attrib)
                elif event == "end" and element.tag == "particle":
                    yield element
                    element.clear()
    except ParseError as error:
        msg = f"{path}: not readable as XML ({error}); give a whole file"
        raise UserError(msg) from None


def _read_detection(detection: Element, path: Path, number: int) -> tuple[int, float, float, float]:
    where = f"{path}: particle {number}"
    frame = _number(detection.get("t", ""), "t", where)
    if frame % 1 or frame < 0:
        msg = f"{where}: t is {frame:g}, expected a whole number ≥ 0; correct the file"
        raise UserError(msg)
    x, y = (_number(detection.get(name, ""), name, where) for name in "xy")
    return int(frame), x, y, _number(detection.get("z", "0"), "z", where)


def _number(text: str, name: str, where: str) -> float:
    if find_text([text]) >= 0:
        msg = f"{where}: {name} is {text!r}, expected a number with a decimal point; "
        msg += "correct the file"
        raise UserError(msg)
    return float(text)


def _link(table: pd.DataFrame, path: Path) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """Link each detection to the next of its particle, where each of the two is alone."""
    particle, frame = table["particle"].to_numpy(), table["frame"].to_numpy()
    alone = ~table.duplicated(["particle", "frame"], keep=False).to_numpy()
    next_is = np.flatnonzero((particle[1:] == particle[:-1]) & (frame[1:] > frame[:-1]))
    clear = next_is[alone[next_is] & alone[next_is + 1]]
    if not alone.all():
        branched = np.unique(particle[~alone])
        _log.warning(
            "%s: %d particles have several detections in a frame, the first is particle %d; such "
            "files hold no links, so none is made there: save the session in TrackMate instead",
            path, branched.size, branched[0],
        )  # fmt: skip
    return np.stack([clear, clear + 1], axis=1)
