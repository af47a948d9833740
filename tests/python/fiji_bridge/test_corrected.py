"""Tracks that were corrected, as the real TrackMate opens them."""

import gzip
import math
from pathlib import Path

import fiji_jvm
import pytest
from canonical_xml import DATA

from btrackmate.io.trackmate import read_trackmate
from btrackmate.review import EditSession

FILES = ["laptrack_splitting_merging.xml", "FakeTracks_pytrackmate.xml.gz"]


def correct(path: Path) -> None:
    """Break a division, swap two cells, bridge a gap, add, move and delete spots, and save."""
    with EditSession.open(path) as session:
        tracks, graph = session.tracks, session.to_graph()
        ids = graph.spots.id.tolist()
        for row in graph.divisions[:2].tolist():
            mother = ids[row]
            session.do("remove_division", mother=mother, daughter=tracks.children(mother)[1])
        inner = next(i for i in ids if tracks.parents(i) and tracks.children(i))
        parent, child = tracks.parents(inner)[0], tracks.children(inner)[0]
        session.do("delete_spot", spot=inner)
        if not tracks.children(parent) and not tracks.parents(child):
            session.do("connect", source=parent, target=child)
        added = session.do("add_spot", frame=tracks.frame(parent) + 1, position=(5, 6, 0), radius=3)
        session.do("add_division" if tracks.children(parent) else "connect",
                   **dict(zip(("mother", "daughter") if tracks.children(parent)
                              else ("source", "target"),
                              (parent, added.added_spots[0].id), strict=True)))  # fmt: skip
        last = next(f for f in range(3, tracks.n_frames) if len(tracks.in_frame(f)) > 1)
        one, other = _two_to_swap(tracks, last)
        session.do("swap", one=one, other=other)
        session.do("move_spot", spot=other, position=(7, 8, 0))
        session.save()


def _two_to_swap(tracks, frame):
    spots = [i for i in tracks.in_frame(frame).tolist() if tracks.parents(i)]
    return next((a, b) for a in spots for b in spots if tracks.parents(a) != tracks.parents(b))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_trackmate_opens_corrected_tracks_with_the_edits(trackmate, tmp_path, name):
    """No new warning, our links, and of the features that the file has what it computes itself."""
    data = (DATA / "trackmate-xml" / name).read_bytes()
    path = tmp_path / "tracks.xml"
    path.write_bytes(gzip.decompress(data) if name.endswith(".gz") else data)
    before = trackmate(fiji_jvm.read_model, path)
    correct(path)
    warnings, spots, read, computed = trackmate(fiji_jvm.read_model, path)
    assert warnings == before[0]
    graph = read_trackmate(path).graph
    links = graph.links_table()
    assert set(read[0]) == set(zip(links["source"], links["target"], strict=True))
    assert set(read[0]) != set(before[2][0])
    assert set(spots) == set(graph.spots.id.tolist())
    for kind in (0, 1):
        assert set(read[kind]) == set(computed[kind])
        known = {key for values in read[kind].values() for key in values}
        for one, values in computed[kind].items():
            for key, value in values.items():
                if (
                    key not in known
                    or key == "TRACK_INDEX"
                    or (key == "LINK_COST" and key not in read[kind][one])
                ):
                    continue  # TrackMate takes a cost that is not there for 0.
                got = read[kind][one].get(key, math.nan)
                same = math.isclose(got, value, rel_tol=1e-9, abs_tol=1e-9)
                assert same or (math.isnan(got) and math.isnan(value)), (one, key, got, value)
