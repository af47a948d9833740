"""Feature declarations: what TrackMate 8 declares, and legal keys for the user's features."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from btrackmate.core.calibration import Calibration
from btrackmate.core.schema import Column, Dimension, find_column, find_key, unit_of
from btrackmate.io.trackmate.write_tree import clean_text

#: Attributes of a Spot element that are no features.
RESERVED = frozenset(("ID", "name", "ROI_N_POINTS"))
_LEGAL_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ILLEGAL_CHARACTER = re.compile(r"[^A-Za-z0-9_.-]")
# TrackMate refuses a file with a dimension that it does not know, and has none for volumes.
_KNOWN_DIMENSIONS = frozenset(
    "NONE QUALITY COST INTENSITY INTENSITY_SQUARED POSITION VELOCITY LENGTH AREA TIME ANGLE RATE "
    "ANGLE_RATE STRING".split()
)


@dataclass(frozen=True)
class Declaration:
    """One Feature element of a FeatureDeclarations section.

    Parameters
    ----------
    key : str
        Attribute name of the values.
    name, short : str
        What TrackMate shows.
    dimension : str
        One of TrackMate's dimensions.
    is_int : bool
        Whether values are whole numbers.
    """

    key: str
    name: str
    short: str
    dimension: str = "NONE"
    is_int: bool = False

    def to_element(self) -> Element:
        """Make the Feature element."""
        return Element(
            "Feature",
            {
                "feature": self.key,
                "name": self.name,
                "shortname": self.short,
                "dimension": self.dimension,
                "isint": "true" if self.is_int else "false",
            },
        )

    @classmethod
    def from_element(cls, element: Element) -> "Declaration":
        """Read a Feature element; old files have no isint."""
        key = element.get("feature", "")
        return cls(
            key,
            element.get("name", key),
            element.get("shortname", key),
            element.get("dimension", "NONE"),
            element.get("isint", "false") == "true",
        )


def _declare(rows: str) -> tuple[Declaration, ...]:
    declared = []
    for line in rows.strip().splitlines():
        key, name, short, dimension = (part.strip() for part in line.split("|"))
        is_int = dimension.endswith(" int")
        declared.append(Declaration(key, name, short, dimension.removesuffix(" int"), is_int))
    return tuple(declared)


#: What every TrackMate model declares for spots.
SPOT_DECLARATIONS = _declare("""
    QUALITY | Quality | Quality | QUALITY
    POSITION_X | X | X | POSITION
    POSITION_Y | Y | Y | POSITION
    POSITION_Z | Z | Z | POSITION
    POSITION_T | T | T | TIME
    FRAME | Frame | Frame | NONE int
    RADIUS | Radius | R | LENGTH
    VISIBILITY | Visibility | Visibility | NONE int
    MANUAL_SPOT_COLOR | Manual spot color | Spot color | NONE int
""")

#: What TrackMate 8's edge analyzers declare.
EDGE_DECLARATIONS = _declare("""
    SPOT_SOURCE_ID | Source spot ID | Source ID | NONE int
    SPOT_TARGET_ID | Target spot ID | Target ID | NONE int
    LINK_COST | Edge cost | Cost | COST
    DIRECTIONAL_CHANGE_RATE | Directional change rate | γ rate | ANGLE_RATE
    SPEED | Speed | Speed | VELOCITY
    DISPLACEMENT | Displacement | Disp. | LENGTH
    EDGE_TIME | Edge time | Edge T | TIME
    EDGE_X_LOCATION | Edge X | Edge X | POSITION
    EDGE_Y_LOCATION | Edge Y | Edge Y | POSITION
    EDGE_Z_LOCATION | Edge Z | Edge Z | POSITION
    MANUAL_EDGE_COLOR | Manual edge color | Edge color | NONE int
""")

#: Our own edge feature.
CONFIDENCE = Declaration("LINK_CONFIDENCE", "Link confidence", "Confid.")

#: What TrackMate 8's track analyzers declare.
TRACK_DECLARATIONS = _declare("""
    TRACK_INDEX | Track index | Index | NONE int
    TRACK_ID | Track ID | ID | NONE int
    NUMBER_SPOTS | Number of spots in track | N spots | NONE int
    NUMBER_GAPS | Number of gaps | N gaps | NONE int
    NUMBER_SPLITS | Number of split events | N splits | NONE int
    NUMBER_MERGES | Number of merge events | N merges | NONE int
    NUMBER_COMPLEX | Number of complex points | N complex | NONE int
    LONGEST_GAP | Longest gap | Lgst gap | NONE int
    TRACK_DURATION | Track duration | Duration | TIME
    TRACK_START | Track start | Track start | TIME
    TRACK_STOP | Track stop | Track stop | TIME
    TRACK_DISPLACEMENT | Track displacement | Track disp. | LENGTH
    TRACK_X_LOCATION | Track mean X | Track X | POSITION
    TRACK_Y_LOCATION | Track mean Y | Track Y | POSITION
    TRACK_Z_LOCATION | Track mean Z | Track Z | POSITION
    TRACK_MEAN_SPEED | Track mean speed | Mean sp. | VELOCITY
    TRACK_MAX_SPEED | Track max speed | Max speed | VELOCITY
    TRACK_MIN_SPEED | Track min speed | Min speed | VELOCITY
    TRACK_MEDIAN_SPEED | Track median speed | Med. speed | VELOCITY
    TRACK_STD_SPEED | Track std speed | Std speed | VELOCITY
    TRACK_MEAN_QUALITY | Track mean quality | Mean Q | QUALITY
    TOTAL_DISTANCE_TRAVELED | Total distance traveled | Total dist. | LENGTH
    MAX_DISTANCE_TRAVELED | Max distance traveled | Max dist. | LENGTH
    CONFINEMENT_RATIO | Confinement ratio | Cfn. ratio | NONE
    MEAN_STRAIGHT_LINE_SPEED | Mean straight line speed | Mn. v. line | VELOCITY
    LINEARITY_OF_FORWARD_PROGRESSION | Linearity of forward progression | Fwd. progr. | NONE
    MEAN_DIRECTIONAL_CHANGE_RATE | Mean directional change rate | Mn. γ rate | ANGLE_RATE
""")


def declare_column(column: Column, calibration: Calibration) -> Declaration:
    """Declare a column of the schema; where TrackMate has no dimension, the name has the unit."""
    dimension, name = str(column.dimension), column.label
    if dimension not in _KNOWN_DIMENSIONS:
        dimension, name = "NONE", f"{name} ({unit_of(column.dimension, calibration)})"
    return Declaration(column.key, name, column.short, dimension, column.kind == "int")


def declare_own(name: str, taken: set[str], *, is_int: bool) -> Declaration:
    """Declare a feature of the user's own under a legal key that is not taken.

    The key is the name itself where XML allows it, else the name with underscores; the declared
    name is the name as it is, so that reading gives it back.
    """
    name = clean_text(name)
    key = make_key(name)
    stem, number = key, 2
    while key in taken or key in RESERVED:
        key, number = f"{stem}_{number}", number + 1
    shown = name if name.strip() else key
    return Declaration(key, shown, shown, Dimension.NONE, is_int)


def make_key(name: str) -> str:
    """Make an attribute name of any text."""
    key = _ILLEGAL_CHARACTER.sub("_", name)
    return key if _LEGAL_KEY.fullmatch(key) else f"_{key}"


def name_column(key: str, declared: Declaration | None) -> str:
    """Name the column of a feature key: the schema's name, the user's own, or the key itself."""
    column = find_key(key)
    if column is not None:
        return column.name
    made = make_key(declared.name) if declared is not None else ""
    if declared is not None and re.fullmatch(rf"{re.escape(made)}(_\d+)?", key):
        # Only a name that had to be made legal differs from its key; never one of our columns.
        return declared.name if find_column(declared.name) is None else key
    return key
