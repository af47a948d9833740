"""Options of linking, mask and input that several verbs share, and their settings."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from btrackmate.cli.engines import BUILTIN, TRACKMATE, engine_options
from btrackmate.cli.options import (
    PATH,
    apply_all,
    filter_options,
    given_values,
    parse_assignments,
)
from btrackmate.core.errors import UserError
from btrackmate.core.settings import load_yaml
from btrackmate.pipeline.settings import InputSettings, RunSettings
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.tracking.settings import (
    TRACKERS,
    list_idle_settings,
    parse_tracker,
    tracker_name,
)

_log = logging.getLogger(__name__)

Function = Callable[..., Any]


def mask_options(function: Function) -> Function:
    """Add --mask and its policy."""
    return apply_all(
        [
            click.option(
                "--mask",
                type=PATH,
                help="Tissue mask: label or binary image, static or per frame, 2D or 3D.",
            ),
            click.option(
                "--mask-policy",
                type=click.Choice(["keep-touching", "centroid", "fraction", "clip"]),
                help="Which cells the mask keeps.  [default: keep-touching; for a CSV centroid]",
            ),
            click.option("--mask-fraction", type=float, help="Least fraction inside (fraction)."),
        ]
    )(function)


def linking_options(function: Function) -> Function:
    """Add the tracker, its settings, filters, pruning and --config."""
    return apply_all(
        [
            click.option("--config", type=PATH, help="YAML file of settings, e.g. a run.yaml."),
            click.option(
                "--settings-from",
                type=PATH,
                metavar="TRACKMATE_XML",
                help="Take tracker, settings, pruning from a TrackMate file; goes over --config.",
            ),
            engine_options,
            click.option(
                "--tracker",
                help=f"{', '.join(TRACKERS)}, or TrackMate's key; overlap needs label images, or a "
                "TrackMate XML with outlines (ROI).  [default: flow; lap with --engine trackmate]",
            ),
            click.option(
                "--set",
                "assignments",
                multiple=True,
                metavar="NAME=VALUE",
                help="Tracker setting, e.g. LINKING_MAX_DISTANCE=15 (TrackMate's own distance); "
                "repeatable. By default distances are auto, from the cells' spacing and steps; "
                "gaps of one missed frame are bridged, and cells divide.",
            ),
            filter_options,
            click.option(
                "--min-tracklet-length",
                type=float,
                help="Prune leaf tracklets that are shorter.  [default: 0, off]",
            ),
            click.option(
                "--unit",
                type=click.Choice(["frames", "time"]),
                help="Unit of --min-tracklet-length.  [default: frames]",
            ),
            click.option(
                "--prune-censored/--no-prune-censored",
                default=None,
                help="Prune also tracklets that reach the last frame.  [default: off]",
            ),
            click.option(
                "--csv-units",
                type=click.Choice(["pixels", "physical"]),
                help="Unit of positions in a CSV.  [default: physical]",
            ),
            click.option(
                "--csv-time",
                type=click.Choice(["frames", "time"]),
                help="What t (or frame) counts in a CSV: frames, or time in --time-unit, by --dt.  "
                "[default: frames]",
            ),
            click.option(
                "--skip-bad-rows",
                is_flag=True,
                default=None,
                help="Skip bad rows of a CSV, and name them.",
            ),
            click.option(
                "--workers", type=int, help="Frames measured at a time.  [default: one a core]"
            ),
        ]
    )(function)


def input_settings(options: dict[str, Any]) -> InputSettings:
    """Collect the settings of the input from the options."""
    return InputSettings.parse(given_values(InputSettings, options), "options")


def merge_settings(
    config: Path | None, options: dict[str, Any], engine: str = BUILTIN
) -> RunSettings:
    """Let options override the YAML file's settings, and these the defaults.

    Settings that have no effect, as what they belong to is switched off, are warned of.

    Raises
    ------
    UserError
        If a name or value is wrong.
    """
    values: dict[str, Any] = load_yaml(config) if config else {}
    values = values.get("settings", values)
    source = str(config) if config else "options"
    own = values.get("tracker_settings")
    if isinstance(own, dict):  # so that an option goes over a setting under TrackMate's name
        values["tracker_settings"] = {str(name).lower(): value for name, value in own.items()}

    def put(path: tuple[str, ...], value: Any) -> None:
        if value is None or value == ():
            return
        *folders, name = path
        place = values
        for folder in folders:
            place = place.setdefault(folder, {})
            if not isinstance(place, dict):
                msg = f"{source}: {folder} is {place!r}, expected names and values"
                raise UserError(msg)
        place[name] = value

    if options.get("settings_from") is not None:
        values |= read_tracker(options["settings_from"])
        for path, value in read_plugin(options["settings_from"]).items():
            put(path, value)
    for name, value in given_values(InputSettings, options).items():
        put(("input", name), value)
    for name, value in given_values(SegmentationSettings, options).items():
        put(("segmentation", name), value)
    put(("measure", "mask", "policy"), options.get("mask_policy"))
    put(("measure", "mask", "fraction"), options.get("mask_fraction"))
    for name in ("min_tracklet_length", "unit", "prune_censored"):
        put(("prune", name), options.get(name))
    for name in ("channel", "tracker", "spot_filters", "track_filters", "workers"):
        put((name,), options.get(name))
    for name, value in parse_assignments(options.get("assignments", ())).items():
        put(("tracker_settings", name.lower()), value)
    if engine == TRACKMATE:  # it does not have flow
        values.setdefault("tracker", "lap")
    settings = RunSettings.parse(values, source)
    if options.get("settings_from") is None:  # TrackMate stores them all
        for line in list_idle_settings(settings.parse_tracker(), settings.tracker_settings):
            _log.warning("%s", line)
    return settings


def read_plugin(path: Path) -> dict[tuple[str, ...], Any]:
    """Read pruning and mask policy, where BTrackMate's plugin in Fiji keeps them in a file.

    Returns
    -------
    dict
        Values of RunSettings by their place in it; empty for a file without them.
    """
    from btrackmate.io.trackmate import read_trackmate

    document = read_trackmate(path)
    found: dict[tuple[str, ...], Any] = {
        ("prune", name): value for name, value in document.pruning.items()
    }
    _, detector = document.plugin_detector
    if detector.get("MASK_IMAGE"):
        mask = ("measure", "mask")
        found[*mask, "policy"] = detector.get("MASK_POLICY")
        found[*mask, "fraction"] = detector.get("MASK_FRACTION")
        ids = str(detector.get("MASK_TISSUES", "")).split(",")
        found[*mask, "tissues"] = [int(float(one)) for one in ids if one.strip()] or None
    return found


def read_tracker(path: Path) -> dict[str, Any]:
    """Read the tracker and its settings from a TrackMate file, as values of RunSettings.

    Raises
    ------
    UserError
        If it is no TrackMate file, or its tracker or a setting is not known here.
    """
    from btrackmate.io.trackmate import read_trackmate

    key, values = read_trackmate(path).tracker
    settings = parse_tracker(key, values, str(path))
    return {"tracker": tracker_name(settings), "tracker_settings": settings.model_dump()}
