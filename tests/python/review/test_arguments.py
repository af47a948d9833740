"""Arguments of edits from scripts: numpy's numbers are fine, what is no number changes nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.io.track_formats import write_tracks
from btrackmate.review import EditSession

PLACE = {"frame": 0, "position": (1, 2, 3), "radius": 1.0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two cells in two frames: 0 → 2, 1 → 3."""
    table = pd.DataFrame({"frame": [0, 0, 1, 1], "x": [0.0, 9, 1, 10], "y": 0.0, "z": 0.0})
    spots = Spots.from_table(table.assign(radius=1.0, volume=4.0), Calibration())
    write_tracks(tmp_path / "t.xml", TrackGraph.from_ids(spots, [0, 1], [2, 3]))
    return tmp_path / "t.xml"


def refuse(path: Path, operation: str, arguments: dict[str, object], message: str) -> None:
    """Refused in one line, nothing has changed, and the session can still be saved."""
    with EditSession.open(path) as session:
        before = session.to_graph().spots.table
        with pytest.raises(UserError, match=message) as caught:
            session.do(operation, **arguments)
        assert "\n" not in str(caught.value)
        pd.testing.assert_frame_equal(session.to_graph().spots.table, before)
        assert session.is_saved
    assert [one.name for one in path.parent.iterdir()] == ["t.xml"]


@pytest.mark.parametrize(
    "value",
    [np.nan, np.inf, 1.5, np.float32(0.5), True, np.bool_(True), "1", [1], 2**70, 1 + 0j, pd.NA],
)
@pytest.mark.parametrize("name", ["spot", "frame", "label", "id"])
def test_ids_frames_and_labels_are_whole_numbers(path: Path, name: str, value: object) -> None:
    operation = "delete_spot" if name == "spot" else "add_spot"
    given = {} if name == "spot" else PLACE
    refuse(path, operation, {**given, name: value}, "expected a whole number")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"position": (1, 2, np.nan)}, "expected finite numbers"),
        ({"position": (1, 2, True)}, "expected finite numbers"),
        ({"position": ("1", "2", "3")}, "expected finite numbers"),
        ({"position": (1, 2, 1e300)}, "up to 1e[+]50"),
        ({"position": "123"}, "expected x, y and, in 3D, z"),
        ({"position": 5}, "expected x, y and, in 3D, z"),
        ({"position": None}, "got frame, position, radius, expected"),
        ({"radius": True}, "expected a finite number"),
        ({"radius": 1e300}, "radius is 1e[+]300, expected a number above 0"),
        ({"label": 0}, "label is 0, expected 1 to 4294967295"),
        ({"features": {"volume": "big"}}, "volume is 'big', expected a number"),
        ({"features": {"volume": np.inf}}, "volume is inf, expected a finite number"),
        ({"features": {"volume": np.array([1, 2])}}, "expected a finite number"),
        ({"features": [1]}, "expected values by the name of their column"),
    ],
)
def test_what_no_table_could_hold_is_refused(path: Path, given: dict, message: str) -> None:
    refuse(path, "add_spot", {**PLACE, **given}, message)


def test_numbers_of_numpy_and_pandas_are_taken(path: Path) -> None:
    with EditSession.open(path) as session:
        session.do("break_link", source=np.int64(0), target=np.uint8(2))
        session.do("delete_spot", spot=3.0)
        features = pd.Series({"volume": np.float32(3.0), "quality": np.nan})
        place = np.array([1, 2, 3], np.float32)
        session.do("add_spot", frame=np.int32(1), position=place, radius=np.int64(2),
                   features=features)  # fmt: skip
        edited = session.to_graph()
    with EditSession.open(path) as session:
        pd.testing.assert_frame_equal(session.to_graph().spots.table, edited.spots.table)
        assert session.to_graph().spots.feature("volume").tolist() == [4, 4, 4, 3]
