"""Reading a TrackMate file and writing it again loses nothing."""

import gzip
import logging
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from canonical_xml import DATA, REAL_FILES, canonical, differences, parse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from btrackmate.core.errors import UserError
from btrackmate.io.decimals import read_float
from btrackmate.io.trackmate import read_blocks, read_encoding, read_trackmate, write_trackmate
from btrackmate.io.trackmate.read_parser import TrackMateParser

ODD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- before -->
<TrackMate version="9.9.9" lab="a &quot;b&quot;">
  <Log>first&#13;
  a &lt; b &amp; c</Log>
  <Model spatialunits="micron" timeunits="s" other="kept">
    <FeatureDeclarations>
      <SpotFeatures>
        <Feature feature="MY" name="mine" shortname="m" dimension="NONE" isint="true" />
      </SpotFeatures>
      <EdgeFeatures />
      <TrackFeatures />
      <LineageFeatures><Feature feature="L" /></LineageFeatures>
    </FeatureDeclarations>
    <AllSpots nspots="5">
      <!-- a note -->
      <SpotsInFrame frame="0">
        <Spot ID="7" name="M&amp;M &quot;x&quot;" POSITION_X="1" POSITION_Y="2" POSITION_Z="0"
          MY="3"><Mesh faces="2">0 1 2</Mesh></Spot>
        <Spot ID="8" name="ID8" POSITION_X="1" POSITION_Y="2" POSITION_Z="0" MY="NaN" />
        <Spot ID="9" name="ID9" POSITION_X="1" POSITION_Y="2" POSITION_Z="0" />
      </SpotsInFrame>
      <SpotsInFrame frame="1" />
      <SpotsInFrame frame="2">
        <Spot ID="70000" name="far" POSITION_X="5" POSITION_Y="2" POSITION_Z="0" KIND="stem" />
        <Spot ID="3" name="ID3" POSITION_X="5" POSITION_Y="3" POSITION_Z="0"
          ROI_N_POINTS="3">0 0 1.5 0 0 1 </Spot>
      </SpotsInFrame>
    </AllSpots>
    <AllTracks>
      <Track name="T" TRACK_ID="12" MOOD="0.5"><Note>hand-made</Note>
        <Edge SPOT_SOURCE_ID="70000" SPOT_TARGET_ID="7" LINK_COST="NaN" COLOR="-3"><Why /></Edge>
        <Edge SPOT_SOURCE_ID="8" SPOT_TARGET_ID="70000" />
      </Track>
    </AllTracks>
    <FilteredTracks>
      <TrackID TRACK_ID="12" />
    </FilteredTracks>
  </Model>
  <?keep this?>
  <Later a="1">text <b>bold</b> tail</Later>
</TrackMate>
<!-- after -->
"""


def fill(tree):
    """Add to a canonical tree what the writer adds by rule to files that lack it."""
    tag, attributes, text, children = tree
    if tag == "Spot":
        attributes = {"QUALITY": "NaN", "RADIUS": 5.0, "VISIBILITY": 1.0, **attributes}
        frame = {7: 0.0, 8: 0.0, 9: 0.0}.get(attributes["ID"], 2.0)
        attributes = {"FRAME": frame, "POSITION_T": frame, **attributes}
    return (tag, attributes, text, [fill(child) for child in children])


@pytest.mark.parametrize("path", REAL_FILES, ids=lambda p: p.name)
def test_real_files(path, tmp_path):
    document = read_trackmate(path)
    write_trackmate(tmp_path / "again.xml", document.graph, document)
    before, after = canonical(parse(path)), canonical(parse(tmp_path / "again.xml"))
    assert differences(before, after) == []


def test_all_real_files_are_there():
    assert len(REAL_FILES) == 9


@pytest.mark.parametrize("name", ["again.xml", "again.xml.gz"])
def test_odd_file(tmp_path, name):
    path = tmp_path / "odd.xml"
    path.write_text(ODD, encoding="utf-8")
    document = read_trackmate(path)
    write_trackmate(tmp_path / name, document.graph, document)
    before, after = fill(canonical(parse(path))), canonical(parse(tmp_path / name))
    # POSITION_T is frame × dt and declared nowhere; everything else is as it was.
    found = [d for d in differences(before, after) if "FeatureDeclarations" not in d]
    assert found == []
    data = (tmp_path / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith("gz") else data).decode()
    assert text.index("<!-- before -->") < text.index("<TrackMate")
    assert text.index("<!-- after -->") > text.index("</TrackMate>")
    assert "first&#13;\n  a &lt; b &amp; c" in text
    assert "<?keep this?>" in text


def test_odd_file_as_graph(tmp_path):
    path = tmp_path / "odd.xml"
    path.write_text(ODD, encoding="utf-8")
    document = read_trackmate(path)
    graph = document.graph
    assert graph.spots.id.tolist() == [7, 8, 9, 3, 70000]
    # Links go forward in time whichever way the file has them.
    assert graph.links_table()[["source", "target"]].to_numpy().tolist() == [[7, 70000], [8, 70000]]
    assert np.isnan(graph.cost).all()
    assert graph.spots.table["KIND"].tolist()[-1] == "stem"
    np.testing.assert_array_equal(graph.spots.feature("MY"), [3, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(graph.spots.contours[3], [[0, 0], [1.5, 0], [0, 1]])
    assert document.track_names == {12: "T"}
    assert document.spot_names[70000] == "far"
    assert graph.spots.calibration.space_unit == "µm"
    assert document.version == "9.9.9"


@pytest.mark.parametrize("way", ["texts", "numbers", "small pieces"])
@pytest.mark.parametrize("path", REAL_FILES, ids=lambda p: p.name)
def test_blocks_and_xml_parser_agree(path, way, monkeypatch):
    monkeypatch.setattr(read_blocks, "are_few", lambda _: way == "texts")
    if way == "small pieces":
        monkeypatch.setattr(read_encoding, "PIECE", 5_000)
    fast, slow = TrackMateParser(path), TrackMateParser(path, fast=False)
    fast.parse()
    slow.parse()
    assert (fast._skipped, slow._skipped) == (True, False)
    for kind in ("spots", "edges", "tracks"):
        a, b = getattr(fast, kind).finish(), getattr(slow, kind).finish()
        assert a.n == b.n
        if kind == "spots" and way != "texts":  # "ID7" of spot 7 is not kept
            assert _own_names(a) == _own_names(b)
            for table in (a, b):
                table.columns.pop("name", None), table.absent.pop("name", None)
        assert a.columns.keys() == b.columns.keys()
        for key, values in a.columns.items():
            np.testing.assert_array_equal(values, b.columns[key])
            np.testing.assert_array_equal(a.absent.get(key), b.absent.get(key))
    assert fast.spot_frames == slow.spot_frames
    assert fast.track_sizes == slow.track_sizes
    assert fast.filtered == slow.filtered
    assert fast.rois.keys() == slow.rois.keys()
    for row, outline in fast.rois.items():
        np.testing.assert_array_equal(outline, slow.rois[row])


def _own_names(table):
    names = table.columns.get("name", [None] * table.n)
    ids = table.columns["ID"].astype(int)
    return [name for i, name in zip(ids, names, strict=True) if name not in (None, f"ID{i}")]


@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_file_in_pieces_of_any_size(tmp_path, size, few, monkeypatch):
    """Odd numbers, names, a comment and a foreign element, across the pieces' borders."""
    monkeypatch.setattr(read_blocks, "are_few", lambda _: few)
    monkeypatch.setattr(read_encoding, "PIECE", size)
    values = ["1.50", "+3", "NaN", "1e400", ".5", "-0", "007", "12345678901234567890", "1e-400"]
    spots = "".join(
        f'<Spot ID="{i}" name="{"é" if i == 1 else f"ID{i}"}" POSITION_X="{i / 3}" '
        f'POSITION_Y="-1E2" POSITION_Z="0" QUALITY="{value}" KIND="00{i}" />\n'
        for i, value in enumerate(values)
    )
    path = tmp_path / "a.xml"
    path.write_text(
        f"<TrackMate><Model><!-- <AllSpots --><AllSpots>"
        f'<SpotsInFrame frame="4">{spots}</SpotsInFrame><SpotsInFrame frame="5" />'
        f'<odd /><SpotsInFrame frame="6">{spots.replace(" ID=" + chr(34), " ID=" + chr(34) + "9")}'
        "</SpotsInFrame></AllSpots><AllTracks /></Model></TrackMate>",
        encoding="utf-8",
    )
    document = read_trackmate(path)
    table = document.graph.spots.table
    expected = np.array([float(value) for value in values] * 2)
    np.testing.assert_array_equal(table["quality"], expected)
    assert np.signbit(table["quality"][5])
    assert table["KIND"].tolist() == [f"00{i}" for i in range(len(values))] * 2
    assert table["x"].tolist() == [i / 3 for i in range(len(values))] * 2
    assert document.spot_names[1] == "é"
    assert len(document.spot_names) == 1 + len(values)  # the second frame's are ID0, not ID90
    assert [element.tag for element in document.extras["spots", 0]] == ["odd"]


@pytest.mark.parametrize(
    "text",
    ["1", "-0.0", "0", "0.1", "1e5", "1E-5", "1.5e+300", "-1.25", "NaN", "1.7976931348623157e308",
     "0.000000000000000000000001", "9007199254740991"],
)  # fmt: skip
def test_a_number_that_is_read_is_the_nearest(text):
    read, bits = read_float(np.frombuffer(text.encode(), np.uint8), 0, len(text))
    number = np.array(bits, np.int64).view(np.float64)
    assert read
    np.testing.assert_array_equal(number, float(text))
    assert np.signbit(number) == np.signbit(float(text))


@pytest.mark.parametrize(
    "text",
    ["", "-", "-0", "1.", ".5", "+1", "1,5", "1e", "e5", "0x1", "--1", "1_0", "1.5.2", "Infinity",
     "-NaN", "9007199254740993", "4503599627370497.5", "8.5e-320", "1e23", "1e400",
     "12345678901234567890"],
)  # fmt: skip
def test_no_number_or_one_half_way_is_left_to_python(text):
    assert not read_float(np.frombuffer(text.encode(), np.uint8), 0, len(text))[0]


def test_read_numbers_of_any_bits_are_the_nearest():
    numbers = np.random.default_rng(3).integers(-(2**63), 2**63 - 1, 3_000).view(np.float64)
    texts = [repr(number) for number in numbers[np.isfinite(numbers)].tolist()]
    read = [read_float(np.frombuffer(t.encode(), np.uint8), 0, len(t)) for t in texts]
    assert np.mean([done for done, _ in read]) > 0.9
    assert all(
        np.array(bits).view(np.float64) == float(text)
        for text, (done, bits) in zip(texts, read, strict=True)
        if done
    )


def test_spots_in_a_comment_are_no_spots(tmp_path):
    spot = '<Spot ID="1" name="a" POSITION_X="0" POSITION_Y="0" POSITION_Z="0" />'
    path = tmp_path / "a.xml"
    path.write_text(
        "<TrackMate><Model><AllSpots>"
        f'<!-- <SpotsInFrame frame="0">{spot}</SpotsInFrame> -->'
        f'<SpotsInFrame frame="4">{spot}</SpotsInFrame>'
        "</AllSpots><AllTracks /></Model></TrackMate>"
    )
    assert read_trackmate(path).graph.spots.frame.tolist() == [4]


@pytest.mark.parametrize("between", ["<!-- by hand -->", "<?by hand?>", "<N>by <b>hand</b></N>"])
@pytest.mark.parametrize("place", [0, 2, 6])
def test_what_stands_between_the_numbers_of_an_outline_takes_none_away(tmp_path, between, place):
    numbers = "0 0 1.5 0 0 1".split()
    outline = " ".join([*numbers[:place], between, *numbers[place:]])
    path, again = tmp_path / "a.xml", tmp_path / "again.xml"
    path.write_text(
        "<TrackMate><Model><AllSpots><SpotsInFrame frame='0'>"
        '<Spot ID="1" name="a" POSITION_X="0" POSITION_Y="0" POSITION_Z="0" ROI_N_POINTS="3">'
        f"{outline}</Spot></SpotsInFrame></AllSpots><AllTracks /></Model></TrackMate>"
    )
    document = read_trackmate(path)
    write_trackmate(again, document.graph, document)
    assert "0.0 0.0 1.5 0.0 0.0 1.0" in again.read_text()
    assert "hand" in again.read_text()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 50_000), st.binary(min_size=0, max_size=6), st.integers(0, 40))
@example(24396, b"\0\n", 0)
def test_damaged_files_give_one_line(tmp_path, position, inserted, removed):
    data = (DATA / "trackmate-xml" / "laptrack_gap_closing.xml").read_bytes()
    position %= len(data)
    damaged = data[:position] + inserted + data[position + removed :]
    path = tmp_path / "damaged.xml"
    path.write_bytes(damaged)
    logging.disable(logging.WARNING)
    try:
        read_trackmate(path)
    except UserError as error:
        assert "\n" not in str(error)
        assert "damaged.xml" in str(error)
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not readable as XML"),
        (b"x,y\n1,2\n", "not readable as XML"),
        (b"\x1f\x8bnonsense", "not readable"),
        (b"<html><body /></html>", "root <html>"),
        (b"<TrackMate version='8'><Log>x</Log></TrackMate>", "without Model"),
        (
            b"<TrackMate><Model><AllSpots><SpotsInFrame frame='a'/></AllSpots></Model></TrackMate>",
            "frame number",
        ),
        (
            b"<TrackMate><Model><AllSpots><SpotsInFrame frame='0'><Spot name='a' POSITION_X='1'/>"
            b"</SpotsInFrame></AllSpots></Model></TrackMate>",
            "without a whole number ID",
        ),
        (
            b"<TrackMate><Model><AllSpots><SpotsInFrame frame='0'><Spot ID='1' POSITION_X='1'/>"
            b"</SpotsInFrame></AllSpots></Model></TrackMate>",
            "lacks column y",
        ),
        (b"<TrackMate>\n<Model>\n<AllSpots>\n</Model></TrackMate>", "line 4"),
    ],
)
def test_what_is_no_trackmate_file(tmp_path, content, message):
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_trackmate(path)
    assert str(path) in str(caught.value)


def test_line_number_after_skipped_blocks(tmp_path):
    text = (DATA / "trackmate-xml" / "laptrack_gap_closing.xml").read_text(encoding="utf-8")
    broken = text.replace("<Settings>", "<Settings><oops>")
    line = broken[: broken.index("</Settings>")].count("\n") + 1
    path = tmp_path / "a.xml"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(UserError, match=f"line {line},"):
        read_trackmate(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_trackmate(tmp_path / "missing.xml")


def test_unknown_spots_and_doubled_links_are_left_out_with_a_warning(tmp_path, caplog):
    tree = ET.fromstring(ODD)
    track = tree.find("Model/AllTracks/Track")
    for source, target in ((8, 70000), (70000, 8), (8, 999)):
        ET.SubElement(track, "Edge", {"SPOT_SOURCE_ID": str(source), "SPOT_TARGET_ID": str(target)})
    path = tmp_path / "a.xml"
    ET.ElementTree(tree).write(path)
    document = read_trackmate(path)
    assert document.graph.n_links == 2
    assert "2 edges stand twice (the first: 8 → 70000)" in caplog.text
    assert "1 edges name a spot that is not there (the first: 8 → 999)" in caplog.text


def test_link_inside_a_frame_is_refused(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(ODD.replace('TARGET_ID="7"', 'TARGET_ID="3"'), encoding="utf-8")
    with pytest.raises(UserError, match="both in frame 2"):
        read_trackmate(path)
