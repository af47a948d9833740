"""The CTC toy movie: 6 frames of 279 × 189 pixels, three tracks, a perfect result."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from btrackmate.metrics import LabelMovie

ARCHIVE = Path(__file__).parents[2] / "data" / "ctc_toy_truth_and_result.zip"


def read_toy():
    """Give truth (TRA), truth segmentation (SEG) frames and result."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        truth = LabelMovie(_frames(archive, "GT/TRA/"), _tracks(archive, "GT/TRA/man_track.txt"))
        result = LabelMovie(_frames(archive, "res/"), _tracks(archive, "res/res_track.txt"))
        return truth, _frames(archive, "GT/SEG/"), result


def spoil(result):
    """Break the result: track 200 is cut at frame 3, 240 ends early, 130 swallows 24's marker.

    From frame 3 on track 200 goes on as 201 without a parent; 240 is missing in frame 5; in
    frame 1 all of 240 is given to 130.
    """
    frames = result.frames.copy()
    frames[3:][frames[3:] == 200] = 201
    frames[5][frames[5] == 240] = 0
    frames[1][frames[1] == 240] = 130
    rows = [(130, 0, 5, 0), (200, 0, 2, 0), (201, 3, 5, 0), (240, 0, 0, 0), (241, 2, 4, 240)]
    frames[2:][frames[2:] == 240] = 241
    return LabelMovie(frames, pd.DataFrame(rows, columns=["label", "begin", "end", "parent"]))


def _frames(archive, folder):
    names = sorted(n for n in archive.namelist() if n.startswith(folder) and n.endswith(".tif"))
    return np.stack([tifffile.imread(io.BytesIO(archive.read(name))) for name in names])


def _tracks(archive, name):
    text = io.StringIO(archive.read(name).decode())
    return pd.read_csv(text, sep=" ", header=None, names=["label", "begin", "end", "parent"])
