"""Errors that a user can act on."""

import re


class BTrackMateError(Exception):
    """Base of every error this package raises on purpose."""


class UserError(BTrackMateError, ValueError):
    """Signal a mistake in what the user gave: input, option or file.

    The message is one line: what was got, what was expected, where, and what to do.
    The command line prints it without a traceback and exits with code 2.
    """


class StorageError(BTrackMateError):
    """Signal that the file system refused to write: disk full, folder gone, no permission.

    The message is one line; the command line prints it without a traceback and exits with code 1.
    """


class WorkersError(BTrackMateError):
    """Signal that workers or their scheduler were lost; what they finished is kept.

    The message is one line; the command line prints it without a traceback and exits with code 1.
    """


class Cancelled(BTrackMateError):
    """Signal that the user stopped a running step."""


#: What would move or hide the text around it on a terminal.
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escape_controls(text: str) -> str:
    """Show what controls a terminal as its code, such as ESC's: names of files may hold it."""
    return _CONTROL.sub(lambda one: one[0].encode("unicode_escape").decode("ascii"), text)


def describe_error(error: BaseException, longest: int = 400) -> str:
    """Say what another library raised, on one line that is not too long to read."""
    told = " ".join(str(error).split()) or type(error).__name__
    return told if len(told) <= longest else f"{told[: longest - 1]}…"


def describe_fault(error: OSError) -> str:
    """Say in words what the system refused, without the names that only we know."""
    return error.strerror or describe_error(error)
