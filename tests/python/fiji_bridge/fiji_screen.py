"""What a user of Fiji does at the screen, for a process of its own: `python fiji_screen.py`.

Records commands with Fiji's macro recorder by filling in their dialogs, replays what was recorded,
and prints what came of it as JSON. Arguments: Fiji folder, folder with movie.tif, labels.tif and
mask.tif, which gets the results.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

import jpype

from btrackmate.fiji_bridge import FijiSettings, start_fiji

PATIENCE = 60.0


def on_screen(work):
    """Do something in the thread that owns the windows."""

    @jpype.JImplements("java.lang.Runnable")
    class Work:
        @jpype.JOverride
        def run(self):
            work()

    jpype.JClass("javax.swing.SwingUtilities").invokeAndWait(Work())


def wait_for(what, look):
    """Wait until something is there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise SystemExit(f"did not come: {what}; windows: {[title for title, _ in windows()]}")


def windows():
    """List the windows that can be seen, with their titles."""
    shown = [w for w in jpype.JClass("java.awt.Window").getWindows() if w.isShowing()]
    return [(str(w.getTitle()) if hasattr(w, "getTitle") else "", w) for w in shown]


def find_window(title):
    """Wait for a window."""
    return wait_for(title, lambda: next((w for t, w in windows() if t.startswith(title)), None))


def walk(container):
    """Go through all components."""
    for component in container.getComponents():
        yield component
        if isinstance(component, jpype.JClass("java.awt.Container")):
            yield from walk(component)


def find_fields(dialog):
    """Give the fields of a dialog by the text before them, and its buttons and fields by name."""
    label, found = None, {}
    for component in walk(dialog):
        if component.getName() is not None:
            found[str(component.getName())] = component
        if isinstance(component, jpype.JClass("javax.swing.JLabel")):
            label = str(component.getText())
        elif isinstance(component, jpype.JClass("javax.swing.JButton")):
            found.setdefault(str(component.getText()), component)
        elif label and not isinstance(component, jpype.JClass("javax.swing.JPanel")):
            found.setdefault(label, component)
    return found


def fill_in(dialog, values):
    """Fill in the fields of a dialog, and press OK."""
    fields = find_fields(dialog)

    def put():
        for name, value in values.items():
            if isinstance(value, bool):
                fields[name].setSelected(value)
            elif hasattr(fields[name], "setText"):
                fields[name].setText(str(value))
            elif hasattr(fields[name], "setSelectedItem"):
                fields[name].setSelectedItem(value)
            else:
                fields[name].setValue(jpype.JDouble(value))

    on_screen(put)
    on_screen(fields["OK"].doClick)


def close_all():
    """Close images, TrackMate's windows and the log."""
    images = jpype.JClass("ij.WindowManager")
    for number in list(images.getIDList() or []):
        image = images.getImage(number)
        image.changes = False
        image.close()
    for title, window in windows():
        if title.startswith(("TrackMate", "Log", "Console")):
            window.dispose()


class Session:
    """Fiji on a screen, with its recorder."""

    def __init__(self, fiji, folder):
        self.fiji = fiji
        self.folder = folder
        fiji.ij.ui().showUI()
        self.ij = jpype.JClass("ij.IJ")
        self.recorder = jpype.JClass("ij.plugin.frame.Recorder")()

    def record(self, command, values, opened=()):
        """Run a command, by its dialog if there are values; give the line that was recorded."""
        for name in opened:
            self.ij.open(str(self.folder / name))
        before = len(str(self.recorder.getText()))
        self.ij.doCommand(command)
        if values is not None:
            fill_in(find_window("Track cells" if command == "Track..." else command), values)

        def look():
            return str(self.recorder.getText())[before:].strip()

        line = wait_for(
            f"a recorded line of {command}", lambda: f'"{command}"' in look() and look()
        )
        return next(part for part in line.splitlines() if f'"{command}"' in part)

    def replay(self, run, done, opened=()):
        """Run something in a thread, with nobody there; say what came, and which windows asked."""
        for name in opened:
            self.ij.open(str(self.folder / name))
        known = {title for title, _ in windows()}
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        came = False
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not came:
            time.sleep(0.2)
            came = done()
        # ImageJ takes what is recorded while a macro runs for part of it.
        thread.join(PATIENCE / 4)
        dialogs = [t for t, w in windows() if isinstance(w, jpype.JClass("java.awt.Dialog"))]
        return {"done": bool(came), "asked": [t for t in dialogs if t not in known]}

    def run_jython(self, line):
        """Run a recorded line in Jython."""
        service = self.fiji.context.service("org.scijava.script.ScriptService")
        code = f"from ij import IJ\nIJ.{line}\n"
        service.run("replay.py", code, True).get()

    def run_command(self, name, inputs):
        """Run a command as pyimagej's ij.command().run does."""
        files = {key: jpype.JClass("java.io.File")(str(v)) for key, v in inputs.items()}
        self.fiji.ij.command().run(
            f"io.github.btrackmate.trackmate.{name}", True, jpype.JClass("java.util.HashMap")(files)
        ).get()


#: Dialog of Batch…: choices, by the labels of the fields.
CHOICES = {
    "labels": {"Image": "movie.tif", "Label image (empty: a channel of the image)": "labels.tif"},
    "channel": {"Image": "labels.tif", "Minimum tracklet length (0 = off)": 0},
    "table": {
        "Image": "movie.tif",
        "Table instead of labels": "cells.csv",
        "Table is in": "pixels",
    },
    "mask": {
        "Image": "labels.tif",
        "Tissue mask": "mask.tif",
        "Cells to keep": "fraction",
        "Tissue ids (empty: all)": "1",
        "Tracker": "advanced Kalman",
    },
}


def check_batch(session, choice):
    """Record Batch… with a choice, and replay it from a macro and from Jython."""
    output = session.folder / "re corded.xml"
    output.unlink(missing_ok=True)
    named = {key: session.folder / v if "." in str(v) else v for key, v in choice.items()}
    line = session.record("Batch...", {**named, "Save as": output, "Overwrite": True})
    wait_for(output.name, output.exists)
    found = {"line": line}
    for name, route in {"macro": session.ij.runMacro, "jython": session.run_jython}.items():
        output.unlink(missing_ok=True)
        found[name] = session.replay(lambda route=route: route(line), output.exists)
    return found


def check_command(session):
    """Run Batch… as pyimagej does, with the files alone."""
    output = session.folder / "re corded.xml"
    output.unlink(missing_ok=True)
    files = {
        "image": session.folder / "movie.tif",
        "labels": session.folder / "labels.tif",
        "output": output,
    }
    return session.replay(lambda: session.run_command("BatchCommand", files), output.exists)


def check_relabel(session):
    """Record and replay Relabel Image by Track…"""
    painted = session.folder / "painted.tif"
    values = {
        "TrackMate file": session.folder / "re corded.xml",
        "Label image": session.folder / "labels.tif",
        "Save as": painted,
        "Overwrite": True,
    }
    line = session.record("Relabel Image by Track...", values)
    wait_for(painted.name, painted.exists)
    close_all()
    painted.unlink()
    found = session.replay(lambda: session.ij.runMacro(line), painted.exists)
    return {"line": line, "macro": found}


def check_track(session):
    """Record and replay Track…, which opens the wizard."""
    opened = ("movie.tif", "labels.tif", "mask.tif")

    def is_tracked():
        return any(title.startswith("TrackMate on") for title, _ in windows())

    line = session.record("Track...", {"linkingDistance": "6"}, opened)
    wait_for("the wizard", is_tracked)
    close_all()
    found = session.replay(lambda: session.ij.runMacro(line), is_tracked, opened)
    close_all()
    return {"line": line, "macro": found}


def check_quick_track(session):
    """Record and replay Quick Track, which asks nothing."""
    opened = ("movie.tif", "labels.tif")

    def is_tracked():
        return any(title.startswith("TrackMate on") for title, _ in windows())

    line = session.record("Quick Track", None, opened)
    wait_for("the wizard", is_tracked)
    close_all()
    found = session.replay(lambda: session.ij.runMacro(line), is_tracked, opened)
    close_all()
    return {"line": line, "macro": found}


def check_segment(session):
    """Record and replay Segment with VollSeg…, with a program that copies its input."""
    program = session.folder / "btrackmate"
    program.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo "btrackmate, version 9.9"; exit 0; fi\n'
        'cp "$2" "$4"\n'
    )
    program.chmod(0o755)
    jpype.JClass("ij.Prefs").set("btrackmate.program", str(program))
    output = session.folder / "seg mented.tif"
    values = {"Save labels as (empty: only shown)": output, "Overwrite": True}
    line = session.record("Segment with VollSeg...", values, ("movie.tif",))
    wait_for(output.name, output.exists)
    close_all()
    output.unlink()
    found = session.replay(lambda: session.ij.runMacro(line), output.exists, ("movie.tif",))
    close_all()
    return {"line": line, "macro": found}


def check_mistake(session):
    """Run a macro that names a file that is not there; give what the screen says."""
    wrong = 'run("Batch...", "image=[no where.tif] output=[x.xml]");'
    session.replay(lambda: session.ij.runMacro(wrong), find_dialogs)
    return [text for dialog in find_dialogs() for part in walk(dialog) for text in read(part)]


def find_dialogs():
    """List the dialogs that can be seen."""
    return [w for _, w in windows() if isinstance(w, jpype.JClass("java.awt.Dialog"))]


def read(component):
    """Give what a component says."""
    if isinstance(component, jpype.JClass("ij.gui.MultiLineLabel")):
        field = component.getClass().getDeclaredField("lines")
        field.setAccessible(True)
        return [str(line) for line in field.get(component)]
    return [str(component.getText())] if hasattr(component, "getText") else []


def main(folder, data):
    """Record and replay all commands."""
    session = Session(start_fiji(FijiSettings(fiji=folder, mode="interactive")), data)
    found = {name: check_batch(session, choice) for name, choice in CHOICES.items()}
    found["command"] = check_command(session)
    found["relabel"] = check_relabel(session)
    found["track"] = check_track(session)
    found["quick"] = check_quick_track(session)
    found["segment"] = check_segment(session)
    found["mistake"] = check_mistake(session)
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
