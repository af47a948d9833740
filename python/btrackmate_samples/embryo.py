"""A growing ball of cells that flow, push each other, divide and die: truth for point movies."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.spatial import cKDTree

from btrackmate.core.settings import Settings

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Cells per spacing³ of an embryo; with it most nearest neighbours lie about one spacing away.
PACKING = 0.42
#: Mean radius of a cell as a fraction of the spacing.
RADIUS_OF_SPACING = 0.52

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Chance = Annotated[float, Field(ge=0, le=1)]


class EmbryoSettings(Settings):
    """A growing embryo of cells, lengths in µm, speeds in µm per frame."""

    n_frames: Annotated[int, Field(ge=1)] = Field(20, description="length of the movie [frames]")
    n_cells: Annotated[int, Field(ge=0)] = Field(155, description="cells in the first frame")
    growth: Annotated[float, Field(gt=1, allow_inf_nan=False)] = Field(
        1.54, description="cells in the last frame over cells in the first, without deaths"
    )
    spacing: Positive = Field(7.4, description="usual distance of neighbours [µm]")
    flow: Amount = Field(1.4, description="root mean square speed of the tissue's flow [µm/frame]")
    flow_scale: Positive = Field(
        110.0, description="mean wavelength of the flow [µm]; neighbours move alike well below it"
    )
    wander: Amount = Field(
        1.15, description="root mean square of a cell's own velocity [µm/frame], lasting 5 frames"
    )
    daughter_distance: Positive = Field(
        1.25, description="distance of newborn sisters, as a fraction of the spacing"
    )
    death: Chance = Field(0.0005, description="chance that a cell dies, per frame")


@dataclass(frozen=True, eq=False)
class Embryo:
    """Cells of all frames, n rows sorted by frame.

    Parameters
    ----------
    frame : (n,) ndarray of int
        Frame of each row.
    parent : (n,) ndarray of int
        Row of the same cell, or of its mother, one frame earlier; −1 in the first frame.
    position : (n, 3) ndarray of float
        x, y, z in µm.
    volume : (n,) ndarray of float
        µm³; doubles from birth to division, and daughters share it.
    brightness : (n,) ndarray of float
        Mean intensity around 1: a level of its own that daughters inherit roughly, raised by
        half in the mother's last frame and by a quarter in the daughters' first.
    """

    frame: IntArray
    parent: IntArray
    position: FloatArray
    volume: FloatArray
    brightness: FloatArray


@dataclass(eq=False)
class _Cells:
    """The cells of one frame; changed from frame to frame."""

    position: FloatArray
    wander: FloatArray
    age: FloatArray
    cycle: FloatArray
    birth_volume: FloatArray
    level: FloatArray
    newborn: NDArray[np.bool_]

    def take(self, rows: NDArray[Any]) -> "_Cells":
        return _Cells(*(values[rows] for values in vars(self).values()))

    @property
    def volume(self) -> FloatArray:
        """Volume in µm³."""
        grown: FloatArray = self.birth_volume * 2 ** np.minimum(self.age / self.cycle, 1)
        return grown

    @property
    def brightness(self) -> FloatArray:
        """Mean intensity around 1."""
        mitotic = self.age + 1 >= self.cycle
        bright: FloatArray = self.level * (1 + 0.5 * mitotic + 0.25 * self.newborn)
        return bright


@dataclass(frozen=True, eq=False)
class _Flow:
    """Smooth, divergence-free velocity field: a sum of m drifting shear waves."""

    vectors: FloatArray
    directions: FloatArray
    phases: FloatArray
    drifts: FloatArray
    speed: float

    @classmethod
    def draw(cls, rng: np.random.Generator, speed: float, scale: float, m: int = 12) -> "_Flow":
        vectors = rng.normal(size=(m, 3))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        directions = np.cross(vectors, rng.normal(size=(m, 3)))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        vectors *= 2 * np.pi / (scale * rng.uniform(0.6, 1.4, size=(m, 1)))
        drifts = rng.normal(scale=0.05, size=m)
        return cls(vectors, directions, rng.uniform(0, 2 * np.pi, m), drifts, speed)

    def at(self, position: FloatArray, frame: int) -> FloatArray:
        """Velocity at (n, 3) positions in µm per frame, (n, 3)."""
        phase = position @ self.vectors.T + self.phases + self.drifts * frame
        scale = self.speed * np.sqrt(2 / len(self.phases))
        velocity: FloatArray = scale * np.cos(phase) @ self.directions
        return velocity


def grow_embryo(settings: EmbryoSettings, rng: np.random.Generator) -> Embryo:
    """Let an embryo grow.

    Parameters
    ----------
    settings : EmbryoSettings
        Size, growth and motion.
    rng : Generator
        Source of the random numbers.

    Returns
    -------
    Embryo

    Notes
    -----
    Between two frames every cell moves by the flow at its place and its own velocity (which keeps
    80 % of itself from frame to frame), the ball widens with the number of cells, touching cells
    push each other apart, and those outside the ball go back to its surface. A cell whose age
    reaches its cycle divides along a random axis. Ages start in the distribution of steady
    exponential growth.
    """
    flow = _Flow.draw(rng, settings.flow, settings.flow_scale)
    cells = _start(settings, rng)
    parents = [np.full(len(cells.age), -1, np.int64)]
    history = [cells]
    start = 0
    for frame in range(1, settings.n_frames):
        before = len(cells.age)
        cells, parent = _step(cells, flow, frame, settings, rng)
        parents.append(parent + start)
        history.append(cells)
        start += before
    sizes = [len(cells.age) for cells in history]
    return Embryo(
        np.repeat(np.arange(settings.n_frames), sizes),
        np.concatenate(parents),
        np.concatenate([cells.position for cells in history]),
        np.concatenate([cells.volume for cells in history]),
        np.concatenate([cells.brightness for cells in history]),
    )


def _start(settings: EmbryoSettings, rng: np.random.Generator) -> _Cells:
    n = settings.n_cells
    direction = rng.normal(size=(n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = _ball_radius(n, settings)
    position = direction * radius * rng.random((n, 1)) ** (1 / 3)
    cycle = _draw_cycle(n, settings, rng)
    age = -cycle * np.log2(1 - rng.random(n) / 2)
    mean_radius = RADIUS_OF_SPACING * settings.spacing
    # cells of all ages have on average 1.39 times the volume at birth
    birth_volume = 4 / 3 * np.pi * mean_radius**3 / 1.39 * np.exp(rng.normal(scale=0.1, size=n))
    cells = _Cells(
        position,
        rng.normal(scale=settings.wander / np.sqrt(3), size=(n, 3)),
        age,
        cycle,
        birth_volume,
        np.exp(rng.normal(scale=0.25, size=n)),
        np.zeros(n, np.bool_),
    )
    _push_apart(cells, radius, settings, rounds=60)
    return cells


def _step(
    cells: _Cells, flow: _Flow, frame: int, settings: EmbryoSettings, rng: np.random.Generator
) -> tuple[_Cells, IntArray]:
    """Move, divide and lose cells; return those of the next frame and each one's old row."""
    alive = np.flatnonzero(rng.random(len(cells.age)) >= settings.death)
    dividing = cells.age[alive] + 1 >= cells.cycle[alive]
    parent = np.repeat(alive, 1 + dividing)
    old_radius = _ball_radius(len(cells.age), settings)
    radius = _ball_radius(len(parent), settings)
    grown = cells.take(parent)
    own = rng.normal(scale=settings.wander / np.sqrt(3), size=grown.wander.shape)
    grown.wander = 0.8 * grown.wander + 0.6 * own
    grown.position = grown.position + flow.at(grown.position, frame) + cells.wander[parent]
    if old_radius > 0:
        grown.position *= radius / old_radius
    grown.age = grown.age + 1
    first = np.flatnonzero(np.repeat(dividing, 1 + dividing))[::2]
    _divide(grown, first, settings, rng)
    _push_apart(grown, radius, settings, rounds=3)
    return grown, parent


def _divide(
    cells: _Cells, first: IntArray, settings: EmbryoSettings, rng: np.random.Generator
) -> None:
    """Part the sisters, which stand in rows `first` and `first` + 1 as copies of the mother."""
    n = first.size
    axis = rng.normal(size=(n, 3))
    axis *= (
        settings.daughter_distance * settings.spacing / 2 / np.linalg.norm(axis, axis=1)[:, None]
    )
    share = np.clip(rng.normal(0.5, 0.04, size=n), 0.3, 0.7)
    volume = cells.volume[first]
    cells.newborn[:] = False
    for rows, side, part in ((first, 1, share), (first + 1, -1, 1 - share)):
        cells.position[rows] += side * axis
        cells.birth_volume[rows] = volume * part
        cells.age[rows] = 0
        cells.cycle[rows] = _draw_cycle(n, settings, rng)
        cells.level[rows] **= 0.8
        cells.level[rows] *= np.exp(rng.normal(scale=0.15, size=n))
        cells.newborn[rows] = True


def _push_apart(cells: _Cells, ball_radius: float, settings: EmbryoSettings, rounds: int) -> None:
    """Move cells nearer than the sum of their radii apart, and all into the ball."""
    size = np.cbrt(cells.volume * 3 / (4 * np.pi))
    reach = size / RADIUS_OF_SPACING / 2
    for _ in range(rounds):
        position = cells.position
        pairs = cKDTree(position).query_pairs(1.3 * settings.spacing, output_type="ndarray")
        a, b = pairs[:, 0], pairs[:, 1]
        apart = position[a] - position[b]
        distance = np.maximum(np.sqrt((apart**2).sum(axis=1)), 1e-9)
        overlap = np.maximum(reach[a] + reach[b] - distance, 0)
        push = apart * (0.2 * overlap / distance)[:, None]
        for axis in range(3):
            position[:, axis] += np.bincount(a, push[:, axis], minlength=len(position))
            position[:, axis] -= np.bincount(b, push[:, axis], minlength=len(position))
        out = np.maximum(np.sqrt((position**2).sum(axis=1)) / max(ball_radius, 1e-9), 1)
        position /= out[:, None]


def _draw_cycle(n: int, settings: EmbryoSettings, rng: np.random.Generator) -> FloatArray:
    """Draw lengths of cell cycles in frames, of which `growth` follows."""
    mean = max(settings.n_frames - 1, 1) / np.log2(settings.growth)
    cycle: FloatArray = mean * np.exp(rng.normal(scale=0.15, size=n))
    return np.maximum(cycle, 2)


def _ball_radius(n: int, settings: EmbryoSettings) -> float:
    """Radius of the embryo of n cells in µm."""
    return float(settings.spacing * np.cbrt(n / PACKING * 3 / (4 * np.pi)))
