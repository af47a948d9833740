from .core.calibration import Calibration as Calibration
from .core.graph import TrackGraph as TrackGraph
from .core.spots import Spots as Spots

__version__: str
