"""Errors that a user can act on."""


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


class Cancelled(BTrackMateError):
    """Signal that the user stopped a running step."""


def describe_error(error: BaseException, longest: int = 400) -> str:
    """Say what another library raised, on one line that is not too long to read."""
    told = " ".join(str(error).split()) or type(error).__name__
    return told if len(told) <= longest else f"{told[: longest - 1]}…"


def describe_fault(error: OSError) -> str:
    """Say in words what the system refused, without the names that only we know."""
    return error.strerror or describe_error(error)
