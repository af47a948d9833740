"""`btrackmate train-linking`: weights of the flow tracker from tracks that are right."""

from pathlib import Path

import click

from btrackmate.cli.options import PATH, common_options, parse_assignments, with_console
from btrackmate.core.errors import UserError
from btrackmate.core.files import check_output, write_atomically
from btrackmate.core.progress import Progress


@click.command("train-linking")
@click.argument("tracks", type=PATH, nargs=-1, required=True)
@click.option(
    "-o", "--output", type=PATH, required=True, help="YAML for `track` and `run --config`."
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Setting of the flow tracker, e.g. linking_max_distance=15; repeatable.",
)
@click.option(
    "--ridge",
    type=float,
    default=10.0,
    show_default=True,
    help="Pull towards the default weights; more for few tracks.",
)
@common_options
@with_console
def command(
    tracks: tuple[Path, ...],
    output: Path,
    assignments: tuple[str, ...],
    *,
    ridge: float,
    overwrite: bool,
    progress: Progress,
) -> None:
    """Learn the weights of the tracker `flow` from TRACKS (.xml, .geff, .csv) that are right.

    Spots without a link count as no cells. The distances given with --set go into the YAML too.
    """
    import yaml

    import btrackmate
    from btrackmate.io.convert import read_tracks
    from btrackmate.tracking.flow_learn import train_linking
    from btrackmate.tracking.flow_settings import FlowSettings, FlowWeights
    from btrackmate.tracking.settings import parse_tracker

    values = parse_assignments(assignments)
    settings = parse_tracker("flow", values, "--set")
    if not isinstance(settings, FlowSettings):
        raise TypeError(type(settings))
    if output.suffix not in (".yaml", ".yml"):
        msg = f"{output}: weights are written as YAML; end the name in .yaml"
        raise UserError(msg)
    check_output(output, overwrite=overwrite)
    graphs = [read_tracks(path)[0] for path in tracks]
    weights = train_linking(graphs, settings, ridge=ridge, progress=progress)
    given = {name.lower(): value for name, value in values.items()}
    content = {"tracker": "flow", "tracker_settings": given | {"weights": weights.model_dump()}}
    origin = ", ".join(str(path) for path in tracks)
    text = f"# Learnt by BTrackMate {btrackmate.__version__} from {origin}; ridge {ridge:g}\n"
    with write_atomically(output) as partial:
        partial.write_text(text + yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    default = FlowSettings().weights
    for name in FlowWeights.model_fields:
        click.echo(f"{name}\t{getattr(weights, name):g}\t(default {getattr(default, name):g})")
    click.echo(output)
