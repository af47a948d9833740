"""Streaming parser of TrackMate files: spots and links as columns, the rest as a small tree."""

import gzip
import logging
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Comment, Element, ProcessingInstruction
from xml.parsers import expat

import numpy as np

from btrackmate.core.decimals import read_decimal
from btrackmate.core.errors import UserError
from btrackmate.core.paths import explain_missing
from btrackmate.io.numbers import find_text, parse_numbers
from btrackmate.io.trackmate.declarations import (
    EDGE_DECLARATIONS,
    SPOT_DECLARATIONS,
    TRACK_DECLARATIONS,
    Declaration,
)
from btrackmate.io.trackmate.feature_table import FeatureCollector
from btrackmate.io.trackmate.read_blocks import (
    match_frame,
    match_tracks,
    split_frames,
    split_tracks,
)
from btrackmate.io.trackmate.read_encoding import decodes, find_encoding, read_pieces
from btrackmate.io.trackmate.read_stream import Section, Split, Window, feed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

_ROOTS = {
    "Tracks": "this is TrackMate's export of tracks: save the session (button Save) instead",
    "root": "if this is an export for the ISBI challenge, save the session (button Save) instead",
    "SpimData": "this is a BigDataViewer dataset, which holds images, no tracks",
    "OME": "this is OME metadata, which holds no tracks",
}
#: Element that holds a tree which is built beside the main one.
_HOLDER = "holder"
#: Attributes that are numbers and no features.
_IDS = frozenset(("ID", "ROI_N_POINTS"))


class TrackMateParser:
    """One pass over a TrackMate file.

    Attributes
    ----------
    root : Element
        Everything but Spot, Track, Edge and TrackID elements.
    prolog, epilog : list of Element
        Comments and processing instructions before and after the root.
    spots, edges, tracks : FeatureCollector
        Attributes of the Spot, Edge and Track elements, in the file's order.
    spot_frames : list of (int, int)
        For each SpotsInFrame element its frame and number of spots.
    track_sizes : list of int
        Number of edges of each Track element.
    rois : dict from row of `spots` to (n, 2) ndarray
        Outlines.
    filtered : list of dict
        Attributes of the TrackID elements.
    extras : dict from (kind, row) to list of Element
        Children that TrackMate does not write, of kind "spot", "edge", "track" (with its row),
        "frame" (with its number), "spots", "tracks", "filtered" (with 0).
    """

    def __init__(self, path: Path, *, fast: bool = True) -> None:
        self.path = path
        self._fast = fast
        self._skipped = False
        self.root = Element("")
        self.prolog: list[Element] = []
        self.epilog: list[Element] = []
        self.spots = FeatureCollector(default_names=True)
        self.edges = FeatureCollector()
        self.tracks = FeatureCollector()
        self.spot_frames: list[tuple[int, int]] = []
        self.track_sizes: list[int] = []
        self.rois: dict[int, NDArray[np.float64]] = {}
        self.filtered: list[dict[str, str]] = []
        self.extras: dict[tuple[str, int], list[Element]] = {}
        self._stack: list[Element] = []
        self._text: list[str] = []
        self._frame = self._first_spot = 0
        self._in_spot = self._in_edge = self._in_track = False
        self._seen_root = False
        self._parser = expat.ParserCreate()
        self._parser.ordered_attributes = True
        self._parser.buffer_text = True
        self._parser.CommentHandler = self._on_comment
        self._parser.ProcessingInstructionHandler = self._on_instruction
        self._enter_tree()

    def parse(self) -> None:
        """Read the file.

        Raises
        ------
        UserError
            If it is missing, no XML, or no TrackMate file.
        """
        try:
            says_utf8, latin = find_encoding(self.path)
            if latin:
                _log.warning("%s: is not UTF-8, as it says; read as Windows-1252", self.path)
            window = Window(read_pieces(self.path, latin=latin))
            feed(window, self._parser.Parse, *(self._sections if self._fast and says_utf8 else ()))
        except FileNotFoundError:
            fault = explain_missing(self.path)
            msg = f"{self.path}: {fault}; give the path of a TrackMate XML file"
            raise UserError(msg) from None
        except expat.ExpatError as error:
            if self._skipped:
                # The line number is wrong after a skipped block: say it again, counting all lines.
                TrackMateParser(self.path, fast=False).parse()
            msg = f"{self.path}: not readable as XML ({error}); give a whole TrackMate XML file"
            raise UserError(msg) from None
        except (gzip.BadGzipFile, EOFError, OSError, zlib.error, LookupError) as error:
            msg = f"{self.path}: not readable ({error}); give a whole TrackMate XML file"
            raise UserError(msg) from None

    @property
    def _sections(self) -> tuple[Section, Section]:
        """What is cut out where the blocks are of equal elements."""

        def make(tag: str, split: Split, take: Callable[[bytes], bool]) -> Section:
            return Section(tag, split, take, partial(self._is_open, tag))

        return (
            make("AllSpots", split_frames, self._take_frame),
            make("AllTracks", split_tracks, self._take_tracks),
        )

    def _is_open(self, tag: str) -> bool:
        return len(self._stack) == 3 and self._stack[-1].tag == tag

    def _take_frame(self, block: bytes) -> bool:
        found = match_frame(block) if decodes(block) else None
        if found is None:
            return False
        first = self.spots.n
        if found.spots:
            self.spots.add_block(found.layout, found.spots)
            for row in np.flatnonzero(np.fromiter(map(len, found.outlines), np.int64)).tolist():
                self._read_roi(found.outlines[row].split(), first + row)
        self.spot_frames.append((found.frame, self.spots.n - first))
        self._skipped = True
        return True

    def _take_tracks(self, block: bytes) -> bool:
        found = match_tracks(block) if decodes(block) else None
        if found is None:
            return False
        self.tracks.add_block(found.track_layout, found.tracks)
        if found.edges:
            self.edges.add_block(found.edge_layout, found.edges)
        self.track_sizes += found.sizes
        self._skipped = True
        return True

    # The skeleton: every element becomes an Element.

    def _enter_tree(self) -> None:
        self._parser.StartElementHandler = self._start_tree
        self._parser.EndElementHandler = self._end_tree
        self._parser.CharacterDataHandler = self._text.append

    def _start_tree(self, tag: str, attributes: list[str]) -> None:
        element = Element(tag, dict(zip(attributes[::2], attributes[1::2], strict=True)))
        self._take_text()
        if self._stack:
            self._stack[-1].append(element)
        else:
            self._check_root(tag)
            self.root = element
            self._seen_root = True
        self._stack.append(element)
        if len(self._stack) == 3 and self._stack[1].tag == "Model":
            self._declare(tag)
            if tag == "AllSpots":
                self._enter_spots()
            elif tag == "AllTracks":
                self._enter_tracks()
            elif tag == "FilteredTracks":
                self._enter_filtered()

    def _declare(self, tag: str) -> None:
        """Tell the collectors, before they get values, which attributes are numbers."""
        if tag not in ("AllSpots", "AllTracks"):
            return
        for collector, section, standard in (
            (self.spots, "SpotFeatures", SPOT_DECLARATIONS),
            (self.edges, "EdgeFeatures", EDGE_DECLARATIONS),
            (self.tracks, "TrackFeatures", TRACK_DECLARATIONS),
        ):
            elements = self.root.iterfind(f"Model/FeatureDeclarations/{section}/Feature")
            declared = [*map(Declaration.from_element, elements), *standard]
            collector.numeric |= {d.key for d in declared if d.dimension != "STRING"} | _IDS

    def _end_tree(self, _: str) -> None:
        self._take_text()
        self._stack.pop()

    def _check_root(self, tag: str) -> None:
        if tag != "TrackMate":
            msg = f"{self.path}: an XML file with root <{tag}>, expected <TrackMate>; "
            msg += _ROOTS.get(tag, "give a session that TrackMate saved (button Save)")
            raise UserError(msg)

    def _take_text(self) -> None:
        """Put the text since the last tag where it belongs; indentation is dropped."""
        text = "".join(self._text)
        self._text.clear()
        if not self._stack or not text:
            return
        owner = self._stack[-1]
        if len(owner):
            if text.strip():
                owner[-1].tail = (owner[-1].tail or "") + text
        else:
            owner.text = (owner.text or "") + text

    # Elements of a kind that we do not know, inside the fast parts.

    def _capture(
        self, owner: tuple[str, int], tag: str, attributes: list[str], back: Callable[[], None]
    ) -> None:
        """Build a tree from this element on, then go back to the fast part."""
        sink = self.extras.setdefault(owner, [])
        self._parser.CharacterDataHandler = self._text.append
        kept_text, kept_stack = self._text.copy(), self._stack.copy()
        self._text.clear()
        holder = Element(_HOLDER)
        self._stack[:] = [holder]

        def start(inner: str, attrs: list[str]) -> None:
            element = Element(inner, dict(zip(attrs[::2], attrs[1::2], strict=True)))
            self._take_text()
            self._stack[-1].append(element)
            self._stack.append(element)

        def end(_: str) -> None:
            self._take_text()
            self._stack.pop()
            if len(self._stack) == 1:
                sink.extend(holder)
                self._stack[:] = kept_stack
                self._text[:] = kept_text
                back()

        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end
        start(tag, attributes)

    # AllSpots and SpotsInFrame.

    def _enter_spots(self) -> None:
        self._parser.StartElementHandler = self._start_in_spots
        self._parser.EndElementHandler = self._leave_to_tree
        self._parser.CharacterDataHandler = None

    def _leave_to_tree(self, tag: str) -> None:
        self._end_tree(tag)
        self._enter_tree()

    def _start_in_spots(self, tag: str, attributes: list[str]) -> None:
        if tag != "SpotsInFrame":
            self._capture(("spots", 0), tag, attributes, self._enter_spots)
            return
        values = dict(zip(attributes[::2], attributes[1::2], strict=True))
        try:
            read_decimal(values["frame"])
            self._frame = int(values["frame"])
        except (KeyError, ValueError):
            msg = f"{self.path}: line {self._parser.CurrentLineNumber}: SpotsInFrame without a "
            msg += "whole frame number"
            raise UserError(msg) from None
        self._first_spot = self.spots.n
        self._enter_frame()

    def _enter_frame(self) -> None:
        self._parser.StartElementHandler = self._start_in_frame
        self._parser.EndElementHandler = self._end_in_frame
        self._parser.CharacterDataHandler = self._text.append if self._in_spot else None

    def _start_in_frame(self, tag: str, attributes: list[str]) -> None:
        if tag == "Spot" and not self._in_spot:
            self._in_spot = True
            self.spots.add(attributes)
            if "ROI_N_POINTS" in attributes:
                self._text.clear()
                self._parser.CharacterDataHandler = self._text.append
            return
        owner = ("spot", self.spots.n - 1) if self._in_spot else ("frame", self._frame)
        self._capture(owner, tag, attributes, self._enter_frame)

    def _end_in_frame(self, tag: str) -> None:
        if not self._in_spot:
            self.spot_frames.append((self._frame, self.spots.n - self._first_spot))
            self._enter_spots()
            return
        self._in_spot = False
        if self._text:
            self._parser.CharacterDataHandler = None
            numbers = [text.encode() for text in "".join(self._text).split()]
            self._read_roi(numbers, self.spots.n - 1)
            self._text.clear()

    def _read_roi(self, numbers: list[bytes], row: int) -> None:
        if not numbers:
            return
        values = parse_numbers(numbers)
        if values.dtype == object or values.size % 2:
            texts = [text.decode() for text in numbers]
            bad = find_text(texts)
            got = repr(texts[bad]) if bad >= 0 else f"{len(texts)} numbers"
            msg = f"{self.path}: spot number {row} of the file has an outline (ROI) with {got}, "
            msg += "expected x y pairs of numbers with decimal points; correct or remove it"
            raise UserError(msg)
        self.rois[row] = values.reshape(-1, 2)

    # AllTracks, Track and Edge.

    def _enter_tracks(self) -> None:
        self._parser.StartElementHandler = self._start_in_tracks
        self._parser.EndElementHandler = self._end_in_tracks
        self._parser.CharacterDataHandler = None

    def _start_in_tracks(self, tag: str, attributes: list[str]) -> None:
        if tag == "Edge" and self._in_track and not self._in_edge:
            self._in_edge = True
            self.edges.add(attributes)
            self.track_sizes[-1] += 1
        elif tag == "Track" and not self._in_track:
            self._in_track = True
            self.tracks.add(attributes)
            self.track_sizes.append(0)
        elif self._in_edge:
            self._capture(("edge", self.edges.n - 1), tag, attributes, self._enter_tracks)
        elif self._in_track:
            self._capture(("track", self.tracks.n - 1), tag, attributes, self._enter_tracks)
        else:
            self._capture(("tracks", 0), tag, attributes, self._enter_tracks)

    def _end_in_tracks(self, tag: str) -> None:
        if self._in_edge:
            self._in_edge = False
        elif self._in_track:
            self._in_track = False
        else:
            self._leave_to_tree(tag)

    # FilteredTracks.

    def _enter_filtered(self) -> None:
        self._parser.StartElementHandler = self._start_in_filtered
        self._parser.EndElementHandler = self._end_in_filtered
        self._parser.CharacterDataHandler = None

    def _start_in_filtered(self, tag: str, attributes: list[str]) -> None:
        if tag == "TrackID":
            self._in_track = True
            self.filtered.append(dict(zip(attributes[::2], attributes[1::2], strict=True)))
            return
        self._capture(("filtered", 0), tag, attributes, self._enter_filtered)

    def _end_in_filtered(self, tag: str) -> None:
        if self._in_track:
            self._in_track = False
        else:
            self._leave_to_tree(tag)

    def _on_comment(self, text: str) -> None:
        self._add_misc(Comment(text))  # type: ignore[arg-type]

    def _on_instruction(self, target: str, text: str) -> None:
        self._add_misc(ProcessingInstruction(target, text))  # type: ignore[arg-type]

    def _add_misc(self, node: Element) -> None:
        if self._stack:
            # Text of a spot is its outline, whatever stands between the numbers.
            if not self._in_spot or self._stack[0].tag == _HOLDER:
                self._take_text()
            self._stack[-1].append(node)
        else:
            (self.epilog if self._seen_root else self.prolog).append(node)
