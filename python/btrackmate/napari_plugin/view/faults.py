"""What goes wrong for a reason that we know: told in the window, without a traceback."""

from napari.utils.notifications import show_error

from btrackmate.core.errors import BTrackMateError

FAULTS = (BTrackMateError, OSError)


def show_fault(error: BaseException) -> None:
    """Tell of an error in one line."""
    show_error(" ".join(str(error).split()))
