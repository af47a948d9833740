"""`btrackmate train-linking`: weights of the flow tracker from tracks that are right."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from btrackmate.cli.console import print_paths
from btrackmate.cli.options import (
    FLOAT,
    OUTPUT,
    PATH,
    common_options,
    parse_assignments,
    with_console,
)
from btrackmate.core.errors import UserError, escape_controls
from btrackmate.core.files import write_text, write_together
from btrackmate.core.outputs import check_outputs
from btrackmate.core.progress import Progress

if TYPE_CHECKING:
    from btrackmate.metrics import TrackingScores

_log = logging.getLogger(__name__)

#: A lower F1 of links or divisions on the very movies that were learnt from is warned of.
_LEAST_SCORE = 0.3


@click.command("train-linking")
@click.argument("tracks", type=PATH, nargs=-1, required=True)
@click.option(
    "-o", "--output", type=OUTPUT, required=True, help="YAML for `track` and `run --config`."
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Setting of the flow tracker, e.g. linking_max_distance=15; repeatable.  "
    "[default: distances from the true links]",
)
@click.option(
    "--ridge",
    type=FLOAT,
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
    """Learn the weights of the tracker `flow` from TRACKS (.xml, .geff, .csv, runs) that are right.

    Spots without a link count as no cells. The distances within which the tracker looks are taken
    from the true links (1.2 times what covers 99.8 % of them), unless --set gives them; they go
    into the YAML too. The scores printed are of the same movies, tracked with what was learnt.
    """
    import yaml

    import btrackmate
    from btrackmate.io.track_formats import check_once, name_inputs
    from btrackmate.pipeline.linking_training import learn_linking
    from btrackmate.tracking.flow.settings import FlowSettings, FlowWeights

    values = parse_assignments(assignments)
    if output.suffix not in (".yaml", ".yml"):
        msg = f"{output}: weights are written as YAML; end the name in .yaml"
        raise UserError(msg)
    check_once(tracks)
    read = [one for path in tracks for one in name_inputs(path)]
    check_outputs([output], read, overwrite=overwrite)
    learnt = learn_linking(tracks, values, ridge, progress)
    content = {"tracker": {"name": "flow", **learnt.settings}}
    origin = ", ".join(escape_controls(str(path)) for path in tracks)
    text = f"# Learnt by BTrackMate {btrackmate.__version__} from {origin}; ridge {ridge:g}\n"
    with write_together(overwrite=overwrite):
        write_text(output, text + yaml.safe_dump(content, sort_keys=False))
    default = FlowSettings().weights
    for name in FlowWeights.model_fields:
        click.echo(
            f"{name}\t{getattr(learnt.weights, name):g}\t(default {getattr(default, name):g})"
        )
    for path, scores in zip(tracks, learnt.scores, strict=True):
        _show_scores(path, scores)
    print_paths((output,))


def _show_scores(path: Path, scores: "TrackingScores") -> None:
    """Print what is found again, and warn where that is little."""
    values = {"link_f1": scores.link_f1, "division_f1": scores.division_f1}
    known = {name: value for name, value in values.items() if value is not None}
    click.echo(f"{path}: {', '.join(f'{name} {value:.4f}' for name, value in known.items())}")
    poor = [f"{name} is {value:.3f}" for name, value in known.items() if value < _LEAST_SCORE]
    if poor:
        _log.warning(
            "%s: %s when it is tracked with what was learnt from it, so that this is of little "
            "use; check that the tracks are right, and the distances (--set)",
            path,
            ", ".join(poor),
        )
