from .document import TrackMateDocument as TrackMateDocument
from .reader import read_trackmate as read_trackmate
from .session import Filter as Filter
from .session import Session as Session
from .simple import is_simple_xml as is_simple_xml
from .simple import read_simple_tracks as read_simple_tracks
from .writer import write_trackmate as write_trackmate
