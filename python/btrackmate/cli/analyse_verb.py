"""`btrackmate analyse`: tables and pictures of what tracks say."""

import sys
from pathlib import Path
from typing import Any

import click

from btrackmate.analysis.settings import AnalysisSettings, RhythmSettings
from btrackmate.cli.console import print_paths
from btrackmate.cli.options import (
    OUTPUT,
    PATH,
    calibration_options,
    common_options,
    given_values,
    settings_options,
    with_console,
)
from btrackmate.cli.run_options import input_settings
from btrackmate.core.files import write_together
from btrackmate.core.progress import Progress


@click.command("analyse")
@click.argument("tracks", type=PATH, nargs=-1, required=True)
@click.option("-o", "--output", type=OUTPUT, required=True, help="Folder of tables and pictures.")
@click.option(
    "--feature",
    "features",
    multiple=True,
    help="Feature whose rhythm and course around divisions are looked at; repeatable.  [default: "
    "mean intensities, volume and distance to the boundary, of those that there are]",
)
@settings_options(AnalysisSettings, exclude=["features", "rhythm"])
@settings_options(RhythmSettings)
@click.option(
    "--group",
    "groups",
    type=PATH,
    help="CSV of track (or tracklet, or of several movies movie) and your columns, e.g. condition; "
    "tables and plots are split by the first of them, or by --group-by.",
)
@click.option("--mask", type=PATH, help="Tissue mask: measures the distance to its boundary.")
@click.option("--mask-axes", help="Axes of the mask.")
@click.option(
    "--figures/--no-figures", default=True, help="Pictures, .png and .svg.  [default: on]"
)
@click.option("--report/--no-report", default=True, help="A report, .html.  [default: on]")
@calibration_options
@common_options
@with_console
def command(
    tracks: tuple[Path, ...],
    output: Path,
    features: tuple[str, ...],
    groups: Path | None,
    mask: Path | None,
    *,
    figures: bool,
    report: bool,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Analyse TRACKS (.xml, .geff, .csv or run folders; one movie each).

    Writes tidy tables (.csv): tracklets with relatives and fates, cycle times with censoring,
    rhythms with significance, distance to the boundary, motility, courses around divisions,
    neighbours; pictures of them; a report; and analysis.yaml with settings and units. --dt and the
    units override those of the tracks, --voxel-size those of the mask.
    """
    from btrackmate.pipeline.analysing import AnalysisJob, analyse_files, check_analysis

    rhythm = RhythmSettings.parse(given_values(RhythmSettings, options), "options")
    values = given_values(AnalysisSettings, options) | {"rhythm": rhythm}
    if features:
        values["features"] = tuple(dict.fromkeys(features))
    settings = AnalysisSettings.parse(values, "options")
    job = AnalysisJob(tracks, groups, mask, input_settings(options), figures, report)
    check_analysis(output, job, overwrite=overwrite)
    with write_together(overwrite=overwrite):
        written, tables = analyse_files(
            job, output, settings, progress=progress, command=tuple(sys.argv[1:])
        )
    for line in _summarise(tables, settings.rhythm.significance):
        click.echo(line)
    print_paths(written)


def _summarise(tables: Any, limit: float) -> list[str]:
    tracklets, rhythm = tables["tracklets"], tables["rhythm"]
    n_tracks = len(tracklets[[c for c in ("movie", "track") if c in tracklets]].drop_duplicates())
    lines = [f"{len(tracklets)} tracklets of {n_tracks} tracks"]
    for name, part in rhythm.groupby("feature", sort=False):
        n = int(part["rhythmic"].sum())
        lines.append(f"{n} of {len(part)} tracklets have a rhythm of {name} (q < {limit:g})")
    for (what, why), part in tables["left_out"].groupby(["analysis", "reason"], sort=False):
        lines.append(f"left out: {len(part)} tracklets, {what}: {why}")
    return lines
