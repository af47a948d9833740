"""`btrackmate explain`: why cells are linked, or are not."""

import json
from pathlib import Path

import click

from btrackmate.cli.options import INT, PATH, parse_assignments, with_console
from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress


@click.command("explain")
@click.argument("tracks", type=PATH)
@click.option("--spot", type=INT, metavar="ID", help="Spot whose links are asked for.")
@click.option(
    "--link", type=INT, nargs=2, metavar="ID ID", help="Two spots instead, linked or not."
)
@click.option("--tracker", help="flow, lap, … or TrackMate's key.  [default: that of the tracks]")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Tracker setting other than that of the tracks; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="No progress; warnings only.")
@with_console
def command(
    tracks: Path,
    spot: int | None,
    link: tuple[int, int] | None,
    tracker: str | None,
    assignments: tuple[str, ...],
    *,
    as_json: bool,
    progress: Progress,
) -> None:
    """Tell why a spot of TRACKS (.xml, .geff, .csv, a run) is linked as it is, and what it missed.

    For each link: its cost, the rivals and theirs, and the setting beyond which the tracker would
    decide otherwise. Links that corrections made or removed are told.
    """
    from btrackmate.review import open_explainer

    if (spot is None) == (not link):
        msg = "give --spot ID, or --link ID ID"
        raise UserError(msg)
    explainer = open_explainer(tracks, tracker, parse_assignments(assignments))
    told = explainer.explain_link(*link) if link else explainer.explain(int(spot or 0))
    click.echo(json.dumps(told.to_dict(), indent=1) if as_json else str(told))
