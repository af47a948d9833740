"""TrackMate files as other programs write them: names, depth, numbers, encodings, exports."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from canonical_xml import DATA, canonical, differences, parse
from trackmate_structure import check_structure

from btrackmate.core.errors import UserError
from btrackmate.io.geff_reader import read_geff
from btrackmate.io.track_formats import read_tracks
from btrackmate.io.trackmate import read_trackmate, write_trackmate
from btrackmate.pipeline.converting import convert

SESSION = (DATA / "cases" / "session.xml").read_text(encoding="utf-8")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def rename(names: list[str], text: str = SESSION) -> str:
    """Give the spots other names, in order."""
    left = iter(names)
    return re.sub(r'(<Spot ID="\d+") name="[^"]*"', lambda m: f'{m[1]} name="{next(left)}"', text)


@pytest.mark.parametrize(
    "names",
    [
        ["1", "2", "3", "4"],
        ["007", "1.10", "+3", "1e5"],
        ["NaN", "Infinity", "-0", "1_000"],
        ["cell 1", "7", "8.0", ""],
        ["٣", "1,5", "ID2", "0x1F"],
    ],
)
@pytest.mark.parametrize("odd_layout", [False, True])
def test_names_are_text(tmp_path: Path, names: list[str], odd_layout: bool) -> None:
    """Also where a frame's spots do not share their attributes and are read one by one."""
    text = rename(names)
    if odd_layout:
        text = text.replace("<SpotsInFrame", "<!-- kept --><SpotsInFrame", 1)
    path = write(tmp_path / "a.xml", text)
    document = read_trackmate(path)
    write_trackmate(tmp_path / "b.xml", document.graph, document)
    root = check_structure(tmp_path / "b.xml", sections=False)
    assert [spot.get("name") for spot in root.iter("Spot")] == names
    assert differences(canonical(parse(path)), canonical(parse(tmp_path / "b.xml"))) == []


def test_a_spots_frame_is_that_of_its_element(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """TrackMate, too, keeps a spot in the frame of the SpotsInFrame that it stands in."""
    spots = read_trackmate(write(tmp_path / "a.xml", SESSION)).graph.spots
    assert "another frame" not in caplog.text
    number, frame = int(spots.id[-1]), int(spots.frame[-1])
    text = re.sub(rf'(<Spot ID="{number}"[^>]* FRAME=)"{frame}"', r'\1"0"', SESSION)
    assert text != SESSION
    again = read_trackmate(write(tmp_path / "b.xml", text)).graph.spots
    assert again.frame.tolist() == spots.frame.tolist()
    told = f"1 of its {len(spots)} spots name another frame than the SpotsInFrame element that they"
    assert f"{told} stand in, the first is spot {number}: FRAME 0 in frame {frame}" in caplog.text


def test_pycellins_name_of_the_time_unit(tmp_path: Path) -> None:
    """Some of its files say temporalunits; what we write says timeunits, too, for TrackMate."""
    path = write(tmp_path / "a.xml", SESSION.replace("timeunits=", "temporalunits="))
    document = read_trackmate(path)
    assert document.graph.spots.calibration.time_unit == "sec"
    write_trackmate(tmp_path / "b.xml", document.graph, document)
    model = parse(tmp_path / "b.xml").find("Model")
    assert model is not None
    assert model.get("timeunits") == "sec"


@pytest.mark.parametrize("names", [["1"], ["007"], ["Track 1"]])
def test_track_names_are_text(tmp_path: Path, names: list[str]) -> None:
    text = re.sub(r'<Track name="[^"]*"', f'<Track name="{names[0]}"', SESSION)
    assert text != SESSION or 'name="Track_0"' in text
    document = read_trackmate(write(tmp_path / "a.xml", text))
    assert list(document.track_names.values()) == names
    graph = document.graph.keep_links(np.arange(document.graph.n_links) != 0)
    for one, name in ((document.graph, "same.xml"), (graph, "changed.xml")):
        write_trackmate(tmp_path / name, one, document)
        root = check_structure(tmp_path / name, sections=False)
        assert [track.get("name") for track in root.iter("Track")] == names


def test_undeclared_attributes_that_look_like_numbers(tmp_path: Path) -> None:
    """A tag of 007 stays; one that programs print as a number is a number."""
    text = SESSION
    for i, (tag, score) in enumerate(
        [("007", "1.5"), ("1.10", "2"), ("8", "-3.25"), ("9", "1E-5")]
    ):
        text = text.replace(
            f'<Spot ID="{i + 1}"', f'<Spot ID="{i + 1}" TAG="{tag}" SCORE="{score}"'
        )
    document = read_trackmate(write(tmp_path / "a.xml", text))
    table = document.graph.spots.table
    assert table["TAG"].tolist() == ["007", "1.10", "8", "9"]
    assert table["SCORE"].tolist() == [1.5, 2.0, -3.25, 1e-5]
    write_trackmate(tmp_path / "b.xml", document.graph, document)
    assert 'TAG="007"' in (tmp_path / "b.xml").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("slices", ['nslices="1"', 'nslices="0"', ""])
@pytest.mark.parametrize("z", [["3.5", "4.5", "5.5", "6.5"], ["2.5"] * 4, ["-1.0"] * 4])
def test_depth_is_what_the_spots_say(tmp_path: Path, slices: str, z: list[str]) -> None:
    left = iter(z)
    text = re.sub(r'POSITION_Z="[^"]*"', lambda _: f'POSITION_Z="{next(left)}"', SESSION)
    text = re.sub(r'nslices="\d+"', slices, text)
    path = write(tmp_path / "a.xml", text)
    assert read_trackmate(path).graph.spots.ndim == 3
    for chain in ("b.geff", "c.xml", "d.csv", "e.geff"):
        convert(path, tmp_path / chain)
        path = tmp_path / chain
    assert read_geff(path).spots.table["z"].tolist() == [float(one) for one in z]


def test_flat_spots_stay_flat(tmp_path: Path) -> None:
    text = re.sub(
        r'nslices="\d+"', 'nslices="1"', re.sub(r'POSITION_Z="[^"]*"', 'POSITION_Z="0.0"', SESSION)
    )
    assert read_trackmate(write(tmp_path / "a.xml", text)).graph.spots.ndim == 2
    convert(tmp_path / "a.xml", tmp_path / "a.geff")
    assert [
        axis for axis in "xyz" if (tmp_path / "a.geff" / "nodes" / "props" / axis).exists()
    ] == ["x", "y"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r'RADIUS="[^"]*"', 'RADIUS="2,5"', "spot ID 1: RADIUS is '2,5'"),
        (r'QUALITY="[^"]*"', 'QUALITY=""', "spot ID 1: QUALITY is ''"),
        (r'LINK_COST="[^"]*"', 'LINK_COST="1,25"', "edge SPOT_SOURCE_ID 1, SPOT_TARGET_ID 2: LIN"),
        (r'TRACK_ID="0"', 'TRACK_ID="0" TRACK_DURATION="3,0"', "track TRACK_ID 0: TRACK_DURATION"),
        (r'pixelwidth="[^"]*"', 'pixelwidth="0,5"', "ImageData pixelwidth is '0,5'"),
        (r'timeinterval="[^"]*"', 'timeinterval="2,5"', "ImageData timeinterval is '2,5'"),
        (r'SPOT_SOURCE_ID="1"', 'SPOT_SOURCE_ID="1,0"', "SPOT_SOURCE_ID is '1,0'"),
    ],
)  # fmt: skip
def test_decimal_commas_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = re.sub(old, new, SESSION, count=1)
    assert text != SESSION
    with pytest.raises(UserError, match=message) as caught:
        read_trackmate(write(tmp_path / "a.xml", text))
    assert "\n" not in str(caught.value)


def test_an_interval_that_is_not_that_of_the_spots_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """TrackMate's durations follow from POSITION_T; ours from both were others."""
    graph = read_trackmate(write(tmp_path / "a.xml", SESSION)).graph
    step = graph.spots.calibration.dt
    assert "timeinterval" not in caplog.text
    text = re.sub(r'timeinterval="[^"]*"', f'timeinterval="{2 * step:g}"', SESSION, count=1)
    other = read_trackmate(write(tmp_path / "b.xml", text)).graph
    told = f"go up by {step:g} a frame, and the timeinterval of ImageData is {2 * step:g}: the spot"
    assert told in caplog.text
    assert other.spots.calibration == graph.spots.calibration


def test_decimal_commas_of_filters_and_outlines(tmp_path: Path) -> None:
    text = gzip.decompress(
        (DATA / "trackmate-xml" / "Ecoli_growth_on_agar_pad.xml.gz").read_bytes()
    )
    path = tmp_path / "a.xml"
    path.write_bytes(re.sub(rb'value="([-\d]+)\.(\d+)"', rb'value="\1,\2"', text))
    document = read_trackmate(path)
    with pytest.raises(UserError, match=r"the filter on \w+ in the TrackMate file is '[-\d]+,\d+'"):
        _ = document.track_filters + document.spot_filters
    path.write_bytes(re.sub(rb'(ROI_N_POINTS="\d+">-?\d+)\.', rb"\1,", text, count=1))
    with pytest.raises(UserError, match=r"has an outline \(ROI\) with '-?\d+,\d+'"):
        read_trackmate(path)


def test_a_text_in_anothers_feature_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    declared = (
        '<Feature feature="FATE" name="Fate" shortname="Fate" dimension="NONE" isint="false" />'
    )
    text = SESSION.replace("<SpotFeatures>", f"<SpotFeatures>{declared}")
    text = text.replace('<Spot ID="1"', '<Spot ID="1" FATE="stem"').replace(
        '<Spot ID="2"', '<Spot ID="2" FATE="1"'
    )
    document = read_trackmate(write(tmp_path / "a.xml", text))
    assert (
        "spot ID 1: FATE is 'stem', expected a number; the feature is kept as text" in caplog.text
    )
    write_trackmate(tmp_path / "b.xml", document.graph, document)
    assert 'FATE="stem"' in (tmp_path / "b.xml").read_text(encoding="utf-8")


def test_latin_1_that_says_utf_8(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = rename(["é", "µ", "Ö", "ß"])
    path = tmp_path / "a.xml"
    path.write_bytes(re.sub(r"[^\x00-\xff]", "?", text).encode("latin-1"))
    document = read_trackmate(path)
    assert list(document.spot_names.values()) == ["é", "µ", "Ö", "ß"]
    assert document.graph.spots.calibration.space_unit == "µm"
    assert "is not UTF-8, as it says" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_encodings_that_are_declared(tmp_path: Path, encoding: str) -> None:
    text = rename(["a", "é", "ü", "d"]).replace("UTF-8", encoding)
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode(encoding))
    assert list(read_trackmate(path).spot_names.values()) == ["a", "é", "ü", "d"]


def simple(particles: list[list[tuple[object, ...]]], head: str = "") -> str:
    lines = [f"<Tracks {head}>"]
    for particle in particles:
        lines.append("<particle>")
        lines += [f'<detection t="{t}" x="{x}" y="{y}" z="{z}" />' for t, x, y, z in particle]
        lines.append("</particle>")
    return "\n".join([*lines, "</Tracks>"])


def test_export_of_tracks_with_gaps_and_depth(tmp_path: Path) -> None:
    """Detections stand in any order; a gap is a link over it."""
    text = simple(
        [[(2, 3, 1, 7), (0, 1, 1, 7)], [(5, 9, 9, 8)]],
        'spaceUnits="micron" frameInterval="0.5" timeUnits="min"',
    )
    graph = read_tracks(write(tmp_path / "a.xml", text))[0]
    assert graph.spots.frame.tolist() == [0, 2, 5]
    assert graph.links_table()[["source", "target"]].to_numpy().tolist() == [[0, 1]]
    assert graph.spots.ndim == 3
    calibration = graph.spots.calibration
    assert (calibration.space_unit, calibration.dt, calibration.time_unit) == ("µm", 0.5, "min")


def test_export_of_a_division_makes_no_links_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    r"""0 - 1 < (2, 3) - (4, 5): which daughter is which is not said.

    frame 0   1    2    3
          0 - 1 -- 2 -- 4
                \- 3 -- 5
    """
    rows = [(0, 0, 0, 0), (1, 1, 0, 0), (2, 2, 1, 0), (2, 2, -1, 0), (3, 3, 1, 0), (3, 3, -1, 0)]
    graph = read_tracks(write(tmp_path / "a.xml", simple([rows])))[0]
    assert graph.links_table()[["source", "target"]].to_numpy().tolist() == [[0, 1]]
    assert "1 particles have several detections in a frame, the first is particle 0" in caplog.text


def test_isbi_export(tmp_path: Path) -> None:
    text = simple([[(0, 1.5, 2, 0), (1, 2.5, 2, 0)]]).replace("Tracks ", "TrackContestISBI2012 ")
    text = f"<root>{text.replace('/Tracks', '/TrackContestISBI2012')}</root>"
    convert(write(tmp_path / "a.xml", text), tmp_path / "b.xml")
    check_structure(tmp_path / "b.xml")
    graph = read_tracks(tmp_path / "b.xml")[0]
    assert (graph.n_links, graph.spots.table["x"].tolist()) == (1, [1.5, 2.5])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (simple([[(0.5, 1, 1, 0)]]), "particle 0: t is 0.5, expected a whole number"),
        (simple([[(0, "1,5", 1, 0)]]), "particle 0: x is '1,5', expected a number"),
        ("<Tracks><particle>", "not readable as XML"),
        ("<SpimData />", "root <SpimData>.*BigDataViewer"),
        ("<OME />", "holds no tracks"),
        ("<root><a /></root>", "root <root>.*save the session"),
        ("<spots />", "root <spots>, expected <TrackMate>; give a session that TrackMate saved"),
    ],
)
def test_other_xml_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_tracks(write(tmp_path / "a.xml", text))


def test_spots_where_trackmate_looks_for_none_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read_trackmate(write(tmp_path / "a.xml", SESSION))
    assert "stand elsewhere" not in caplog.text
    begin = re.sub(r"(<SpotsInFrame [^>]*>)(\s*<Spot )", r"\1<Old>\2", SESSION, count=1)
    text = begin.replace("</SpotsInFrame>", "</Old></SpotsInFrame>", 1)
    read_trackmate(write(tmp_path / "b.xml", text))
    assert "elements Spot stand elsewhere than TrackMate's spots" in caplog.text


def test_tracks_without_links_are_told_of(tmp_path, caplog):
    path = tmp_path / "a.xml"
    text = SESSION.replace("<AllTracks>", '<AllTracks><Track name="T" TRACK_ID="77" />', 1)
    path.write_text(text, encoding="utf-8")
    assert read_trackmate(path).graph.n_tracks
    assert "1 of its tracks have no links, and are left out" in caplog.text
    assert "the id of another" not in caplog.text
    number = re.search(r'TRACK_ID="(\d+)"', SESSION)
    assert number is not None
    path.write_text(text.replace('TRACK_ID="77"', number[0], 1), encoding="utf-8")
    read_trackmate(path)
    assert "1 of its tracks have the id of another" in caplog.text
