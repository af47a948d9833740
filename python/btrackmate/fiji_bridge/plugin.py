"""BTrackMate's own Fiji plugin, run on files without a screen."""

import logging
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from btrackmate.core.errors import UserError
from btrackmate.core.files import write_atomically
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.settings import Settings
from btrackmate.core.words import option
from btrackmate.fiji_bridge.jobs import wait_for
from btrackmate.fiji_bridge.jvm import Fiji, java_class
from btrackmate.fiji_bridge.places import find_fiji, find_plugin_jars
from btrackmate.fiji_bridge.settings import FijiSettings
from btrackmate.tracking.distances import AUTO, Distance

_BATCH = "io.github.btrackmate.trackmate.BatchCommand"
_TRACKERS = {"lap": "LAP", "advanced-kalman": "advanced Kalman", "overlap": "overlap"}


def _no_plugin() -> UserError:
    msg = (
        "BTrackMate's plugin is missing: its jars are neither in Fiji's plugins folder nor in this "
        "checkout nor in the local Maven repository; build them with 'mvn -Dtrackmate package' "
        "(java/README.md) and copy them there, or name their folder with "
    )
    return UserError(msg + option("jars"))


class PluginSettings(Settings):
    """What *Plugins ▸ Tracking ▸ BTrackMate ▸ Batch…* asks for, but for the files."""

    label_channel: int = Field(
        1, ge=1, description="channel of IMAGE with the labels, where no label file is given"
    )
    csv_units: Literal["physical", "pixels"] = Field(
        "physical", description="unit of positions in the CSV"
    )
    csv_time: Literal["frames", "time"] = Field(
        "frames", description="what t (or frame) counts in the CSV: frames, or time"
    )
    mask_policy: Literal["keep-touching", "centroid", "fraction", "clip"] = Field(
        "keep-touching", description="which cells of label images the mask keeps"
    )
    mask_fraction: float = Field(
        0.5, ge=0, le=1, description="least part of a cell inside, for 'fraction'"
    )
    tissues: str = Field("", description="ids of the tissues that count, e.g. 1,3; empty: all")
    tracker: Literal["lap", "advanced-kalman", "overlap"] = Field(
        "lap", description="TrackMate's tracker"
    )
    linking_distance: Distance = Field(
        AUTO,
        description="largest distance of links, gaps and divisions [space unit]; "
        "auto: from the steps and the spacing of the cells",
    )
    frame_gap: int = Field(2, ge=1, description="largest frame difference over a gap; 1: no gaps")
    splitting: bool = Field(True, description="cells divide")
    min_tracklet_length: float = Field(
        0.0, ge=0, description="shortest tracklet after a division that stays; 0: no pruning"
    )
    unit: Literal["frames", "time"] = Field("frames", description="unit of min_tracklet_length")
    planes_are_frames: bool = Field(
        False, description="the planes of files that lost their dimensions are frames"
    )


def run_plugin(
    fiji: Fiji,
    image: Path,
    output: Path,
    settings: PluginSettings | None = None,
    *,
    labels: Path | None = None,
    table: Path | None = None,
    mask: Path | None = None,
    progress: Progress = ignore_progress,
) -> tuple[int, int]:
    """Track the cells of files with the plugin, and write a TrackMate file.

    Parameters
    ----------
    fiji : Fiji
        Running, with the plugin's jars.
    image, output : Path
        Image that ImageJ opens, and the .xml that is written, under its name when it is complete;
        replaced if it exists.
    settings : PluginSettings, optional
    labels, table, mask : Path, optional
        Label images or a CSV of cells (else `image` holds the labels), and a tissue mask.
    progress : Progress, optional

    Returns
    -------
    spots, tracks : int
        Visible ones, in the file.

    Raises
    ------
    UserError
        If the plugin is not there, or refuses an input.
    """
    settings = settings or PluginSettings()
    check_files(image, output, labels=labels, table=table, mask=mask)
    command = load_plugin_class(_BATCH)
    with write_atomically(output) as temporary:
        files = {"image": image, "labels": labels, "table": table, "mask": mask}
        inputs = _make_inputs(settings, {**files, "output": temporary})
        try:
            return _run_command(fiji, command, inputs, progress)
        except UserError as error:
            raise UserError(str(error).replace(str(temporary), str(output))) from None


def _run_command(fiji: Fiji, command: Any, inputs: Any, progress: Progress) -> tuple[int, int]:
    """Run the plugin's command, and give the numbers of spots and tracks."""
    info = fiji.context.service("org.scijava.command.CommandService").getCommand(command)
    modules = fiji.context.service("org.scijava.module.ModuleService")
    module = info.createModule()
    delegate = module.getDelegateObject()
    running = modules.run(module, True, inputs)
    fault = ""
    # TrackMate names every step and every dropped cell; they stand in the file's log, too.
    fiji.console.info_level = logging.DEBUG
    try:
        wait_for(running.get, delegate.cancel, fiji.console, progress, "tracking in Fiji")
        if delegate.isCanceled():
            fault = " ".join(str(delegate.getCancelReason()).split())
            raise UserError(fault)
    finally:
        fiji.console.finish(fault)
        fiji.console.info_level = logging.INFO
    return int(module.getOutput("spotCount")), int(module.getOutput("trackCount"))


def check_files(
    image: Path, output: Path, *, labels: Path | None, table: Path | None, mask: Path | None
) -> None:
    """Check the files of :func:`run_plugin`; needs no JVM.

    Raises
    ------
    UserError
        If one is missing, two exclude each other, or the output is no .xml.
    """
    if output.suffix.lower() != ".xml":
        msg = f"{output}: the plugin writes a TrackMate file; give a name that ends in .xml"
        raise UserError(msg)
    for role, path in {"image": image, "labels": labels, "CSV": table, "mask": mask}.items():
        if path is not None and not path.is_file():
            msg = f"{path}: no such file; the {role} was expected"
            raise UserError(msg)
    if labels is not None and table is not None:
        msg = "labels and a CSV of cells were given; give one of them"
        raise UserError(msg)


def check_plugin(settings: FijiSettings) -> None:
    """Look for the plugin's jars where Fiji would be started with them; needs no JVM.

    Raises
    ------
    UserError
        If there are none.
    """
    if not find_plugin_jars(settings, find_fiji(settings)):
        raise _no_plugin()


def load_plugin_class(name: str) -> Any:
    """Load a class of the plugin.

    Raises
    ------
    UserError
        If the running Fiji lacks the plugin's jars.
    """
    try:
        return java_class(name)
    except TypeError:
        raise _no_plugin() from None


def _make_inputs(settings: PluginSettings, files: dict[str, Path | None]) -> Any:
    """Name the command's parameters."""
    make_file = java_class("java.io.File")
    inputs = java_class("java.util.HashMap")()
    for name, path in files.items():
        inputs.put(name, make_file(str(path.absolute())) if path is not None else make_file(""))
    double, integer = java_class("java.lang.Double"), java_class("java.lang.Integer")
    inputs.put("labelChannel", integer(settings.label_channel))
    inputs.put("tableUnits", settings.csv_units)
    inputs.put("tableTime", settings.csv_time)
    inputs.put("maskPolicy", settings.mask_policy)
    inputs.put("maskFraction", double(settings.mask_fraction))
    inputs.put("tissues", settings.tissues)
    inputs.put("tracker", _TRACKERS[settings.tracker])
    inputs.put("linkingDistance", str(settings.linking_distance))
    inputs.put("frameGap", integer(settings.frame_gap))
    inputs.put("splitting", settings.splitting)
    inputs.put("minTrackletLength", double(settings.min_tracklet_length))
    inputs.put("minTrackletUnit", settings.unit)
    inputs.put("planesAreFrames", settings.planes_are_frames)
    inputs.put("overwrite", True)
    return inputs
