from .changes import Change as Change
from .changes import Link as Link
from .changes import Move as Move
from .changes import Renumbering as Renumbering
from .changes import Spot as Spot
from .history import History as History
from .operations import OPERATIONS as OPERATIONS
from .tracks import EditableTracks as EditableTracks
