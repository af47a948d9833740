from .tracklets import Fate as Fate
from .tracklets import Origin as Origin
from .tracklets import find_bounds as find_bounds
from .tracklets import make_tracklets_table as make_tracklets_table
from .tracklets import summarise_ends as summarise_ends
