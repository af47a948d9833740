"""Options of linking, mask and input that several verbs share, and their settings."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import click

from btrackmate.cli.engines import BUILTIN, TRACKMATE, engine_options
from btrackmate.cli.options import (
    FLOAT,
    INT,
    PATH,
    Numbers,
    apply_all,
    filter_options,
    given_values,
    make_option,
    parse_assignments,
    section,
    settings_options,
)
from btrackmate.core.errors import UserError
from btrackmate.core.fields import SettingField, describe_fields
from btrackmate.core.settings import load_yaml
from btrackmate.core.words import option
from btrackmate.io.units import NgffVersion
from btrackmate.measurement.settings import MaskSettings, MeasureSettings
from btrackmate.pipeline.settings import InputSettings, RunSettings, split_tracker
from btrackmate.segmentation.settings import SegmentationSettings
from btrackmate.tracking.settings import (
    DEFAULT_TRACKER,
    TRACKERS,
    PruneSettings,
    find_tracker,
    list_idle_settings,
    parse_tracker,
    write_tracker_settings,
)

#: Names of all settings of trackers.
TRACKER_FIELDS = {name for _, kind in TRACKERS.values() for name in kind.model_fields}

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
            click.option("--mask-fraction", type=FLOAT, help="Least fraction inside (fraction)."),
            click.option(
                "--mask-tissues",
                type=Numbers(int),
                metavar="ID,…",
                help="Tissue ids of the mask that count as tissue.  [default: all]",
            ),
        ]
    )(function)


def measuring_options(function: Function) -> Function:
    """Add what is measured."""
    return settings_options(MeasureSettings)(function)


def tracker_options(function: Function) -> Function:
    """Add an option for every setting of every tracker, under the settings' headings."""
    found: dict[str, dict[str, SettingField]] = {}
    for tracker, (_, settings) in TRACKERS.items():
        for field in describe_fields(settings):
            found.setdefault(field.name, {})[tracker] = field
    headings: dict[str, list[Any]] = {}
    for fields in found.values():
        first = next(iter(fields.values()))
        heading = f"Tracker settings, {first.group}"
        headings.setdefault(heading, []).append(make_option(first, _name_trackers(fields)))
    return apply_all(section(heading, *options) for heading, options in headings.items())(function)


def _name_trackers(fields: dict[str, SettingField]) -> str:
    """Say which trackers have a setting, and what it is in each."""
    texts: dict[str, list[str]] = {}
    for tracker, field in fields.items():
        if field.default is None or not field.text.startswith("always"):
            texts.setdefault(field.text, []).append(tracker)
    return "; ".join(f"{', '.join(trackers)}: {text}" for text, trackers in texts.items())


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
                "repeatable; the options below are the same by our names. By default distances are "
                "auto, from the cells' spacing and steps; gaps of one missed frame are bridged, "
                "and cells divide.",
            ),
            filter_options,
            tracker_options,
            section("Pruning", settings_options(PruneSettings)),
        ]
    )(function)


def ome_zarr_option(function: Function) -> Function:
    """Add --ome-zarr."""
    return click.option(
        "--ome-zarr",
        type=click.Choice(get_args(NgffVersion)),
        help="Version of OME-Zarr labels: 0.4 (Zarr 2; more programs read it) or 0.5 (Zarr 3).  "
        "[default: 0.4]",
    )(function)


def threads_option(function: Function) -> Function:
    """Add --workers; worker processes have options of their own."""
    return click.option(
        "--workers",
        type=INT,
        help="Frames measured at a time, in threads of this process.  [default: one a core]",
    )(function)


def edits_option(function: Function) -> Function:
    """Add --edits."""
    return click.option(
        "--edits",
        type=PATH,
        metavar="JOURNAL",
        help="Corrections of earlier tracks (NAME.edits.jsonl, the tracks beside it, or a run "
        "folder), made again on the new tracks by frame, label and position; what does not fit is "
        "listed.",
    )(function)


def table_options(function: Function) -> Function:
    """Add how a CSV is read."""
    return apply_all(
        [
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
        ]
    )(function)


#: Options that need another one, by its name.
_NEEDS = {
    "mask": ("mask_policy", "mask_fraction", "mask_tissues", "mask_axes"),
    "image": ("image_axes",),
    "labels": ("label_axes",),
    "spots": ("csv_units", "csv_time", "skip_bad_rows"),
}


def warn_of_idle(options: dict[str, Any], **beside: Path | None) -> None:
    """Warn of options that were given and have no effect.

    Parameters
    ----------
    options : dict
        Values of the options, None where they were not given.
    **beside : Path or None
        What such options go with, under the name of its option, where a verb has that.
    """
    for needed, path in beside.items():
        if path is None:
            _tell_idle(options, _NEEDS[needed], f"there is no {option(needed)}")
    if "spots" in beside and any(beside[name] is not None for name in ("labels", "spots")):
        names = (*SegmentationSettings.model_fields, "ome_zarr")
        _tell_idle(options, names, "nothing is segmented where labels or cells are given")


def _tell_idle(options: dict[str, Any], names: Iterable[str], why: str) -> None:
    given = [f"--{name.replace('_', '-')}" for name in names if options.get(name) is not None]
    if given:
        _log.warning("%s: no effect, as %s", ", ".join(given), why)


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
        values["tracker"] = read_tracker(options["settings_from"])
        values.pop("tracker_settings", None)
        for path, value in read_plugin(options["settings_from"]).items():
            put(path, value)
    for name, value in given_values(InputSettings, options).items():
        put(("input", name), value)
    for name, value in given_values(SegmentationSettings, options).items():
        put(("segmentation", name), value)
    for name in MaskSettings.model_fields:
        put(("measure", "mask", name), options.get(f"mask_{name}"))
    for name, value in given_values(MeasureSettings, options | {"mask": None}).items():
        put(("measure", name), value)
    for name, value in given_values(PruneSettings, options).items():
        put(("prune", name), value)
    for name in ("channel", "ome_zarr", "spot_filters", "track_filters", "workers"):
        put((name,), options.get(name))
    values["tracker"], chosen = merge_tracker(values, options, engine, source)
    values.pop("tracker_settings", None)
    settings = RunSettings.parse(values, source)
    settings.measure.mask.check_fraction(options.get("mask_fraction"))
    if options.get("settings_from") is None:  # TrackMate stores them all
        for line in list_idle_settings(settings.tracker, chosen):
            _log.warning("%s", line)
    return settings


def merge_tracker(
    values: dict[str, Any], options: dict[str, Any], engine: str, source: str
) -> tuple[dict[str, Any], list[str]]:
    """Give a tracker's name and settings: options override the file, and these the defaults.

    Where an option names another tracker than the file, the file's settings of its own are left
    out, which the log says.

    Returns
    -------
    tracker : dict
        As RunSettings takes it.
    chosen : list of str
        Names of the settings that are given and are not the default.
    """
    try:
        name, settings = split_tracker(values)
    except UserError as error:
        msg = f"{source}: {error}"
        raise UserError(msg) from None
    wanted = options.get("tracker")
    if wanted is not None and name is not None and find_tracker(wanted) != find_tracker(name):
        if settings:
            _log.warning("%s: its settings of the tracker %s are left out", source, name)
        settings = {}
    name = wanted or name or ("lap" if engine == TRACKMATE else DEFAULT_TRACKER)
    given = {one: options[one] for one in TRACKER_FIELDS if options.get(one) is not None}
    for key, value in parse_assignments(options.get("assignments", ())).items():
        lower = key.lower()
        if lower in given:
            msg = f"options: {lower} is given twice, as an option and by --set; give it once"
            raise UserError(msg)
        given[lower] = value
    settings = settings | given
    kind = TRACKERS.get(find_tracker(name) or "")
    fields = kind[1].model_fields if kind else {}
    chosen = [
        one
        for one, value in settings.items()
        if one not in fields or value != fields[one].get_default(call_default_factory=True)
    ]
    return {"name": name, **settings}, chosen


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
    """Read the tracker and its settings from a TrackMate file, as RunSettings takes them.

    Its distances are taken as they stand, in the unit of the movie; the log tells theirs.

    Raises
    ------
    UserError
        If it is no TrackMate file, or its tracker or a setting is not known here.
    """
    from btrackmate.io.trackmate import read_trackmate

    document = read_trackmate(path)
    key, values = document.tracker
    unit = document.graph.spots.calibration.space_unit
    _log.log(
        logging.INFO if unit == "µm" else logging.WARNING,
        "%s: its distances, which are in %s, are taken as they stand, in the unit of this movie",
        path, unit,
    )  # fmt: skip
    return write_tracker_settings(parse_tracker(key, values, str(path)))
