from .networks import Models as Models
from .networks import load_models as load_models
from .normalisation import normalise_volume as normalise_volume
from .result import SegmentationResult as SegmentationResult
from .segment import segment_volume as segment_volume
from .settings import SegmentationSettings as SegmentationSettings
