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
