from .document import TrackMateDocument as TrackMateDocument
from .reader import read_trackmate as read_trackmate
from .session import Filter as Filter
from .session import Session as Session
from .writer import write_trackmate as write_trackmate
