"""The tracking engine that a command line asks for, and the options of the one in Fiji."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from btrackmate.cli.options import apply_all, given_values

if TYPE_CHECKING:
    from btrackmate.pipeline.linking import Linker
    from btrackmate.tracking.settings import TrackerSettings

Function = Callable[..., Any]

BUILTIN, TRACKMATE = "builtin", "trackmate"


@dataclass(frozen=True)
class Engine:
    """What links the spots, and its name for the record.

    Parameters
    ----------
    name : str
    linker : callable
    """

    name: str
    linker: "Linker"


def fiji_options(function: Function) -> Function:
    """Add --fiji, --memory, --java and --jars."""
    return apply_all(
        [
            click.option(
                "--fiji",
                metavar="DIR",
                help="Fiji folder, or 'maven' for TrackMate from Maven.  [default: "
                "$BTRACKMATE_FIJI, else a Fiji in the usual places, else maven]",
            ),
            click.option(
                "--memory",
                metavar="SIZE",
                help="Most memory that Java may take, e.g. 4g.  [default: Java's, a quarter of "
                "the machine's]",
            ),
            click.option(
                "--java",
                metavar="DIR",
                help="Java home, 21 or later.  [default: $JAVA_HOME, the PATH, usual places]",
            ),
            click.option(
                "--jars",
                metavar="DIR",
                help="Folder with the jars of BTrackMate's plugin.  [default: Fiji, this "
                "checkout, the local Maven repository]",
            ),
        ]
    )(function)


def engine_options(function: Function) -> Function:
    """Add --engine and the options of Fiji that it needs."""
    return apply_all(
        [
            click.option(
                "--engine",
                type=click.Choice([BUILTIN, TRACKMATE]),
                default=BUILTIN,
                show_default=True,
                help="What links the spots: Python, or the real TrackMate in headless Fiji.",
            ),
            click.option("--fiji", metavar="DIR", help="Fiji folder, or 'maven' (trackmate)."),
            click.option("--memory", metavar="SIZE", help="Java's memory, e.g. 4g (trackmate)."),
        ]
    )(function)


def start_engine(name: str, tracker: "TrackerSettings", options: dict[str, Any]) -> Engine:
    """Give the engine; TrackMate is started here, so that what it lacks is told before the work.

    Raises
    ------
    UserError
        If the engine does not have the tracker, or cannot be started.
    """
    if name == BUILTIN:
        from btrackmate.tracking.engine import track

        return Engine(name, track)
    from btrackmate.fiji_bridge.jvm import start_fiji
    from btrackmate.fiji_bridge.linking import TrackMateLinker, check_tracker
    from btrackmate.fiji_bridge.settings import FijiSettings

    check_tracker(tracker)
    settings = FijiSettings.parse(given_values(FijiSettings, options), "options")
    fiji = start_fiji(settings)
    return Engine(f"{name} {fiji.trackmate}", TrackMateLinker(fiji))
