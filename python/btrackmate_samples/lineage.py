"""The shipped lineage of an ascidian embryo: real positions and divisions."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from btrackmate.core.errors import UserError

MICRONS_PER_UNIT = 0.3
"""Nominal µm per lineage unit: the file states none, so this is our choice, not a measurement."""
MINUTES_PER_FRAME = 2.0
"""Nominal minutes per frame: our choice likewise."""
LINEAGE_FILE = "astec_Pm07_lineage.tsv.gz"


@dataclass(frozen=True)
class Lineage:
    """Positions of cells over time, with tracklets.

    Parameters
    ----------
    spots : DataFrame
        One row a cell and frame: ``id``, ``frame``, ``z``, ``y``, ``x`` (µm), ``parent``
        (id of the same or the mother cell one frame earlier, -1 for none) and ``tracklet``.
    man_track : DataFrame
        The Cell Tracking Challenge table: ``L`` tracklet, ``B`` first frame, ``E`` last frame,
        ``P`` mother tracklet (0 for none).
    """

    spots: pd.DataFrame
    man_track: pd.DataFrame

    @property
    def n_divisions(self) -> int:
        """Number of mother tracklets with two or more daughters."""
        mothers = self.man_track.loc[self.man_track["P"] > 0, "P"].value_counts()
        return int((mothers >= 2).sum())

    def at_frame(self, frame: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Positions and tracklets of one frame.

        Returns
        -------
        positions : (n, 3) ndarray of float
            z, y, x in µm.
        tracklets : (n,) ndarray of int
        """
        rows = self.spots[self.spots["frame"] == frame]
        return rows[["z", "y", "x"]].to_numpy(float), rows["tracklet"].to_numpy(np.int64)


def load_lineage(first: int | None = None, last: int | None = None, step: int = 1) -> Lineage:
    """Load the curated lineage of an ascidian (*Phallusia mammillata*) embryo.

    Parameters
    ----------
    first, last : int, optional
        Frames of the file to take, both included; the file holds 4 to 82. Frames of the result
        count from 0.
    step : int
        Take every `step`-th frame.

    Returns
    -------
    Lineage
        Tracklets are numbered from 1 in the order of first frame, then id.

    Raises
    ------
    UserError
        If the frames are not in the file.

    Notes
    -----
    The file gives positions without a physical size; `MICRONS_PER_UNIT` and
    `MINUTES_PER_FRAME` are nominal.

    References
    ----------
    Guignard et al., Contact area-dependent cell communication and the morphological
    invariance of ascidian embryogenesis, Science 369 (2020), doi:10.1126/science.aar5663.
    Positions: mastodon-example-data, CC BY 4.0.
    """
    table = pd.read_csv(
        str(files("btrackmate_samples") / "data" / LINEAGE_FILE), sep="\t", compression="gzip"
    )
    low, high = int(table["t"].min()), int(table["t"].max())
    first = low if first is None else first
    last = high if last is None else last
    if not low <= first <= last <= high or step < 1:
        msg = f"lineage frames {first} to {last} by {step}: the file holds {low} to {high}; "
        msg += "give first <= last inside that range and step >= 1"
        raise UserError(msg)
    spots = pd.DataFrame(
        {
            "id": table["id"],
            "frame": table["t"],
            **{axis: table[axis] * MICRONS_PER_UNIT for axis in "zyx"},
            "parent": table["parent"],
        }
    )
    return lineage_from_spots(_take_frames(spots, first, last, step))


def _take_frames(spots: pd.DataFrame, first: int, last: int, step: int) -> pd.DataFrame:
    """Keep every `step`-th frame and point `parent` at the ancestor `step` frames earlier."""
    ancestor = spots.set_index("id")["parent"].copy()
    parent_of = ancestor.to_dict()
    for _ in range(step - 1):
        ancestor = ancestor.map(lambda one: parent_of.get(one, -1))
    spots = spots.assign(parent=ancestor.to_numpy())
    frame = spots["frame"]
    spots = spots[(frame >= first) & (frame <= last) & ((frame - first) % step == 0)].copy()
    spots["frame"] = (spots["frame"] - first) // step
    spots.loc[~spots["parent"].isin(spots["id"]), "parent"] = -1
    return spots.sort_values(["frame", "id"]).reset_index(drop=True)


def lineage_from_spots(spots: pd.DataFrame) -> Lineage:
    """Find the tracklets of spots that name their parents.

    Parameters
    ----------
    spots : DataFrame
        Columns id, frame, z, y, x (µm) and parent (-1 for none), sorted by frame.

    Returns
    -------
    Lineage
        A tracklet ends where a spot has no child or more than one.
    """
    children = spots.loc[spots["parent"] >= 0, "parent"].value_counts().to_dict()
    tracklet_of: dict[int, int] = {}
    rows: dict[int, dict[str, int]] = {}
    for row in spots.itertuples(index=False):
        one: Any = row
        if one.parent >= 0 and children[one.parent] == 1:
            label = tracklet_of[one.parent]
            rows[label]["E"] = int(one.frame)
        else:
            label = len(rows) + 1
            mother = tracklet_of[one.parent] if one.parent >= 0 else 0
            rows[label] = {"L": label, "B": int(one.frame), "E": int(one.frame), "P": mother}
        tracklet_of[one.id] = label
    man_track = pd.DataFrame(list(rows.values()), columns=["L", "B", "E", "P"], dtype=np.int64)
    numbered = spots.assign(tracklet=[tracklet_of[one] for one in spots["id"]])
    return Lineage(numbered, man_track)
