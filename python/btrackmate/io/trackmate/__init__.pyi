from .document import TrackMateDocument as TrackMateDocument
from .read_simple import is_simple_xml as is_simple_xml
from .read_simple import read_simple_tracks as read_simple_tracks
from .reader import read_trackmate as read_trackmate
from .session import Filter as Filter
from .session import Session as Session
from .writer import write_trackmate as write_trackmate
