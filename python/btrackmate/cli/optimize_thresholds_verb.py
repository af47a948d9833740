"""`btrackmate optimize-thresholds`: thresholds of trained models from labelled images."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import (
    OUTPUT,
    PATH,
    common_options,
    given_values,
    settings_options,
    with_console,
)
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_stream, write_together
from btrackmate.core.outputs import check_ending, check_outputs, check_unchanged
from btrackmate.core.progress import Progress
from btrackmate.core.watching import list_files, watch_inputs
from btrackmate.training.objective import OptimiseSettings

if TYPE_CHECKING:
    from btrackmate.training.optimise import Optimised


@click.command("optimize-thresholds")
@click.argument("data_dir", type=PATH)
@settings_options(OptimiseSettings)
@click.option("--table", type=OUTPUT, help="Write every threshold tried and its score, .csv.")
@click.option("--dry-run", is_flag=True, help="Search and print, but leave the models as they are.")
@common_options
@with_console
def command(
    data_dir: Path,
    table: Path | None,
    *,
    dry_run: bool,
    overwrite: bool,
    progress: Progress,
    **options: Any,
) -> None:
    """Search the best thresholds on DATA_DIR/Raw/ and DATA_DIR/Segmentation/ (same file names).

    They are written to thresholds.json of the models, where `btrackmate segment` finds them;
    images that were not trained on are best. StarDist's: prob and nms. The U-Net's: foreground (of
    the best overlap of the masks), boundary, wall (for --join-thresh: one in a hundred of the true
    walls lies below, or less where both networks are searched and less is better; only where 20
    walls are known) and, where both networks are searched, rescue (for --rescue-thresh; 0 where
    dropping cells does not raise the score).
    """
    from btrackmate.training.optimise import check_found, find_models, optimise_thresholds

    settings = OptimiseSettings.parse(given_values(OptimiseSettings, options), "options")
    check_ending(table, ".csv")
    folders = find_models(settings)
    models = [file for folder in folders for _, file in list_files(folder)]
    check_outputs([table], [data_dir, *models], overwrite=overwrite)
    if settings.model_dir is None and not dry_run:
        msg = "the models that ship with the package are not changed: give --model-dir DIR, or "
        msg += "--dry-run to see what would be found"
        raise UserError(msg)
    with write_together(), watch_inputs(data_dir, *folders):  # Until what is found is put in place.
        results = optimise_thresholds(data_dir, settings, progress)
        for result in results:
            _print(result, settings.title)
        check_found(results)
        if table is not None:
            _write_table(table, results)
            check_unchanged(table)
        for result in [] if dry_run else results:
            result.save()
    if table is not None:
        print_paths((table,))
    if dry_run:
        click.echo("dry run: the models are as they were")
        return
    for result in results:
        for folder in result.folders:
            click.echo(folder / "thresholds.json")


def _print(result: "Optimised", metric: str) -> None:
    """Print each threshold before and after, and the scores."""
    click.echo(f"{result.title:<12}{'before':>10}{'found':>10}")
    for name, value in result.found.thresholds.items():
        before = result.before.get(name)
        click.echo(f"  {name:<10}{'-' if before is None else f'{before:g}':>10}{value:>10g}")
    for name, score in result.found.scores.items():
        known = result.score_before if name == metric else None
        click.echo(f"  {name:<10}{'-' if known is None else f'{known:.3f}':>10}{score:>10.3f}")


def _write_table(path: Path, results: "list[Optimised]") -> None:
    rows = [{"model": result.title} | row for result in results for row in result.found.table]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with write_stream(path) as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
