"""A threshold on a spot or track feature, as the user writes it: ``volume>50``."""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from btrackmate.core.decimals import read_decimal
from btrackmate.core.errors import UserError
from btrackmate.core.schema import TRACK_FEATURES, resolve_name

if TYPE_CHECKING:
    from btrackmate.io.trackmate import Filter

_PATTERN = re.compile(r"^\s*(?P<name>[^<>=]*?)\s*(?P<sign>[<>]=?)\s*(?P<value>[^<>=]*?)\s*$")


@dataclass(frozen=True)
class FeatureFilter:
    """A threshold on a feature.

    Parameters
    ----------
    name : str
        Spot or track feature: a column, one of our track features, or TrackMate's key.
    value : float
        Threshold, in the feature's unit.
    above : bool
        Keep values above the threshold, else below.
    strict : bool
        Whether a value equal to the threshold goes.
    """

    name: str
    value: float
    above: bool = True
    strict: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a filter as the user writes it.

        Parameters
        ----------
        text : str
            A name, one of ``>``, ``>=``, ``<``, ``<=``, and a number.

        Raises
        ------
        UserError
            If the text is something else.

        Examples
        --------
        >>> FeatureFilter.parse("volume>=50")
        FeatureFilter(name='volume', value=50.0, above=True, strict=False)
        """
        match = _PATTERN.match(text)
        try:
            value = read_decimal(match["value"]) if match else math.nan
        except ValueError:
            value = math.nan
        if match is None or not match["name"] or not math.isfinite(value):
            msg = f"filter {text!r} is not a feature name, one of > >= < <=, and a number; write "
            msg += "e.g. 'volume>50' (two filters for a range)"
            raise UserError(msg)
        return cls(match["name"], value, match["sign"][0] == ">", len(match["sign"]) == 1)

    @classmethod
    def read(cls, given: "str | FeatureFilter") -> "FeatureFilter":
        """Take a filter as it is, or as the user writes it."""
        return given if isinstance(given, FeatureFilter) else cls.parse(str(given))

    def __str__(self) -> str:
        sign = (">" if self.above else "<") + ("" if self.strict else "=")
        return f"{self.name}{sign}{self.value:.12g}"

    def to_trackmate(self, kind: Literal["spot", "track"]) -> "Filter":
        """Give the same filter as TrackMate keeps it, whose thresholds always pass.

        A strict threshold becomes the next floating-point number.
        """
        from btrackmate.io.trackmate import Filter
        from btrackmate.io.trackmate.session import find_beyond

        value = find_beyond(self.value, self.above) if self.strict else self.value
        name = resolve_name(self.name) if kind == "spot" else resolve_track_name(self.name)
        return Filter(name, value, self.above, self.strict)


def resolve_track_name(name: str) -> str:
    """Turn one of our track features, or TrackMate's key, in any case, into the key."""
    return TRACK_FEATURES.get(name.lower(), name.upper())
