"""`btrackmate warm-up`: compile all loops ahead."""

import click

from btrackmate.cli.options import with_console
from btrackmate.core.progress import Progress


@click.command("warm-up")
@click.option("--quiet", is_flag=True, help="No progress; warnings only.")
@with_console
def command(progress: Progress) -> None:
    """Compile all loops ahead (about a minute), so that no verb has to.

    Run it once after an installation or an update. What is compiled lies in `__pycache__` beside
    the package's files; where these cannot be written, in the user's cache folder, or in the
    folder that the environment variable NUMBA_CACHE_DIR names. It holds for this kind of
    processor.
    """
    from btrackmate.pipeline.warm_up import warm_up

    warm_up(progress)
