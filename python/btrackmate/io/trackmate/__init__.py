"""TrackMate XML: read without loss, write what TrackMate 8 opens."""

from btrackmate.io.trackmate.document import TrackMateDocument
from btrackmate.io.trackmate.reader import read_trackmate
from btrackmate.io.trackmate.session import Filter, Session
from btrackmate.io.trackmate.simple import is_simple_xml, read_simple_tracks
from btrackmate.io.trackmate.writer import write_trackmate

__all__ = [
    "Filter",
    "Session",
    "TrackMateDocument",
    "is_simple_xml",
    "read_simple_tracks",
    "read_trackmate",
    "write_trackmate",
]
