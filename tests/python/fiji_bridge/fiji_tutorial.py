"""Walks the tutorial of docs/fiji.md in a Fiji on a screen, and takes its pictures.

For a process of its own: ``python fiji_tutorial.py FIJI PICTURES``, under Xvfb with a window
manager (openbox), so that windows have titles. Prints what came of the steps as JSON. After a
change of a dialog, run it with ``docs/fiji`` as PICTURES and look at them.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import jpype
from fiji_screen import find_fields, find_window, on_screen, wait_for, walk, windows
from PIL import Image

from btrackmate.fiji_bridge import FijiSettings, start_fiji

DATA = Path(__file__).parents[3] / "python/btrackmate/samples/data"
MOVIE, LABELS, MASK = "embryo.tif", "embryo_truth.tif", "embryo_mask.tif"
#: Until windows are laid out and drawn.
SETTLE = 1.5
COLOURS = 96
MOST_PANELS = 12


class Tutorial:
    """Fiji on a screen, step by step."""

    def __init__(self, fiji, folder, pictures):
        self.fiji = fiji
        self.folder = folder
        self.pictures = pictures
        self.robot = jpype.JClass("java.awt.Robot")()
        self.ij = jpype.JClass("ij.IJ")
        prefs = jpype.JClass("ij.Prefs")
        for name in ("policy", "distance", "gap", "splitting", "minimum", "minimumUnit", "tracker"):
            prefs.set(f"btrackmate.track.{name}", None)  # as at the first time
        fiji.ij.ui().showUI()
        self.main = self.ij.getInstance()
        self.main.setLocation(0, 0)
        self.found = {}

    def shoot(self, name, *shown):
        """Save what the screen shows of some windows, in few colours."""
        time.sleep(SETTLE)
        area = jpype.JClass("java.awt.Rectangle")(0, 0, -1, -1)
        for window in shown:
            on_screen(window.toFront)
            area.add(window.getBounds())
        self.shoot_area(name, area)

    def shoot_area(self, name, area):
        """Save what an area of the screen shows."""
        self.robot.mouseMove(1390, 990)
        time.sleep(SETTLE)
        self.pictures.mkdir(parents=True, exist_ok=True)
        file = self.pictures / f"{name}.png"
        screen = jpype.JClass("java.awt.Toolkit").getDefaultToolkit().getScreenSize()
        area = area.intersection(jpype.JClass("java.awt.Rectangle")(screen))
        image = self.robot.createScreenCapture(area)
        jpype.JClass("javax.imageio.ImageIO").write(
            image, "png", jpype.JClass("java.io.File")(str(file))
        )
        with Image.open(file) as picture:
            small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(file, optimize=True)

    def image(self, title):
        """Give an open image."""
        return jpype.JClass("ij.WindowManager").getImage(title)

    def open(self, title, x, y):
        """Open a file of the sample, and put its window somewhere."""
        self.ij.open(str(self.folder / title))
        imp = wait_for(title, lambda: self.image(title))
        imp.setPosition(1, 16, 1)
        imp.getCanvas().zoomIn(0, 0)
        imp.getWindow().setLocation(x, y)
        return imp

    def press(self, window, text):
        """Press a button as soon as it can be pressed."""
        button = wait_for(
            f"button {text}",
            lambda: next((one for one in buttons(window) if is_called(one, text)), None),
        )
        on_screen(button.doClick)

    def go_on(self, wizard, until):
        """Press Next until something is there."""
        for _ in range(MOST_PANELS):
            time.sleep(SETTLE)
            if until():
                return
            self.press(wizard, "Next")
        raise SystemExit("the wizard does not go on")

    def act(self, wizard, action):
        """Choose an action in the wizard's last panel, and execute it."""
        box = jpype.JClass("javax.swing.JComboBox")
        boxes = [one for one in walk(wizard) if isinstance(one, box) and one.isShowing()]
        keys = [str(boxes[0].getItemAt(i)) for i in range(boxes[0].getItemCount())]
        place = keys.index(f"BTRACKMATE_{action}")
        on_screen(lambda: boxes[0].setSelectedIndex(place))
        self.press(wizard, "Execute")

    def new_image(self, *known):
        """Give an open image that was not there."""
        images = jpype.JClass("ij.WindowManager")
        every = [images.getImage(number) for number in images.getIDList()]
        return next((one for one in every if one.getTitle() not in known), None)

    def close(self, *titles):
        """Close windows."""
        for title, window in windows():
            if title.startswith(titles):
                on_screen(window.dispose)

    def open_menu(self):
        """Open Plugins > Tracking > BTrackMate with mouse and keys, as a user does."""
        keys = jpype.JClass("java.awt.event.KeyEvent")
        button = jpype.JClass("java.awt.event.InputEvent").BUTTON1_DOWN_MASK
        bounds, insets = self.main.getBounds(), self.main.getInsets()
        self.robot.mouseMove(bounds.x + 322, bounds.y + insets.top - 12)
        self.robot.mousePress(button)
        self.robot.mouseRelease(button)
        self.robot.delay(500)
        bar = self.main.getMenuBar()
        menus = [bar.getMenu(i) for i in range(bar.getMenuCount())]
        menu = next(one for one in menus if one.getLabel() == "Plugins")
        for name in ("Tracking", "BTrackMate"):
            items = [menu.getItem(i) for i in range(menu.getItemCount())]
            items = [item for item in items if item.getLabel() != "-"]
            place = next(i for i, item in enumerate(items) if item.getLabel() == name)
            for key in [keys.VK_DOWN] * place + [keys.VK_RIGHT]:
                self.robot.keyPress(key)
                self.robot.keyRelease(key)
                self.robot.delay(150)
            menu = items[place]
        return [str(menu.getItem(i).getLabel()) for i in range(menu.getItemCount())]

    def close_menu(self):
        """Close the menu."""
        escape = jpype.JClass("java.awt.event.KeyEvent").VK_ESCAPE
        for _ in range(4):
            self.robot.keyPress(escape)
            self.robot.keyRelease(escape)
            self.robot.delay(100)


def buttons(window):
    """List the buttons of a window that can be pressed."""
    button = jpype.JClass("javax.swing.JButton")
    return [one for one in walk(window) if isinstance(one, button) and one.isShowing()]


def read_name(button):
    """Give the text of a button, or the name of its action."""
    return str(button.getText() or (button.getAction() and button.getAction().getValue("Name")))


def is_called(button, text):
    """Tell whether a button has a text, and is enabled."""
    return read_name(button) == text and button.isEnabled()


def main(folder, pictures):
    """Walk through all steps."""
    with tempfile.TemporaryDirectory() as data:
        for name in (MOVIE, LABELS, MASK):
            shutil.copy(DATA / name, data)
        os.chdir(data)  # so that dialogs show short paths
        fiji = start_fiji(FijiSettings(fiji=folder, mode="interactive"))
        tutorial = Tutorial(fiji, Path(data), pictures)
        for step in STEPS:
            step(tutorial)
    sys.stdout.write(json.dumps(tutorial.found))
    sys.stdout.flush()
    os._exit(0)


def install(tutorial):
    """Step 1: the menu is there."""
    tutorial.found["menu"] = tutorial.open_menu()
    tutorial.shoot_area("1-menu", jpype.JClass("java.awt.Rectangle")(0, 0, 1000, 330))
    tutorial.close_menu()


def open_images(tutorial):
    """Step 2: movie, labels and tissue."""
    shown = [tutorial.open(name, 10 + 270 * i, 140) for i, name in enumerate((MOVIE, LABELS, MASK))]
    statistics = jpype.JClass("ij.process.StackStatistics")
    for imp in shown:
        if imp is shown[0]:
            tutorial.ij.run(imp, "Enhance Contrast", "saturated=0.35")
        else:
            imp.setDisplayRange(0, statistics(imp).max)
            tutorial.ij.run(imp, "3-3-2 RGB", "")
    tutorial.shoot("2-images", *[imp.getWindow() for imp in shown])


def quick_track(tutorial):
    """Step 3: one click."""
    labels = tutorial.image(LABELS)
    tutorial.ij.selectWindow(LABELS)
    tutorial.ij.doCommand("Quick Track")
    wizard = find_window("TrackMate on")
    tutorial.found["quick"] = count(tutorial.fiji)
    wizard.setLocation(260, 140)
    labels.getWindow().setLocation(10, 140)
    tutorial.shoot("3-quick-track", labels.getWindow(), wizard)
    on_screen(wizard.dispose)
    labels.setOverlay(None)
    labels.getWindow().setLocation(10, 600)
    tutorial.image(MASK).getWindow().setLocation(300, 600)


def track(tutorial):
    """Step 4: the dialog."""
    tutorial.ij.doCommand("Track...")
    dialog = find_window("Track cells")
    dialog.setLocation(260, 140)
    fields = find_fields(dialog)
    on_screen(lambda: fields["maskPolicy"].setSelectedItem("centroid"))
    wait_for("the cells", lambda: "cells" in str(fields["count"].getText()))
    tutorial.found["chosen"] = [
        str(fields[name].getSelectedItem().getTitle()) for name in ("image", "labels", "mask")
    ]
    tutorial.shoot("4-track-dialog", tutorial.image(MOVIE).getWindow(), dialog)
    tutorial.found["preview"] = str(fields["count"].getText())
    on_screen(fields["ok"].doClick)


def walk_wizard(tutorial):
    """Steps 5 and 6: filters, tracker, tracks, tissue."""
    wizard = find_window("TrackMate on")
    wizard.setLocation(260, 140)
    movie = tutorial.image(MOVIE)
    tutorial.found["spots"] = count(tutorial.fiji)
    tutorial.go_on(wizard, lambda: says(wizard, "tracklet"))
    tutorial.shoot("5-tracker", movie.getWindow(), wizard)
    tutorial.go_on(wizard, lambda: says(wizard, "Display options"))
    tutorial.found["tracked"] = count(tutorial.fiji)
    for button in [one for one in buttons(wizard) if is_called(one, "auto")]:
        on_screen(button.doClick)
    tutorial.shoot("6-tracks", movie.getWindow(), wizard)
    tutorial.go_on(wizard, lambda: any(is_called(one, "Execute") for one in buttons(wizard)))
    tutorial.act(wizard, "TISSUE_VIEW")
    view = wait_for("the tissue view", lambda: tutorial.new_image(MOVIE, LABELS, MASK))
    view.getCanvas().zoomIn(0, 0)
    view.getWindow().setLocation(10, 440)
    tutorial.shoot("6-tissue-view", view.getWindow())
    view.changes = False
    view.close()


def prune(tutorial):
    """Step 7: the short daughters."""
    wizard = find_window("TrackMate on")
    tutorial.act(wizard, "PRUNE_TRACKLETS")
    dialog = find_window("Prune short tracklets")
    fields = find_fields(dialog)
    on_screen(lambda: fields["minimum"].setValue(jpype.JDouble(3)))
    tutorial.found["would prune"] = str(fields["count"].getText())
    tutorial.shoot("7-prune", dialog)
    tutorial.press(dialog, "Prune")
    tutorial.found["pruned"] = wait_for("pruning", lambda: count(tutorial.fiji))


def edit(tutorial):
    """Step 8: TrackScheme."""
    wizard = find_window("TrackMate on")
    for _ in range(MOST_PANELS):
        if says(wizard, "Display options"):
            break
        names = [read_name(one) for one in buttons(wizard)]
        on_screen(buttons(wizard)[names.index("Next") - 1].doClick)  # the arrow back
        time.sleep(SETTLE)
    tutorial.press(wizard, "TrackScheme")
    scheme = find_window("TrackScheme")
    scheme.setBounds(260, 140, 900, 560)
    time.sleep(4 * SETTLE)  # it lays out the tracks
    tutorial.shoot("8-trackscheme", scheme)
    on_screen(scheme.dispose)


def save_and_relabel(tutorial):
    """Step 9, with the file that step 10 writes: the tracks as a label image."""
    tutorial.close("TrackMate on")
    tutorial.ij.doCommand("Relabel Image by Track...")
    dialog = find_window("Relabel Image by Track")
    dialog.setLocation(260, 140)
    values = {
        "TrackMate file": "tracks.xml",
        "Label image": LABELS,
        "Save as": "painted.tif",
    }
    put_in(dialog, values)
    tutorial.shoot("9-relabel", dialog)
    on_screen(find_fields(dialog)["OK"].doClick)
    shown = wait_for("the painted image", lambda: tutorial.new_image(MOVIE, LABELS, MASK))
    shown.setPosition(1, 16, 1)
    shown.setDisplayRange(0, jpype.JClass("ij.process.StackStatistics")(shown).max)
    tutorial.ij.run(shown, "3-3-2 RGB", "")
    shown.getCanvas().zoomIn(0, 0)
    shown.getWindow().setLocation(10, 140)
    tutorial.shoot("9-painted", shown.getWindow())
    shown.changes = False
    tutorial.found["painted"] = (tutorial.folder / "painted.tif").exists()


def batch(tutorial):
    """Step 10: files in, TrackMate file out, and the macro that does it again."""
    recorder = jpype.JClass("ij.plugin.frame.Recorder")()
    tutorial.ij.doCommand("Batch...")
    dialog = find_window("Batch")
    dialog.setLocation(260, 140)
    values = {
        "Image": MOVIE,
        "Label image (empty: a channel of the image)": LABELS,
        "Tissue mask": MASK,
        "Cells to keep": "centroid",
        "Minimum tracklet length (0 = off)": 3,
        "Save as": "tracks.xml",
    }
    put_in(dialog, values)
    tutorial.shoot("10-batch", dialog)
    on_screen(find_fields(dialog)["OK"].doClick)
    wait_for("tracks.xml", (tutorial.folder / "tracks.xml").exists)
    line = wait_for("the macro", lambda: "Batch" in str(recorder.getText()) and recorder.getText())
    tutorial.found["macro"] = str(line).strip().splitlines()[-1]
    on_screen(recorder.dispose)


def put_in(dialog, values):
    """Fill in the fields of a dialog of SciJava's."""
    fields = find_fields(dialog)

    def put():
        for name, value in values.items():
            if hasattr(fields[name], "setText"):
                fields[name].setText(str(value))
            elif hasattr(fields[name], "setSelectedItem"):
                fields[name].setSelectedItem(value)
            else:
                fields[name].setValue(jpype.JDouble(value))

    on_screen(put)


def count(fiji):
    """Count spots and tracks of the newest TrackMate."""
    service = fiji.context.service("org.scijava.object.ObjectService")
    model = list(service.getObjects(jpype.JClass("fiji.plugin.trackmate.TrackMate")))[-1].getModel()
    return [int(model.getSpots().getNSpots(True)), int(model.getTrackModel().nTracks(True))]


def says(window, text):
    """Tell whether a window shows a text."""
    label = jpype.JClass("javax.swing.JLabel")
    return any(
        isinstance(one, label) and one.isShowing() and text in str(one.getText())
        for one in walk(window)
    )


STEPS = [
    install,
    open_images,
    quick_track,
    track,
    walk_wizard,
    prune,
    edit,
    batch,
    save_and_relabel,
]

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).absolute())
