import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots

CALIBRATION = Calibration(dt=2.5)


def make(columns, **more):
    return Spots.from_table(pd.DataFrame(columns), CALIBRATION, **more)


BASE = {"frame": [1, 0, 1], "x": [1.0, 2.0, 3.0], "y": [0.0, 0.0, 0.0], "z": [5.0, 6.0, 7.0]}


def test_rows_are_sorted_by_frame_then_id():
    spots = make({**BASE, "id": [70_001, 5, 2]})
    assert spots.id.tolist() == [5, 2, 70_001]
    assert spots.positions.tolist() == [[2.0, 0.0, 6.0], [3.0, 0.0, 7.0], [1.0, 0.0, 5.0]]


def test_ids_are_numbered_in_row_order_where_missing():
    assert make(BASE).table[["id", "x"]].to_numpy().tolist() == [[1, 2.0], [0, 1.0], [2, 3.0]]


def test_time_follows_from_the_frame():
    assert make(BASE).table["time"].tolist() == [0.0, 2.5, 2.5]


def test_a_given_time_is_kept():
    assert make({**BASE, "time": [7.0, 1.0, 7.0]}).table["time"].tolist() == [1.0, 7.0, 7.0]


def test_columns_are_ordered_and_the_users_own_are_kept():
    columns = {"mine": [1, 2, 3], "mean_intensity_ch1": [1.0, 2.0, 3.0], **BASE}
    names = ["id", "frame", "time", "x", "y", "z", "mean_intensity_ch1", "mine"]
    assert list(make(columns).table) == names


def test_the_given_table_is_not_changed():
    table = pd.DataFrame(BASE, index=[4, 5, 6])
    before = table.copy()
    Spots.from_table(table, CALIBRATION)
    pd.testing.assert_frame_equal(table, before)


def test_an_index_that_is_named_as_a_column_is_that_column():
    table = pd.DataFrame({**BASE, "id": [7, 3, 5]})
    wanted = Spots.from_table(table, CALIBRATION).table
    for names in (["id"], ["id", "frame"], ["x", "id"]):
        pd.testing.assert_frame_equal(
            Spots.from_table(table.set_index(names), CALIBRATION).table, wanted
        )
    for names in (["id"], ["unknown"]):  # One that stands as a column too, or is none of ours.
        index = pd.Index([9, 8, 6], name=names[0])
        pd.testing.assert_frame_equal(
            Spots.from_table(table.set_axis(index), CALIBRATION).table, wanted
        )


def test_z_may_be_missing_in_2d_only():
    flat = {name: BASE[name] for name in ("frame", "x", "y")}
    assert make(flat, ndim=2).positions[:, 2].tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(UserError, match="lacks column z; has frame, x, y"):
        make(flat)


@pytest.mark.parametrize("n_frames", [None, 2, 5])
def test_offsets_of_frames(n_frames):
    spots = make(BASE, n_frames=n_frames)
    assert spots.frame_offsets.tolist() == [0, 1, 3, 3, 3, 3][: (n_frames or 2) + 1]


def test_no_spots_at_all():
    spots = make({name: [] for name in BASE}, n_frames=4)
    assert len(spots) == 0
    assert spots.frame_offsets.tolist() == [0] * 5
    assert spots.frame.dtype == spots.id.dtype == np.int64
    assert make({name: [] for name in BASE}).n_frames == 0


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("frame", [0, 1.5, 2], "frame in row 1 is"),
        ("frame", [0, 1, -2], "frame in row 2 is"),
        ("frame", [0, np.nan, 2], "frame in row 1 is"),
        ("id", [0, 1, np.inf], "id in row 2 is"),
        ("id", [0, 1, 2**64 - 1], "id in row 2 is"),
        ("id", ["0", "a", "2"], "id in row 1 is 'a'"),
        ("id", [3, 1, 3], "spot id 3 stands 2 times"),
        ("x", [0.0, np.nan, 2.0], "position (nan, 0.0, 6.0)"),
        ("z", [np.inf, 1.0, 2.0], "position (1.0, 0.0, inf)"),
    ],
)
def test_wrong_values_are_refused(column, values, message):
    with pytest.raises(UserError) as error:
        make({**BASE, column: values}, source="cells.csv")
    assert message in str(error.value)
    assert str(error.value).startswith("cells.csv: ")
    assert "\n" not in str(error.value)


def test_a_movie_shorter_than_its_spots_is_refused():
    with pytest.raises(UserError, match="spot lies in frame 1, but the movie has 1 frames"):
        make(BASE, n_frames=1)


def test_frames_that_are_counted_from_1_are_told():
    """Frames 1, 2 and 3 of a movie with frames 0, 1 and 2."""
    told = "movie has 3 frames: its frames are 1 to 3, as many, but the first is 0; subtract 1 from"
    with pytest.raises(UserError, match=told):
        make({**BASE, "frame": [1, 2, 3]}, n_frames=3)
    with pytest.raises(UserError, match="movie has 2 frames$"):
        make({**BASE, "frame": [1, 2, 3]}, n_frames=2)


def test_large_ids_stay_exact():
    assert make({**BASE, "id": [2**53 + 1, 2**53, 5]}).id.tolist() == [2**53, 5, 2**53 + 1]


def test_features_are_the_numeric_columns():
    spots = make({**BASE, "name": ["a", "b", "c"], "area": [1, 2, 3]})
    assert spots.features == ["frame", "time", "x", "y", "z", "area"]
    assert spots.feature("area").tolist() == [2.0, 1.0, 3.0]
    for name in ("name", "nothing"):
        with pytest.raises(UserError, match=f"no feature '{name}'; they have frame, time"):
            spots.feature(name)


def test_a_missing_feature_value_is_nan():
    spots = make({**BASE, "area": pd.array([1, None, 3], dtype="Int64")})
    assert np.isnan(spots.feature("area")).tolist() == [True, False, False]


@pytest.mark.parametrize("rows", [[0, 2], [True, False, True]])
def test_taking_rows_keeps_frames_and_their_contours(rows):
    outline = np.zeros((3, 2))
    spots = make({**BASE, "id": [9, 8, 7]}, n_frames=6, contours={9: outline, 7: outline})
    taken = spots.take(np.array(rows))
    assert taken.id.tolist() == [8, 9]
    assert taken.n_frames == 6
    assert set(taken.contours) == {9}
    assert taken.table.index.tolist() == [0, 1]


def test_new_columns_find_their_place():
    spots = make({**BASE, "mine": [1, 2, 3]}).with_columns({"radius": np.ones(3)})
    assert list(spots.table) == ["id", "frame", "time", "x", "y", "z", "radius", "mine"]


def test_spots_compare_by_identity():
    """A table has no single truth value, so equality of tables must not be asked."""
    spots = make(BASE)
    assert spots == spots
    assert spots != make(BASE)
    assert len({spots}) == 1


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3], [1, 0, 2, 3]])
def test_spots_stand_by_frame_and_then_id_whatever_the_order(rows: list[int]) -> None:
    table = pd.DataFrame(
        {"id": [4, 7, 2, 3], "frame": [0, 0, 1, 1], "x": [1.0, 2, 3, 4], "y": 0.0, "z": 0.0}
    )
    given = table.iloc[rows]
    before = given.copy()
    spots = Spots.from_table(given, Calibration())
    assert spots.id.tolist() == [4, 7, 2, 3]
    assert spots.table["x"].tolist() == [1, 2, 3, 4]
    assert list(spots.table.columns[:3]) == ["id", "frame", "time"]
    pd.testing.assert_frame_equal(given, before)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("volume", [1.5, "n.d."], "volume in row 1 is 'n.d.', expected a number"),
        ("label", ["a", "b"], r"label in row 0 is 'a', expected a number \(2 such rows\)"),
        ("q", [1 + 2j, 3], "the column q is of type complex128, expected numbers"),
        ("x", [1 + 2j, 3], "the column x is of type complex128, expected numbers"),
    ],
)
def test_columns_of_ours_are_numbers(name: str, values: list[object], message: str) -> None:
    columns: dict[str, object] = {"frame": [0, 1], "x": 1.0, "y": 1.0, "z": 0.0} | {name: values}
    with pytest.raises(UserError, match=message):
        Spots.from_table(pd.DataFrame(columns), Calibration())


def test_numbers_as_objects_are_numbers() -> None:
    columns = {"frame": [0, 1], "x": 1.0, "y": 1.0, "z": 0.0}
    table = pd.DataFrame(columns).assign(volume=pd.Series([1.5, None], dtype=object))
    volume = Spots.from_table(table, Calibration()).table["volume"]
    assert volume.dtype == float
    assert volume.isna().tolist() == [False, True]
