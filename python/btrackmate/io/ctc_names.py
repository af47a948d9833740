"""Names in a folder of the Cell Tracking Challenge."""

from pathlib import Path

#: Names of the table and of the images, of truth and of a result.
CTC_NAMES = ("man_track.txt", "man_track"), ("res_track.txt", "mask")


def find_ctc_tracks(folder: Path) -> Path | None:
    """Find where the table of tracklets lies: in the folder, or in its TRA; None for nowhere."""
    places = (folder, folder / "TRA")
    return next(
        (one for one in places if any((one / name).is_file() for name, _ in CTC_NAMES)), None
    )
