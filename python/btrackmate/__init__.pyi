from .api.analysis import analyse as analyse
from .api.files import evaluate as evaluate
from .api.files import load as load
from .api.files import load_sample as load_sample
from .api.files import run as run
from .api.files import save as save
from .api.images import Segmentation as Segmentation
from .api.images import measure as measure
from .api.images import segment as segment
from .api.review import explain as explain
from .api.tracks import filter as filter
from .api.tracks import list_pruned as list_pruned
from .api.tracks import prune as prune
from .api.tracks import track as track
from .core.calibration import Calibration as Calibration
from .core.errors import BTrackMateError as BTrackMateError
from .core.errors import UserError as UserError
from .core.graph import TrackGraph as TrackGraph
from .core.spots import Spots as Spots

__version__: str
