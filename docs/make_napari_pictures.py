"""Make the screenshots and the table of shortcuts of docs/napari.md; needs the extra napari.

    xvfb-run -a -s "-screen 0 1280x800x24" python docs/make_napari_pictures.py RUN

RUN is the run folder of `btrackmate demo`, e.g. demo-output/run.
"""

import sys
import time
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QApplication

from btrackmate.core.files import write_text
from btrackmate.napari_plugin.model.actions import write_shortcuts
from btrackmate.napari_plugin.model.opening import open_tracks
from btrackmate.napari_plugin.view import workspace
from btrackmate.napari_plugin.view.files import open_widgets

HERE = Path(__file__).parent
BEGIN, END = "<!-- shortcuts -->\n", "<!-- end -->\n"
OTHERS = ("Segment", "Filter", "Track", "Analysis", "Animation", "Export")


def settle() -> None:
    """Let the window do what it has to."""
    for _ in range(12):
        QApplication.instance().processEvents()
        time.sleep(0.02)


def wait(bar: Any) -> None:
    """Wait for work beside the window."""
    while bar.job is not None:
        settle()


def main(run: Path) -> None:
    """Go through all widgets and take a picture of each."""
    viewer = napari.Viewer(show=True)
    viewer.window._qt_window.resize(1280, 800)
    work = workspace.show(viewer, open_tracks(run, edit=False))
    open_widgets(viewer, *OTHERS)
    settle()
    widgets = viewer.window.dock_widgets

    def show(name: str, *, picture: bool = True) -> Any:
        key = next(one for one in widgets if one.startswith(name))
        widget = widgets[key]
        dock = viewer.window._wrapped_dock_widgets[key]
        dock.raise_()
        settle()
        if picture:
            take(name)
        return widget

    def take(name: str) -> None:
        settle()
        viewer.screenshot(str(HERE / f"napari-{name.lower()}.png"), canvas_only=False, flash=False)

    session = work.session
    table = session.table.table
    dividing = table.index[(table["n_divisions"] > 0) & (table["n_spots"] > 12)]
    session.moved.emit(4, session.scene.points[session.scene.rows_in(4, 4)[40]])
    show("Inspector", picture=False)
    session.select_tracks(tuple(dividing[:1].tolist()), go=True)
    take("Inspector")
    show("Plots")
    show("Export")
    correct = show("Correct", picture=False)
    session.step("child")
    correct.buttons["break"].click()
    correct.buttons["undo"].click()
    session.select(session.now.children(session.spot)[0], second=True)
    take("Correct")
    explain = show("Explain", picture=False)
    explain.start()
    wait(explain.work)
    session.select(session.spot)
    take("Explain")
    segment = show("Segment", picture=False)
    segment._on_preview()
    wait(segment.work)
    take("Segment")
    viewer.layers.remove("preview of cells")
    track = show("Track", picture=False)
    track._on_preview()
    wait(track.work)
    track._on_look()
    take("Track")
    viewer.layers.remove("preview of links")
    session.select(None)
    filters = show("Filter", picture=False)
    filters.value.setText("12")
    filters._on_add()
    take("Filter")
    filters._on_remove()
    analysis = show("Analysis", picture=False)
    analysis._on_go()
    wait(analysis.work)
    analysis.picture.setCurrentText("divisions")
    take("Analysis")
    animation = show("Animation", picture=False)
    animation._on_add()
    viewer.dims.set_current_step(0, 8)
    settle()
    animation._on_add()
    take("Animation")
    page = HERE / "napari.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    write_text(page, head + BEGIN + write_shortcuts() + END + rest.split(END)[1])
    viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
