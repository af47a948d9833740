"""Colours of tracks and cells: by track, or by any feature."""

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Number of different colours of tracks; the track with number i has colour i modulo this.
N_COLOURS = 127
_GOLDEN = 0.61803398875
_MISSING = (0.5, 0.5, 0.5, 1.0)
#: Features that name something and are not more or less of it.
NAMES = ("track", "tracklet", "lineage")
#: Colour maps that all see alike.
COLOUR_MAPS = ("viridis", "turbo", "plasma", "cividis", "coolwarm")


def make_palette() -> NDArray[np.float32]:
    """Give colours that neighbours in number are told apart by, (N_COLOURS, 4) RGBA."""
    colours = [
        (*colorsys.hsv_to_rgb(i * _GOLDEN % 1, (0.55, 0.8, 0.95)[i % 3], (1.0, 0.85)[i % 2]), 1.0)
        for i in range(N_COLOURS)
    ]
    return np.array(colours, np.float32)


@dataclass(frozen=True)
class Colouring:
    """How spots are coloured.

    Parameters
    ----------
    feature : str
        A feature of the spots; ``"track"`` and ``"tracklet"`` have a colour for each number.
    colour_map : str
        For all others: one of matplotlib's.
    low, high : float
        Values at the ends of the colour map.
    """

    feature: str = "track"
    colour_map: str = "viridis"
    low: float = 0.0
    high: float = 1.0

    @property
    def is_name(self) -> bool:
        """Whether values are names, each with a colour of its own."""
        return self.feature in NAMES

    @classmethod
    def fit(
        cls, feature: str, values: NDArray[np.float64], colour_map: str = "viridis"
    ) -> "Colouring":
        """Spread a colour map over the values of a feature, but for its most extreme 1 %."""
        if feature in NAMES:
            return cls(feature, colour_map)
        known = values[np.isfinite(values)]
        if not known.size:
            return cls(feature, colour_map)
        sample = known[:: max(1, known.size // 100_000)]
        low, high = (float(one) for one in np.percentile(sample, (0.5, 99.5)))
        if high <= low:
            low, high = float(known.min()), float(known.max())
        return cls(feature, colour_map, low, high if high > low else low + 1.0)

    def map(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Give the colours of values, (n, 4) RGBA; missing values are grey."""
        missing = ~np.isfinite(values)
        if self.is_name:
            number = np.where(missing, 0, values).astype(np.int64) % N_COLOURS
            colours = make_palette()[number]
            missing = missing | (values < 0)
        else:
            from matplotlib import colormaps

            table = colormaps[self.colour_map](np.arange(256)).astype(np.float32)
            share = (np.where(missing, self.low, values) - self.low) / (self.high - self.low)
            colours = table[np.clip(share * 255, 0, 255).astype(np.int64)]
        colours[missing] = _MISSING
        return colours
