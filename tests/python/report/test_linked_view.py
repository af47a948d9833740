"""The interactive part: its numbers, and what it does in a browser."""

import base64
import html
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from btrackmate.core.calibration import Calibration
from btrackmate.core.graph import TrackGraph
from btrackmate.core.spots import Spots
from btrackmate.report.linked_view import render_linked_view

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-component-update --disable-background-networking --window-size=1000,900 "
    "--enable-logging=stderr --virtual-time-budget=4000 --dump-dom"
).split()
#: Clicks on the lineage tree, moves the slider, clicks on the picked cell, and tells what it saw.
PROBE = """
<script>
const seen = [], view = document.getElementById("linked-view");
window.addEventListener("error", (event) => seen.push("error " + event.message));
const part = (name) => view.querySelector(`[data-part=${name}]`);
const say = (what) => seen.push(what + " " + view.dataset.picked + " " + view.dataset.frame);
const press = (canvas, x, y) => {
  const box = canvas.getBoundingClientRect(), at = {clientX: box.left + x, clientY: box.top + y};
  canvas.dispatchEvent(new PointerEvent("pointerdown", {...at, pointerId: 1}));
  canvas.dispatchEvent(new PointerEvent("pointerup", {...at, pointerId: 1}));
  canvas.dispatchEvent(new MouseEvent("click", at));
};
say("start");
press(part("tree"), part("tree").getBoundingClientRect().width - 9, 18 + 1 * 7);
say("tree");
part("frame").value = 1;
part("frame").dispatchEvent(new Event("input"));
say("slider");
const scene = part("scene").getBoundingClientRect();
press(part("scene"), 3, 3);
say("nowhere");
for (let x = 0; x < scene.width && !view.dataset.picked; x += 4)
  for (let y = 0; y < scene.height && !view.dataset.picked; y += 4) press(part("scene"), x, y);
say("scene");
part("colour").selectedIndex = 1;
part("colour").dispatchEvent(new Event("change"));
part("play").click();
setTimeout(() => {
  say("played");
  seen.push("hash " + location.hash);
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = seen.join("\\n");
  document.body.append(out);
}, 600);
</script>
"""


def make_graph():
    """Two tracks with ids 70 and 80; 70 divides after frame 1 (a row a line; frames across).

    0---2---4        70
         \\-5
    1---3---6        80, fifty away
    """
    table = pd.DataFrame(
        {"frame": [0, 0, 1, 1, 2, 2, 2], "x": [0.0, 50, 1, 50, 0, 2, 51], "y": 0.0, "z": 0.0,
         "volume": [1.0, 2, 3, 4, 5, 6, np.nan]}
    )  # fmt: skip
    spots = Spots.from_table(table, Calibration(dt=5.0, space_unit="µm", time_unit="min"))
    return TrackGraph.from_links(spots, np.array([0, 2, 2, 1, 3]), np.array([2, 4, 5, 3, 6]))


IDS = np.array([70, 80])


def read_data(text):
    found = re.search(r'id="linked-data">(.*?)</script>', text, re.S)
    return json.loads(found.group(1))


def decode(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_numbers_in_the_page_are_those_of_the_tracks():
    data = read_data(render_linked_view(make_graph(), IDS))
    assert data["ids"] == [70, 80]
    assert decode(data["offset"], "<i4").tolist() == [0, 2, 5, 6, 7]
    assert decode(data["frame"], "<u2").tolist() == [0, 1, 0, 1, 2, 2, 2]
    assert decode(data["track"], "<i4").tolist() == [0, 1, 0, 0]
    assert decode(data["links"], "<i4").reshape(-1, 2).tolist() == [[0, 2], [0, 3]]
    assert decode(data["row"], "<f4").tolist() == [0.5, 3, 0, 1]
    x = decode(data["place"], "<u2").reshape(-1, 3)[:, 0] / 65535 * data["extent"][0]
    np.testing.assert_allclose(x, [0, 1, 50, 50, 51, 0, 2], atol=0.001)
    volume = next(one for one in data["features"] if one["label"].startswith("Volume (µm³)"))
    assert decode(volume["values"], "u1")[4] == 255  # the missing one
    assert (data["dt"], data["time"], data["rows"]) == (5.0, "min", 4)


def test_a_volume_in_2d_is_an_area():
    graph = make_graph()
    flat = Spots.from_table(graph.spots.table, graph.spots.calibration, ndim=2)
    features = read_data(render_linked_view(graph.with_spots(flat), IDS))["features"]
    labels = [one["label"] for one in features]
    assert any(label.startswith("Area (µm²), ") for label in labels)
    assert not any("µm³" in label for label in labels)


def test_large_movies_are_thinned_to_whole_tracks_and_say_so():
    text = render_linked_view(make_graph(), IDS, max_spots=4)
    assert read_data(text)["ids"] == [70]
    assert "1 of 2 tracks are shown (those with most divisions, then most spots)" in text


def test_a_hundred_thousand_spots_take_less_than_twenty_megabytes():
    rng = np.random.default_rng(0)
    n = 100_000
    table = pd.DataFrame(rng.random((n, 3)), columns=["x", "y", "z"])
    table = table.assign(frame=np.repeat(np.arange(100), n // 100), volume=rng.random(n))
    ids = np.arange(n)
    graph = TrackGraph.from_links(Spots.from_table(table, Calibration()), ids[:-1000], ids[1000:])
    text = render_linked_view(graph, np.arange(graph.n_tracks))
    assert len(text.encode()) < 3e6
    assert "tracks are shown" not in text


def test_names_cannot_leave_the_data():
    graph = make_graph()
    evil = graph.spots.with_columns({"</script><b>": np.arange(7.0)})
    text = render_linked_view(graph.with_spots(evil), IDS)
    assert text.count("</script>") == 2
    assert "</script><b>" not in text
    assert any("</script><b>" in one["label"] for one in read_data(text)["features"])


def test_without_tracks_there_is_nothing():
    spots = Spots.from_table(pd.DataFrame({"frame": [0], "x": 0.0, "y": 0.0, "z": 0.0}),
                             Calibration())  # fmt: skip
    empty = TrackGraph.from_links(spots, np.array([], int), np.array([], int))
    assert render_linked_view(empty, np.array([], int)) == ""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize(("fragment", "start"), [("", " 2"), ("#track=80", "80 2")])
def test_picking_sliding_and_sharing_work_in_a_browser(tmp_path, fragment, start):
    page = tmp_path / "page.html"
    style = "<style>canvas { width: 400px; height: 400px; }</style>"
    body = str(render_linked_view(make_graph(), IDS)) + PROBE
    page.write_text(f"<!DOCTYPE html><meta charset='utf-8'>{style}{body}", encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [CHROMIUM, *FLAGS, profile, page.as_uri() + fragment]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr[-2000:]
    seen = html.unescape(found.group(1)).splitlines()
    assert seen[0] == f"start {start}"
    assert seen[1] == "tree 70 2"  # the second row is the daughter's
    assert seen[2] == "slider 70 1"
    assert seen[3] == "nowhere  1"
    assert re.fullmatch(r"scene (70|80) 1", seen[4])
    number = seen[4].split()[1]
    assert re.fullmatch(rf"played {number} [012]", seen[5])
    assert seen[6] == f"hash #track={number}"
    assert not any(line.startswith("error") for line in seen)
    assert "CONSOLE" not in done.stderr
