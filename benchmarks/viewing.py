"""Opening, selecting and editing large tracks in napari, ours and napari-track-edit 1.1.

Each side runs in a process of its own, in its own environment, on the same GEFF, under Xvfb:

    python benchmarks/viewing.py make tracks.geff [--tracks 100000]
    xvfb-run python benchmarks/viewing.py ours tracks.geff
    xvfb-run OTHER/bin/python benchmarks/viewing.py track-edit tracks.geff

The tracks have ten spots each and divide once; some have a gap. CPU and wall seconds are printed
for each action with the window redrawn after it, and the memory beyond an empty viewer.
"""

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: Frame of each spot of a track from its first, and its links: a mother and two daughters.
FRAMES = np.array([0, 1, 2, 3, 4, 4, 5, 5, 6, 6])
SOURCE, TARGET = np.array([0, 1, 2, 3, 3, 4, 5, 6, 7]), np.arange(1, 10)
N_FRAMES = 100


def make(path: Path, n_tracks: int) -> None:
    """Write tracks as GEFF."""
    import pandas as pd

    import btrackmate as bt

    rng = np.random.default_rng(0)
    frame = rng.integers(0, N_FRAMES - 8, n_tracks)[:, None] + FRAMES
    frame[rng.random(n_tracks) < 0.05, 8:] += 1  # a gap before the ends
    steps = rng.normal(0, 2, (n_tracks, FRAMES.size, 3)).cumsum(axis=1)
    position = rng.random((n_tracks, 1, 3)) * (1000, 1000, 100) + steps
    table = pd.DataFrame(position.reshape(-1, 3), columns=["x", "y", "z"])
    table["frame"] = frame.ravel()
    table["radius"] = 5.0
    table["volume"] = rng.random(len(table)) * 500
    order = np.argsort(table["frame"].to_numpy(), kind="stable")
    row = np.empty(order.size, np.int64)
    row[order] = np.arange(order.size)
    table = table.iloc[order].reset_index(drop=True).assign(id=np.arange(len(table)))
    size = bt.Calibration(dx=0.5, dy=0.5, dz=2.0, dt=2.0, space_unit="µm", time_unit="min")
    spots = bt.Spots.from_table(table, size, n_frames=N_FRAMES)
    first = np.arange(n_tracks)[:, None] * FRAMES.size
    graph = bt.TrackGraph.from_links(
        spots, row[(first + SOURCE).ravel()], row[(first + TARGET).ravel()]
    )
    bt.save(graph, path)
    print(graph)


def memory() -> float:
    """Give this process' resident memory in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def tick(name: str, do: Callable[[], Any]) -> Any:
    """Print what an action took."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = do()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{name:28} CPU {cpu:8.3f}  wall {wall:8.3f} s  {memory():6.0f} MB", flush=True)
    return result


def act(viewer: Any, name: str, do: Callable[[], Any]) -> None:
    """Print what an action took by itself, and with the window redrawn."""
    cpu, wall = time.process_time(), time.perf_counter()
    do()
    own, own_wall = time.process_time() - cpu, time.perf_counter() - wall
    draw(viewer)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(
        f"{name:28} CPU {own:8.3f}  wall {own_wall:8.3f} s  "
        f"with redrawing CPU {cpu:8.3f}  wall {wall:8.3f} s",
        flush=True,
    )


def draw(viewer: Any) -> None:
    """Let the window draw itself."""
    from qtpy.QtWidgets import QApplication

    for _ in range(5):
        QApplication.instance().processEvents()


def choose(graph_frame: np.ndarray, source: np.ndarray, target: np.ndarray) -> list[tuple]:
    """Choose ten links in the middle of the movie, as pairs of numbers."""
    middle = np.flatnonzero(graph_frame == N_FRAMES // 2)
    links = np.flatnonzero(np.isin(source, middle))[::97][:10]
    return list(zip(source[links].tolist(), target[links].tolist(), strict=True))


def ours(path: Path) -> None:
    """Measure btrackmate."""
    import napari

    import btrackmate.io.geff_reader  # noqa: F401 - what is loaded does not count
    from btrackmate.napari_plugin.model.opening import open_tracks
    from btrackmate.napari_plugin.view import workspace
    from btrackmate.napari_plugin.view.inspector import Inspector

    viewer = tick("viewer", lambda: (one := napari.Viewer(show=True), draw(one))[0])
    begin = memory()

    def open_all() -> Any:
        work = workspace.show(viewer, open_tracks(path))
        viewer.window.add_dock_widget(Inspector(viewer), area="right")
        draw(viewer)
        return work

    work = tick("open (with table and tree)", open_all)
    session, scene = work.session, work.session.scene
    pairs = choose(scene.frame, scene.source, scene.target)
    links = [(int(scene.id[a]), int(scene.id[b])) for a, b in pairs]
    for a, _ in links[:3]:
        act(viewer, "select", lambda a=a: session.select(a, go=True))
    for a, b in links[:3]:
        act(viewer, "break a link", lambda a=a, b=b: session.do("break_link", source=a, target=b))
        act(viewer, "undo", session.undo)
    for a, _ in links[3:6]:
        act(viewer, "delete a spot", lambda a=a: session.do("delete_spot", spot=a))
    for step in (51, 52):
        act(viewer, "next frame", lambda step=step: viewer.dims.set_current_step(0, step))
    gc.collect()
    print(f"memory beyond the empty viewer {memory() - begin:.0f} MB")
    workspace.close(viewer)
    viewer.close()


def track_edit(path: Path) -> None:
    """Measure napari-track-edit."""
    import napari
    from funtracks.import_export import import_from_geff
    from funtracks.user_actions import UserDeleteNodes, UserDisconnectNodes
    from napari_track_edit.application_menus.main_app import MainAppWidget
    from napari_track_edit.data_views.views_coordinator.tracks_viewer import TracksViewer

    viewer = tick("viewer", lambda: (one := napari.Viewer(show=True), draw(one))[0])
    begin = memory()

    def open_all() -> Any:
        viewer.window.add_dock_widget(MainAppWidget(viewer), area="right")
        names = {"time": "t", "pos": ["z", "y", "x"]}
        import zarr

        store = zarr.open(path, mode="r")
        axes = [one["name"] for one in store.attrs["geff"]["axes"]]
        names["time"] = next(one for one in axes if one not in ("z", "y", "x"))
        tracks = import_from_geff(path, node_name_map=names)
        coordinator = TracksViewer.get_instance(viewer)
        coordinator.tracks_list.add_tracks(tracks, "tracks")
        draw(viewer)
        return coordinator, tracks

    coordinator, tracks = tick("open (with table and tree)", open_all)
    nodes = [int(n) for n in tracks.graph.node_ids()]
    times = {n: int(tracks.get_time(n)) for n in nodes[:: max(1, len(nodes) // 200_000)]}
    middle = [n for n, t in times.items() if t == N_FRAMES // 2][::97]
    links = [(n, int(next(iter(tracks.graph.successors(n))))) for n in middle
             if tracks.graph.out_degree(n)][:10]  # fmt: skip
    chosen = coordinator.selected_nodes
    for a, _ in links[:3]:
        act(viewer, "select", lambda a=a: chosen.add(a, append=False))
    for a, b in links[:3]:
        act(viewer, "break a link", lambda a=a, b=b: UserDisconnectNodes(tracks, [a, b]))
        act(viewer, "undo", coordinator.undo)
    for a, _ in links[3:6]:
        act(viewer, "delete a spot", lambda a=a: UserDeleteNodes(tracks, nodes=[a]))
    for step in (51, 52):
        act(viewer, "next frame", lambda step=step: viewer.dims.set_current_step(0, step))
    gc.collect()
    print(f"memory beyond the empty viewer {memory() - begin:.0f} MB")
    viewer.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=["make", "ours", "track-edit"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--tracks", type=int, default=100_000)
    given = parser.parse_args()
    if given.side == "make":
        make(given.path, given.tracks)
    else:
        {"ours": ours, "track-edit": track_edit}[given.side](given.path)


if __name__ == "__main__":
    main()
