"""Tables as other people's programs write them."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.spots import Spots
from btrackmate.io import csv_cells
from btrackmate.io.csv_cells import read_cells
from btrackmate.io.csv_fields import NumberColumn, RegularRows, TextColumn
from btrackmate.io.spots_csv import CsvOptions, SpotsFile, read_spots_csv
from btrackmate.io.tracks_csv import read_links_csv, write_spots_csv

PIXELS = Calibration(0.5, 0.5, 2.0, space_unit="µm")


def read(
    folder: Path, text: str | bytes, calibration: Calibration | None = None, **options: object
) -> SpotsFile:
    path = folder / "cells.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_spots_csv(path, calibration, CsvOptions(**options))  # type: ignore[arg-type]


def rows(read_file: SpotsFile, *names: str) -> list[list[float]]:
    return read_file.spots.table[list(names)].to_numpy().tolist()


# Decimal commas.


@pytest.mark.parametrize(
    "text",
    [
        "frame;x;y\n0;10,5;-2,25\n1;1,5e1;,5\n",
        "frame\tx\ty\n0\t10,5\t-2,25\n1\t1,5E+1\t0,5\n",
        'frame,x,y\n0,"10,5","-2,25"\n1,"15,0","0,5"\n',
        '"frame";"x";"y"\n"0";"10,5";"-2,25"\n"1";"15";"0,5"\n',
    ],
)
def test_decimal_commas_are_points(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert rows(read(tmp_path, text), "frame", "x", "y") == [[0, 10.5, -2.25], [1, 15, 0.5]]
    assert "decimal commas, as in 10,5, are read as points" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # Here a comma may part thousands.
        ("frame;x;y\n0;1.5;1,234\n1;2.5;3\n", "line 2: y is '1,234', .*; write numbers with dec"),
        ("frame;x;y\n0;1.234,5;1\n1;2,5;3\n", "line 2: x is '1.234,5', .*; write numbers with dec"),
        ("frame,x,y\n0,10,5,2,5\n1,1,5,2,5\n", "line 2: 5 fields, expected 3 .* semicolons bet"),
    ],
)  # fmt: skip
def test_commas_that_are_not_clear_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_links_with_decimal_commas(tmp_path: Path) -> None:
    """A pair of tables that a spreadsheet saved again."""
    spots = read(tmp_path, "id;frame;x;y\n4;0;1,5;2\n7;1;2,5;2\n").spots
    (tmp_path / "l.csv").write_text("Source;Target;Cost\n4;7;0,25\n", encoding="utf-8")
    graph = read_links_csv(tmp_path / "l.csv", spots)
    assert graph.links_table()[["source", "target", "cost"]].to_numpy().tolist() == [[4, 7, 0.25]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,target\n4,x\n", "line 2: target is 'x', expected a spot id"),
        ("source,target\n4,\n", "line 2: target is '', expected a spot id"),
        ("source,target\n4,7.5\n", "line 2: target is '7.5', expected a spot id"),
        ("source,target,cost\n4,7,much\n", "line 2: cost is 'much', expected a number"),
        ("source,to\n4,7\n", "has columns source, to, expected source, target"),
        ("source,target\n4,9\n", r"l.csv: a link names spot 9, which is not in the spots"),
    ],
)
def test_bad_links_are_named(tmp_path: Path, text: str, message: str) -> None:
    spots = read(tmp_path, "id,frame,x,y\n4,0,1,2\n7,1,2,2\n").spots
    (tmp_path / "l.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_links_csv(tmp_path / "l.csv", spots)


def test_links_as_trackmate_exports_them(tmp_path: Path) -> None:
    spots = read(tmp_path, "id,frame,x,y\n4,0,1,2\n7,1,2,2\n").spots
    text = "LABEL,SPOT_SOURCE_ID,SPOT_TARGET_ID,LINK_COST\nLabel,Source,Target,Cost\n"
    text += "Label,Source,Target,Cost\n,,,(cost)\nID4 → ID7,4,7,0.5\n"
    (tmp_path / "l.csv").write_text(text, encoding="utf-8")
    graph = read_links_csv(tmp_path / "l.csv", spots)
    links = graph.links_table()[["source", "target", "cost"]]
    assert links.to_numpy().tolist() == [[4, 7, 0.5]]
    with pytest.raises(UserError, match="a table of links or tracks: export the table of spots"):
        read_spots_csv(tmp_path / "l.csv")


# Columns without a name, doubled ones, titles.


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (",frame,x,y\n7,0,1,2\n8,1,1,2\n", "column 1 has no name"),
        (" ,frame,x,y\n7,0,1,2\n8,1,1,2\n", "column 1 has no name"),
        ("Unnamed: 0,frame,x,y\n7,0,1,2\n8,1,1,2\n", "column 1 has no name"),
        (",Unnamed: 0,frame,,x,y\n7,7,0,5,1,2\n8,8,1,5,1,2\n", "column 1, 2, 4 has no name"),
        ("frame,x,y,\n0,1,2,\n1,1,2,\n", ""),
        ("frame,x,y,,\n0,1,2\n1,1,2\n", None),
    ],
)
def test_columns_without_a_name(
    tmp_path: Path, text: str, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    if told is None:
        with pytest.raises(UserError, match="line 2: 3 fields, expected 5"):
            read(tmp_path, text)
        return
    file = read(tmp_path, text)
    assert list(file.spots.table.columns) == ["id", "frame", "time", "x", "y", "z"]
    assert file.spots.id.tolist() == [0, 1]
    assert (told in caplog.text) if told else ("no name" not in caplog.text)


def test_features_of_one_name_are_told_apart(tmp_path: Path) -> None:
    file = read(tmp_path, "frame,x,y,Mean,Mean,Mean_2\n0,1,2,3,4,5\n")
    assert rows(file, "Mean", "Mean_2", "Mean_2_2") == [[3, 4, 5]]


def test_titles_above_the_header(tmp_path: Path) -> None:
    """As Imaris exports; its own lines, and the numbers of the rows', are counted."""
    text = (
        "\nPosition\n====================\n"
        "Position X,Position Y,Position Z,Unit,Category,Collection,Time,TrackID,ID,\n"
        "1.5,2,3,um,Spot,Position,1,1000000000,0,\n2.5,2,3,um,Spot,Position,2,1000000000,1,\n"
    )
    file = read(tmp_path, text)
    assert rows(file, "id", "frame", "x", "TrackID") == [[0, 1, 1.5, 1e9], [1, 2, 2.5, 1e9]]
    assert file.lines.tolist() == [5, 6]


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n"])
def test_line_that_excel_puts_first(tmp_path: Path, first: str) -> None:
    file = read(tmp_path, first + "frame;x;y\n0;1,5;2\n")
    assert rows(file, "frame", "x", "y") == [[0, 1.5, 2]]
    assert file.lines.tolist() == [3]


# Names that others use.


@pytest.mark.parametrize(
    "header",
    [
        "Frame,X,Y,Z",
        "frame,position_x,position_y,position_z",
        "spot_frame,x_coordinate,y_coordinate,z_coordinate",
        "ImageNumber,Location_Center_X,Location_Center_Y,Location_Center_Z",
        "frame_i,x_centroid,y_centroid,z_centroid",
        "t,x [px],y [px],z [px]",
        "T,x_px,y_px,z_px",
        "timeframe,center_x,center_y,center_z",
    ],
)
def test_names_of_positions(tmp_path: Path, header: str) -> None:
    file = read(tmp_path, f"{header}\n3,1.5,2.5,3.5\n")
    assert rows(file, "frame", "x", "y", "z") == [[3, 1.5, 2.5, 3.5]]


def test_centroids_of_scikit_image_stand_in_array_order(tmp_path: Path) -> None:
    file = read(tmp_path, "frame,label,centroid-0,centroid-1,centroid-2\n0,1,7,8,9\n")
    assert rows(file, "z", "y", "x") == [[7, 8, 9]]
    file = read(tmp_path, "frame,label,centroid-0,centroid-1\n0,1,7,8\n")
    assert rows(file, "y", "x") == [[7, 8]]


def test_a_weak_name_never_displaces_another(tmp_path: Path) -> None:
    file = read(tmp_path, "frame,x,y,center_x\n0,1,2,9\n")
    assert rows(file, "x", "center_x") == [[1, 9]]


def test_columns_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    read(tmp_path, "T,X (µm),Y,Area,Note\n0,1,2,3,a\n")
    assert "1 rows; columns: frame = 'T', x = 'X (µm)', y = 'Y'; features: Area" in caplog.text
    assert "columns without numbers are left out: Note" in caplog.text


# Units.


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("frame,x (µm),y (µm)", "µm"),
        ("frame,x [nm],y [nm]", "nm"),
        ("frame,x_um,y_um", "µm"),
        ("frame,x (mean),y", "pixel"),
        ("frame,x,y", "pixel"),
    ],
)
def test_unit_of_the_header(tmp_path: Path, header: str, unit: str) -> None:
    assert read(tmp_path, f"{header}\n0,1,2\n").spots.calibration.space_unit == unit


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("frame,x (px),y (px)", {}, "states positions in pixel, read as µm; .*csv_units=pixels"),
        ("frame,x (nm),y (nm)", {}, "in nm, read as µm; if that is wrong give space_unit=nm"),
        ("frame,x (µm),y (µm)", {"units": "pixels"}, "in µm, read as pixels; .* csv_units="),
        ("frame,x (µm),y (px)", {}, "states different units: x µm, y pixel"),
    ],
)
def test_units_that_contradict(
    tmp_path: Path,
    header: str,
    options: dict[str, object],
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    read(tmp_path, f"{header}\n0,1,2\n", PIXELS, **options)
    assert pd.Series([caplog.text]).str.contains(message).all(), caplog.text


def test_units_of_trackmates_export(tmp_path: Path) -> None:
    text = (
        "LABEL,ID,POSITION_X,POSITION_Y,POSITION_T\nLabel,Spot ID,X,Y,T\nLabel,Spot ID,X,Y,T\n"
        ",,(micron),(micron),(min)\nID5,5,1,2,0\nID6,6,1,2,3\n"
    )
    calibration = read(tmp_path, text).spots.calibration
    assert (calibration.space_unit, calibration.dt, calibration.time_unit) == ("µm", 3, "min")


# Encodings.

TEXT = "frame,x (µm),y\n0,1.5,2\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.encode("cp1252"),
        TEXT.replace("\n", "\r\n").encode("cp1252"),
        TEXT.replace("\n", "\r").encode("latin-1"),
        (TEXT + "\x1a").encode("cp1252"),
    ],
    ids=range(10),
)
def test_encodings(tmp_path: Path, data: bytes) -> None:
    file = read(tmp_path, data)
    assert rows(file, "frame", "x", "y") == [[0, 1.5, 2]]
    assert file.spots.calibration.space_unit == "µm"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "Excel workbook"),
        (b"\x1f\x8brest", "gzipped"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not readable as text"),
        (b"frame,x,y\n0,1,\x002\n", "not readable as text"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value)


# Truths and missing values.


@pytest.mark.parametrize("words", [("True", "False"), ("TRUE", "FALSE"), ("true", "false")])
def test_truths_are_numbers(tmp_path: Path, words: tuple[str, str]) -> None:
    yes, no = words
    text = f"frame,x,y,divides,touches_border\n0,1,2,{yes},{no}\n1,1,2,{no},{yes}\n"
    file = read(tmp_path, text)
    assert rows(file, "divides", "touches_border") == [[1, 0], [0, 1]]
    assert file.ignored_columns == []
    assert file.spots.table["divides"].dtype.kind == "i"


def test_truths_with_gaps_and_words_beside_them(tmp_path: Path) -> None:
    file = read(tmp_path, "frame,x,y,a,b\n0,1,2,True,True\n1,1,2,,maybe\n2,1,2,False,False\n")
    np.testing.assert_array_equal(file.spots.table["a"], [1, np.nan, 0])
    assert file.ignored_columns == ["b"]


def test_truths_that_are_written_are_read(tmp_path: Path) -> None:
    table = pd.DataFrame({"frame": [0, 1], "x": 1.0, "y": 2.0, "divides": [True, False]})
    write_spots_csv(tmp_path / "s.csv", Spots.from_table(table, Calibration(), ndim=2))
    assert read_spots_csv(tmp_path / "s.csv").spots.table["divides"].tolist() == [1, 0]
    table["note"] = ["a", "b"]  # the slow way of writing
    write_spots_csv(tmp_path / "s.csv", Spots.from_table(table, Calibration(), ndim=2))
    assert read_spots_csv(tmp_path / "s.csv").spots.table["divides"].tolist() == [1, 0]


@pytest.mark.parametrize("word", ["", "NaN", "nan", "NA", "None", "null", "#N/A", "<NA>", " "])
def test_missing_values(tmp_path: Path, word: str) -> None:
    file = read(tmp_path, f"frame,x,y,radius,own\n0,1,2,{word},{word}\n1,1,2,3,4\n")
    np.testing.assert_array_equal(file.spots.table["radius"], [np.nan, 3])
    np.testing.assert_array_equal(file.spots.table["own"], [np.nan, 4])


def test_one_row_with_an_empty_cell(tmp_path: Path) -> None:
    assert len(read(tmp_path, "frame,x,y,radius\n0,1,2,\n").spots) == 1


def test_numbers_that_json_would_take_for_two() -> None:
    values, is_text = TextColumn(["1,5", "2"]).read_numbers()
    assert is_text.tolist() == [True, False]
    assert values[1] == 2


def test_whole_features_stay_whole(tmp_path: Path) -> None:
    table = read(tmp_path, "frame,x,y,n,m,k\n0,1,2,7,7.0,9007199254740993\n").spots.table
    assert [table[name].dtype.kind for name in "nmk"] == ["i", "f", "i"]


def test_large_whole_features_stay_as_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """float64 does not hold 2⁵³ + 1, and int64 not 2⁶³."""
    text = "frame,x,y,a,b,c,d\n0,1,2,9007199254740993,9007199254740993,18446744073709551615,1e20\n"
    text += "1,1,2,-5,,1,9007199254740992.5\n"
    table = read(tmp_path, text).spots.table
    assert table["a"].tolist() == [2**53 + 1, -5]
    assert table["b"][0] == 2**53 + 1
    assert table["b"].isna().tolist() == [False, True]
    assert table["d"].tolist() == [1e20, 2.0**53]
    assert [m for m in caplog.messages if "rounded" in m] == [
        f"{tmp_path}/cells.csv: column c has whole numbers past 2⁶³: rounded"
    ]
    write_spots_csv(tmp_path / "again.csv", read_spots_csv(tmp_path / "cells.csv").spots)
    again = read_spots_csv(tmp_path / "again.csv").spots.table
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.parametrize(
    ("name", "dt", "told"),
    [
        ("time", 1, "the times in time are not used (30 in frame 1): dt is what dt= says"),
        ("time", 10, "the times in time are not used (30 in frame 1): dt is 10 sec"),
        ("time (min)", 10, "in time (min) are not used (1800 sec in frame 1): dt is 10 sec"),
        ("time", 30, ""),
        ("time (min)", 1, ""),
    ],
)
def test_times_beside_frames_go_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, dt: float, told: str
) -> None:
    """A table that we wrote ourselves has both; its unit is not in it."""
    size = Calibration(dt=dt, time_unit="frame" if dt == 1 else "sec")
    spots = read(tmp_path, f"frame,{name},x,y\n0,0,1,2\n1,30,1,2\n", size).spots
    assert spots.feature("time").tolist() == [0, spots.calibration.dt]
    assert told in caplog.text
    assert bool(told) == ("not used" in caplog.text)


# Ids.


def test_ids_of_tracks(tmp_path: Path) -> None:
    """btrack's and napari's tables; a feature of its own under another name."""
    text = "ID,t,y,x,parent\n1,0,1,2,1\n1,1,1,2,1\n2,0,5,6,2\n2,1,5,6,2\n"
    message = "line 3: ID 1 stands in several rows, one a frame: it is the id of tracks"
    for skip in (False, True):
        with pytest.raises(UserError, match=message):
            read(tmp_path, text, skip_bad_rows=skip)
    assert rows(read(tmp_path, text.replace("ID", "track_id")), "track_id")[3] == [2]


def test_one_doubled_id_is_a_bad_row(tmp_path: Path) -> None:
    text = "id,frame,x,y\n" + "".join(f"{i},{i},1,2\n" for i in (0, 1, 2, 3, 4, 5, 5))
    text = text.replace("5,5,1,2\n5,5", "5,5,1,2\n5,6")
    with pytest.raises(
        UserError, match="line 8: id is 5, expected an id that stands once .*skip_bad_rows=True"
    ):
        read(tmp_path, text)
    assert len(read(tmp_path, text, skip_bad_rows=True).spots) == 6


# Advice that does not destroy.


def test_skipping_is_not_advised_where_most_rows_are_bad(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = "0,1,2\n1,1,2\n", "".join(f"{f}.5,1,2\n" for f in range(21))
    with pytest.raises(UserError, match=r"line 4: .*\(21 bad rows of 23\)") as caught:
        read(tmp_path, "t,x,y\n" + good + bad)
    assert "skip_bad_rows" not in str(caught.value)
    assert "if t is a time, say so with csv_time=time" in str(caught.value)
    read(tmp_path, "t,x,y\n" + good + bad, skip_bad_rows=True)
    assert "21 bad rows of 23 skipped, most of the file" in caplog.text
    with pytest.raises(UserError, match="21 bad rows of 21"):
        read(tmp_path, "t,x,y\n" + bad, skip_bad_rows=True)
    with pytest.raises(UserError, match="or leave bad rows out with skip_bad_rows=True"):
        read(tmp_path, "t,x,y\n" + 3 * good + "-1,1,2\n")


# Times.


@pytest.mark.parametrize(
    ("header", "times", "frames", "dt", "unit"),
    [
        ("t (s)", [0, 2.5, 5, 10], [0, 1, 2, 4], 2.5, "sec"),
        ("Time [min]", [48, 72, 96, 144], [2, 3, 4, 6], 24, "min"),
        ("time_h", [0.5, 1.0, 1.5, 3.0], [1, 2, 3, 6], 0.5, "h"),
        ("t_ms", [0, 40, 80, 120], [0, 1, 2, 3], 40, "ms"),
        ("time", [0, 24, 48, 96], [0, 1, 2, 4], 24, "sec"),
        ("POSITION_T", [0, 1, 2, 4], [0, 1, 2, 4], 1, "frame"),
        ("t (s)", [100.5, 103, 105.5, 110.5], [0, 1, 2, 4], 2.5, "sec"),
        ("t (s)", [0, 30.1, 59.8, 120.2], [0, 1, 2, 4], 30.1, "sec"),
    ],
)
def test_frames_from_times(
    tmp_path: Path, header: str, times: list[float], frames: list[int], dt: float, unit: str
) -> None:
    text = f"{header},x,y\n" + "".join(f"{time},1,2\n" for time in times)
    spots = read(tmp_path, text).spots
    assert spots.frame.tolist() == frames
    assert spots.calibration.dt == pytest.approx(dt, rel=0.01)
    assert spots.calibration.time_unit == unit
    assert spots.table["time"].tolist() == pytest.approx(times)


def test_a_given_step_is_kept_to(tmp_path: Path) -> None:
    text = "time,x,y\n0,1,2\n5,1,2\n"
    assert read(tmp_path, text, Calibration(dt=2.5, time_unit="sec")).spots.frame.tolist() == [0, 2]
    with pytest.raises(UserError, match="line 3: time is 5, expected a multiple of dt 2 after 0"):
        read(tmp_path, text, Calibration(dt=2, time_unit="sec"))


def test_frames_that_are_times(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "t,x,y\n48,1,2\n72,1,2\n96,1,2\n"
    assert read(tmp_path, text).spots.frame.tolist() == [48, 72, 96]
    assert "48, 72, 96, …, steps of 24 with nothing between" in caplog.text
    assert "if t is a time, say so with csv_time=time (dt is then 24)" in caplog.text
    caplog.clear()
    spots = read(tmp_path, text, time="time").spots
    assert (spots.frame.tolist(), spots.calibration.dt) == ([2, 3, 4], 24)
    spots = read(tmp_path, text, Calibration(dt=12, time_unit="min"), time="time").spots
    assert (spots.frame.tolist(), spots.calibration.dt) == ([4, 6, 8], 12)


@pytest.mark.parametrize("frames", [[0, 1, 2], [5, 6, 9], [0, 2], [7, 7, 7], [0, 2, 4, 5]])
def test_frames_that_are_none_are_quiet(
    tmp_path: Path, frames: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    read(tmp_path, "t,x,y\n" + "".join(f"{frame},1,2\n" for frame in frames))
    assert "nothing between" not in caplog.text


@pytest.mark.parametrize("first", [0, 1, 100])
def test_frames_that_begin_later_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, first: int
) -> None:
    text = f"Frame,x,y\n{first + 1},1,2\n{first},1,2\n"
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    assert read_spots_csv(path).spots.frame.tolist() == [first, first + 1]
    told = f"a.csv: the first cells are in frame {first}, and the frames before it are taken for"
    assert (told in caplog.text) == (first > 0)
    assert (f"subtract {first} from the column Frame" in caplog.text) == (first > 0)


def test_depth_beside_an_image_of_one_slice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = read(tmp_path, "t,x,y,z\n0,1,2,3.5\n", ndim=2)
    assert rows(file, "z") == [[3.5]]
    assert "has z, but the image has one slice; z is kept" in caplog.text


# Columns that are read as numbers at once must be what their texts say.

ODD = (
    "1", "-2", "+3", "007", "1.50", "-.5", "5.", "1e3", "1E-3", " 4", "4 ", "", "nan", "NaN", "NA",
    "inf", "-Infinity", "1e400", "1_000", "0x10", "1d5", "1e", "x", "True", "false", "--1", "１２",
    "9007199254740993", "18446744073709551616", "-0.0", "0.1000000000000000055511151231257827",
)  # fmt: skip


def lay_out(rows: list[str], separator: str, width: int) -> RegularRows:
    """Rows below a line that is no row."""
    return RegularRows("\n".join(["head", *rows]).encode(), len("head\n"), separator, width)


@pytest.mark.parametrize("large", [0, 1 << 24])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_table_is_read_again_where_its_texts_are_needed(
    tmp_path: Path, large: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_cells, "_LARGE", large)
    monkeypatch.setattr(csv_cells, "_PIECE", 12)
    path = tmp_path / "a.csv"
    path.write_text("frame,x,y\n0,1.5,2\n1,2.5,\n2,3.5,1000" + end)
    cells = read_cells(path)
    assert (cells.header, cells.lines.tolist(), cells.ragged) == (
        ["frame", "x", "y"],
        [2, 3, 4],
        {},
    )
    assert [column.texts for column in cells.columns] == [
        ["0", "1", "2"], ["1.5", "2.5", "3.5"], ["2", "", "1000"]
    ]  # fmt: skip


@pytest.mark.parametrize("large", [0, 1 << 24])
def test_a_table_that_cannot_be_opened_is_told(
    tmp_path: Path, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "a.csv"
    path.write_text("frame,x,y\n0,1,2\n")
    monkeypatch.setattr(csv_cells, "_LARGE", large)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match=r"a.csv: not readable \(Permission denied\); give a CSV"):
        read_cells(path)


@pytest.mark.parametrize(
    ("text", "lines", "ragged"),
    [
        ("frame,x,y\n0,1,2\n\n1,2,3\n", [2, 4], {}),
        ("frame,x,y\n0,1,2\n1,2\n", [2, 3], {1: 2}),
        ("frame,x,y\n0,1,2,3\n1,2\n", [2, 3], {0: 4, 1: 2}),
        ("frame,x,y\n1,2\n0,1,2,3\n", [2, 3], {0: 2, 1: 4}),
        ("frame,x,y\n,,\n1,2,3\n", [3], {}),
        ("frame,x,y\n , ,\t\n1,2,3\n", [3], {}),
        ("frame,x,y\n1,2,3 \n,,\n", [2], {}),
        ("sep=,\nframe,x,y\n1,2,3\n", [3], {}),
        ("A title\nframe,x,y\n1,2,3\n", [3], {}),
        ("frame,x,y\r\n1,2,3\r\n", [2], {}),
        ('frame,x,"y"\n1,2,3\n', [2], {}),
        ("#frame,x,y\n1,2,3\n", [2], {}),
    ],
)
def test_small_pieces_find_what_is_odd(
    tmp_path: Path, text: str, lines: list[int], ragged: dict[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(csv_cells, "_PIECE", 20)
    monkeypatch.setattr(csv_cells, "_LARGE", 0)
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    cells = read_cells(path)
    assert (cells.header, cells.lines.tolist(), cells.ragged) == (
        ["frame", "x", "y"],
        lines,
        ragged,
    )


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("usual", ["2", "2.5", "", "True"])
def test_numbers_are_those_of_the_texts(odd: str, usual: str) -> None:
    texts = [usual, odd, usual]
    column = lay_out([f"{text};9" for text in texts], ";", 2).columns(len(texts))[0]
    assert column.texts == texts
    assert column.has_point() == any("." in text for text in texts)
    assert column.is_empty() == (not any(text.strip() for text in texts))
    for made, expected in zip(column.read_numbers(), TextColumn(texts).read_numbers(), strict=True):
        np.testing.assert_array_equal(made, expected)


def test_random_numbers_are_exact() -> None:
    rng = np.random.default_rng(0)
    values = 10 ** rng.uniform(-300, 300, 2000) * rng.choice([-1, 1], 2000)
    rows = [f"{value!r},{value:.25g}" for value in values.tolist()]
    for column in lay_out(rows, ",", 2).columns(len(rows)):
        assert isinstance(column, NumberColumn)
        np.testing.assert_array_equal(column.read_numbers()[0], values)


@pytest.mark.parametrize(("odd", "is_number"), [("x", False), ("2.5", True), ("", True)])
def test_columns_may_change_their_kind_far_down(odd: str, is_number: bool) -> None:
    texts = [*map(str, range(100_000)), odd]
    column = lay_out([f"{text},9" for text in texts], ",", 2).columns(len(texts))[0]
    assert isinstance(column, NumberColumn) == is_number
    assert column.texts == texts
    assert column.has_point() == ("." in odd)
    for made, expected in zip(column.read_numbers(), TextColumn(texts).read_numbers(), strict=True):
        np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ('frame,x,y\n0,"1,234","2,345"\n1,"1,240","2,345"\n', None),  # commas part fields, too
        ('frame,x,y\n0,"1,234",5\n1,987,6\n', None),
        ("frame;x;y\n0;1,234;2,345\n1;1,240;987\n", None),  # 987 beside 2,345: thousands
        ("frame\tx\ty\n0\t-1,234\t5\n1\t12\t6\n", None),
        ("frame;x;y\n0;1,234;2,345\n1;1,240;2,987\n", 1.234),  # three decimals each
        ("frame;x;y\n0;1,234;0,345\n1;12;2,987\n", 1.234),  # no thousands begin with 0
        ("frame;x;y\n0;1,234;2,5\n1;987;2,987\n", 1.234),  # nor have one digit
        ('frame,x,y\n0,"1234,567","2,345"\n1,"1,240","2,345"\n', 1234.567),
    ],
)
def test_commas_that_may_part_thousands_are_refused(
    tmp_path: Path, text: str, x: float | None
) -> None:
    """1,234 beside 987 was read as 1.234, a thousandth of what it is."""
    (tmp_path / "c.csv").write_text(text, encoding="utf-8")
    if x is None:
        with pytest.raises(UserError, match="and nothing between thousands"):
            read_spots_csv(tmp_path / "c.csv")
        return
    assert read_spots_csv(tmp_path / "c.csv").spots.table["x"][0] == x


# Units beside those of positions.


@pytest.mark.parametrize(
    ("header", "row", "name", "value"),
    [
        ("frame,x (µm),y (µm),radius (nm)", "0,1,2,3500", "radius", 3.5),
        ("frame,x_um,y_um,volume (nm2)", "0,1,2,4e6", "volume", 4.0),
        ("frame,x_um,y_um,z_um,volume (nm^3)", "0,1,2,3,4e9", "volume", 4.0),
        ("frame,x_um,y_um,z_um,volume [µm³]", "0,1,2,3,4", "volume", 4.0),
        ("frame,x_um,y_um,z_um,boundary_distance (mm)", "0,1,2,3,-0.001", "boundary_distance", -1),
        ("frame,x (nm),y (nm),radius (µm)", "0,1,2,3", "radius", 3000.0),
        ("frame,x_um,y_um,z_um,ellipsoid_a (nm)", "0,1,2,3,4e3", "ellipsoid_a", 4.0),
    ],
)
def test_stated_units_of_features_are_converted(
    tmp_path: Path,
    header: str,
    row: str,
    name: str,
    value: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spots = read(tmp_path, f"{header}\n{row}\n").spots
    assert spots.table[name].tolist() == pytest.approx([value])
    assert "not converted" not in caplog.text


@pytest.mark.parametrize(
    ("header", "row", "name", "value"),
    [
        ("frame,x (px),y (px),z (px),radius (µm)", "0,10,4,5,3.5", "radius", 3.5),
        ("frame,x,y,z,radius", "0,10,4,5,3.5", "radius", 1.75),
        ("frame,x,y,z,radius (px)", "0,10,4,5,7", "radius", 3.5),
        ("frame,x (px),y (px),z (px),volume (µm3)", "0,10,4,5,64", "volume", 64.0),
        ("frame,x,y,z,volume [voxels]", "0,10,4,5,64", "volume", 32.0),
        ("frame,x,y,z,boundary_distance (nm)", "0,10,4,5,64", "boundary_distance", 0.064),
    ],
)
def test_stated_units_count_among_pixels(
    tmp_path: Path, header: str, row: str, name: str, value: float
) -> None:
    table = read(tmp_path, f"{header}\n{row}\n", PIXELS, units="pixels").spots.table
    assert table[["x", "y", "z"]].to_numpy().tolist() == [[5.0, 2.0, 10.0]]
    assert table[name].tolist() == pytest.approx([value])


def test_voxels_beside_positions_in_space(tmp_path: Path) -> None:
    text = "frame,x,y,z,volume (voxels)\n0,1,2,3,64\n"
    assert rows(read(tmp_path, text, PIXELS), "x", "volume") == [[1.0, 32.0]]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("frame,x_um,y_um,z_um,volume (voxels)", "states volume in voxels, .* to µm.3:"),
        ("frame,x_um,y_um,z_um,volume (pl)", "states volume in pl, which is not converted"),
        ("frame,x_um,y_um,z_um,volume (µm2)", "states volume in µm2, which is not converted"),
        ("frame,x,y,z,radius (µm)", "states radius in µm, .* to pixel:"),
        ("frame,x (inch),y (inch),z,radius", "positions in inch, which is no unit .*as pixel"),
    ],
)
def test_units_that_are_not_converted_are_told(
    tmp_path: Path, header: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    read(tmp_path, f"{header}\n0,1,2,3,4\n")
    assert re.search(message, caplog.text)


def test_times_are_converted_to_the_unit_of_dt(tmp_path: Path) -> None:
    text = "time (min),x,y\n0,1,2\n1,1,2\n2.5,1,2\n"
    spots = read(tmp_path, text, Calibration(dt=30, time_unit="sec")).spots
    assert spots.frame.tolist() == [0, 2, 5]
    assert spots.calibration.time_unit == "sec"


@pytest.mark.parametrize("name", ["vol", "cell_id", "Label", "label_", "radius (nm)", "T"])
def test_own_features_come_back_under_no_column_of_ours(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    columns: dict[str, list[float]] = {"frame": [0], "x": [1.0], "y": [2.0], name: [7.0]}
    spots = Spots.from_table(pd.DataFrame(columns), Calibration(), ndim=2)
    path = tmp_path / "cells.csv"
    write_spots_csv(path, spots)
    assert f"{name} as {name}_property" in caplog.text
    back = read_spots_csv(path).spots
    assert f"{name}_property" in back.features
    assert set(back.table) - {f"{name}_property"} == set(spots.table) - {name}


@pytest.mark.parametrize(
    ("header", "values", "told"),
    [
        ("movie", "ab", True),
        ("Position", "12", True),
        ("File Name", "ab", True),
        ("fov", "11", False),
        ("position", ("0.5", "1.5"), False),
        ("mass", "12", False),
    ],
)
def test_cells_of_several_movies_in_one_table_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, header: str, values: str, told: bool
) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(f"frame,x,y,{header}\n0,1,1,{values[0]}\n0,5,5,{values[1]}\n")
    read_spots_csv(path)
    assert ("are these cells of several movies?" in caplog.text) == told
