"""Entry point: finds the verb, turns errors into one line and an exit code."""

import contextlib
import importlib
import os
import re
import sys
from pathlib import Path
from typing import Any

import click

import btrackmate
from btrackmate.core.errors import (
    Cancelled,
    StorageError,
    UserError,
    WorkersError,
    describe_error,
    describe_fault,
    escape_controls,
)
from btrackmate.core.streams import discard_output, open_standard_streams, stop_at_sigterm
from btrackmate.core.words import command_line

#: pydantic looks through all installed packages for plugins, which takes as long as a small verb.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

_LONGEST = 300
#: A value of thousands of characters is not repeated in a message.
_LONG = re.compile(rf"\S{{{_LONGEST + 1},}}")
#: What libraries say where the system gives no memory, or no further thread.
_STARVED = re.compile(
    "(?i)can't start new thread|failed to map segment|cannot allocate memory|libllvmlite"
)
#: What the system says of a name that is wrong.
_MISTAKES = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)

#: Each verb and what it does, in the order of the work.
VERBS = {
    "run": "Go the whole way: from a movie, labels or a CSV to tracks and a report.",
    "segment": "Segment a movie or a volume: StarDist + U-Net, seed pooling, watershed.",
    "measure": "Measure label images: position, volume, shape, intensities, tissue.",
    "track": "Link cells over time.",
    "prune": "Remove short tracklets, and list what goes and why.",
    "filter": "Keep the spots and tracks that pass filters, with their links.",
    "explain": "Tell why cells are linked, or not, and which setting would change it.",
    "relabel": "Write label images in which every cell has the number of its track.",
    "convert": "Convert tracks between TrackMate XML, GEFF and CSV.",
    "analyse": "Tell what tracks say: lineages, cycles, rhythms, distances, motility.",
    "evaluate": "Score a segmentation and/or tracking against ground truth.",
    "train": "Train StarDist, U-Net and Noise2Void on your own images.",
    "optimize-thresholds": "Search the best thresholds of trained models on labelled images.",
    "train-linking": "Learn the weights of the tracker flow from tracks that are right.",
    "view": "Look at tracks, image and labels in napari, select, plot and correct.",
    "report": "Make the report of a run folder again.",
    "settings": "Print every setting of a run with its meaning, as YAML that --config takes.",
    "warm-up": "Compile all loops ahead, so that no verb has to.",
    "fiji": "Run the plugin or a script in headless Fiji; say what is found of it (doctor).",
    "demo": "Segment, track and score the sample that ships with the package.",
}


class VerbGroup(click.Group):
    """Group whose commands live in one module each and are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order of the work."""
        return list(VERBS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"btrackmate.cli.{cmd_name.replace('-', '_')}_verb")
        command: click.Command = module.command
        return command


@click.group(
    cls=VerbGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(btrackmate.__version__, prog_name="btrackmate")
def cli() -> None:
    """Segment, track and analyse cells in 3D+t (and 2D+t) microscopy.

    Every verb works by itself; `btrackmate run` goes the whole way from a movie to a report.
    Exit code 0: done; 2: something you gave is wrong (one line says what); 1: stopped (Ctrl-C,
    SIGTERM), the disk is full or refuses, or a fault of ours. Nothing is ever half-written: old
    files or new ones stand whole (docs/guarantees.md).
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Words after the program's name; by default those of this process.
    """
    open_standard_streams()
    stop_at_sigterm()
    code = run_command(sys.argv[1:] if arguments is None else arguments)
    sys.exit(close_output(code))


def run_command(arguments: list[str]) -> int:
    """Run one command line and give its exit code: 0 done, 2 the user's mistake, 1 a fault."""
    with command_line():
        return _run_command(arguments)


def _run_command(arguments: list[str]) -> int:
    try:
        result: Any = cli.main(args=arguments, prog_name="btrackmate", standalone_mode=False)
    except UserError as error:
        return _fail(str(error), 2)
    except (StorageError, WorkersError) as error:
        return _fail(str(error), 1)
    except click.UsageError as error:
        verb = error.ctx.command_path if error.ctx else "btrackmate"
        return _fail(f"{error.format_message()} (see {verb} --help)", 2)
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except (Cancelled, click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):  # click takes that of any reader for Ctrl-D.
            return _fail("an input ends too early", 1)
        return _fail("stopped by the user", 1)
    except BrokenPipeError:
        return 1
    except (OSError, ImportError, RuntimeError) as error:
        if _STARVED.search(str(error)):
            msg = f"the system gives no more memory or threads ({describe_error(error)}): close "
            return _fail(f"{msg}other programs, or raise the limits that `ulimit -a` shows", 1)
        if not isinstance(error, OSError):
            raise
        if _is_adrift():
            msg = "the folder that btrackmate was started in was removed: go to one that is there "
            return _fail(f"{msg}(cd), and start again", 2)
        told = "cannot read or print" if error.filename is None else error.filename
        return _fail(f"{told}: {describe_fault(error)}", 2 if isinstance(error, _MISTAKES) else 1)
    except MemoryError as error:
        return _fail(f"there is not enough memory for this {error}", 1)
    return result if isinstance(result, int) else 0


def _is_adrift() -> bool:
    """Tell whether the folder that this process works in was removed."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _fail(message: str, code: int) -> int:
    with contextlib.suppress(OSError):  # Nobody can be told, but by the code.
        line = _LONG.sub(lambda word: f"{word[0][:_LONGEST]}…", " ".join(message.split()))
        click.echo(f"btrackmate: {escape_controls(line)}", err=True)
    return code


def close_output(code: int) -> int:
    """Write out what was printed; give the exit code, 1 where that could not be."""
    try:
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        if isinstance(error, BrokenPipeError):
            return code or 1
        return _fail(f"cannot print: {describe_fault(error)}; the files are written", code or 1)
    return code
