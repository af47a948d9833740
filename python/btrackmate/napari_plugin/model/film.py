"""Films: key frames of a view, and what lies between them."""

from dataclasses import dataclass, field, replace

import numpy as np

from btrackmate.core.errors import UserError


@dataclass(frozen=True)
class View:
    """What the window shows at one moment.

    Parameters
    ----------
    frame : float
        Frame of the movie.
    center : tuple of float
        z, y, x that the camera looks at, in the space unit.
    zoom : float
        Pixels per space unit.
    angles : tuple of float
        Of the camera, in degrees.
    plane : float or None
        z of the plane that is shown, in the space unit; None where there is none.
    ndisplay : int
        3 where the volume is shown.
    """

    frame: float
    center: tuple[float, float, float]
    zoom: float
    angles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    plane: float | None = None
    ndisplay: int = 2


@dataclass
class Film:
    """Key frames, and how many pictures lead from each to the next.

    Parameters
    ----------
    keys : list of View
    steps : list of int
        Pictures from the key before to this one; the first is not used.
    """

    keys: list[View] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def add(self, view: View, steps: int) -> None:
        """Add a key frame, `steps` pictures after the one before."""
        self.keys.append(view)
        self.steps.append(max(int(steps), 1))

    def remove(self, number: int) -> None:
        """Remove a key frame."""
        del self.keys[number], self.steps[number]

    def views(self) -> list[View]:
        """Give every picture's view; zoom goes evenly in its logarithm, all else straight.

        Raises
        ------
        UserError
            If there are fewer than two key frames.
        """
        if len(self.keys) < 2:
            msg = f"a film needs two key frames, there are {len(self.keys)}: go to another view "
            msg += "and add it"
            raise UserError(msg)
        views = [self.keys[0]]
        for before, after, n in zip(self.keys, self.keys[1:], self.steps[1:], strict=False):
            views += [_mix(before, after, (i + 1) / n) for i in range(n)]
        return views


def run_through(view: View, n_frames: int, per_frame: int = 1) -> list[View]:
    """Give the views of one picture (or more) a frame, through the whole movie."""
    return [replace(view, frame=frame) for frame in range(n_frames) for _ in range(per_frame)]


def _mix(before: View, after: View, share: float) -> View:
    def between(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, float, float]:
        x, y, z = (np.asarray(a) * (1 - share) + np.asarray(b) * share).tolist()
        return x, y, z

    zoom = float(np.exp(np.log(before.zoom) * (1 - share) + np.log(after.zoom) * share))
    frame = before.frame * (1 - share) + after.frame * share
    plane = before.plane
    if plane is not None and after.plane is not None:
        plane = plane * (1 - share) + after.plane * share
    center, angles = between(before.center, after.center), between(before.angles, after.angles)
    if share == 1 or before.ndisplay == after.ndisplay:
        return View(frame, center, zoom, angles, plane, after.ndisplay)
    return View(frame, center, zoom, angles, plane, before.ndisplay)
