"""Tracks of a folder of the Cell Tracking Challenge: its labels, linked as its table says."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.ctc import CtcFrames, read_ctc
from btrackmate.measurement import MeasureSettings
from btrackmate.measurement.movie import measure_movie


class _Frames:
    """Label images of a folder, as measuring wants them."""

    def __init__(self, frames: CtcFrames) -> None:
        self._frames = frames
        self.n_frames = len(frames)
        self.ndim = frames[0].ndim

    def frame(self, t: int) -> NDArray[Any]:
        return self._frames[t]


def link_ctc(folder: Path, progress: Progress = ignore_progress) -> TrackGraph:
    """Measure the label images of a TRA or RES folder, and link them as its table says.

    Positions are in pixels: these folders hold no calibration.

    Parameters
    ----------
    folder : Path
    progress : Progress

    Raises
    ------
    UserError
        If the folder is damaged or has no images.
    """
    ctc = read_ctc(folder)
    if not len(ctc.frames):
        msg = f"{folder}: has no label images"
        raise UserError(msg)
    spots = measure_movie(
        _Frames(ctc.frames), None, None, Calibration(), MeasureSettings(), progress=progress
    ).spots
    source, target = find_links(spots.frame, spots.table["label"].to_numpy(), ctc.tracks)
    return TrackGraph.from_links(spots, source, target)


def find_links(
    frame: NDArray[np.int64], label: NDArray[np.int64], tracks: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Link spots of one label from each to the next, and the first to the last of its parent.

    Parameters
    ----------
    frame, label : (n,) ndarray of int
        Of the spots.
    tracks : DataFrame
        label and parent, 0 for none.

    Returns
    -------
    source, target : (m,) ndarray of int
        Rows of spots.
    """
    order = np.lexsort((frame, label))
    same = label[order][1:] == label[order][:-1]
    first = order[np.concatenate(([True], ~same))]
    last = order[np.concatenate((~same, [True]))]
    begins = pd.Series(first, index=label[first])
    ends = pd.Series(last, index=label[last])
    known = tracks[tracks["label"].isin(begins.index) & tracks["parent"].isin(ends.index)]
    mother = ends.loc[known["parent"]].to_numpy(np.int64)
    daughter = begins.loc[known["label"]].to_numpy(np.int64)
    forward = frame[mother] < frame[daughter]
    source = np.concatenate((order[:-1][same], mother[forward]))
    target = np.concatenate((order[1:][same], daughter[forward]))
    return source, target
