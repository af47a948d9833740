"""What a link costs: squared distance and feature penalties."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from btrackmate.core.errors import UserError
from btrackmate.core.schema import resolve_name
from btrackmate.core.spots import Spots
from btrackmate.tracking import kernels
from btrackmate.tracking.settings import TrackerSettings

Floats = NDArray[np.float64]


def gather_features(
    spots: Spots, penalties: Mapping[str, float], setting: str = "penalties"
) -> tuple[Floats, Floats]:
    """Collect the penalised features of all spots.

    Parameters
    ----------
    spots : Spots
        The n spots.
    penalties : mapping from str to float
        Weight of each feature, by column name or TrackMate key.
    setting : str
        Name of the setting that holds the penalties, for the message.

    Returns
    -------
    features : (n, k) ndarray of float
        Values in table order, NaN where missing.
    weights : (k,) ndarray of float
        Weights; features of weight 0 are left out.

    Raises
    ------
    UserError
        If the spots lack a feature.
    """
    names = [name for name, weight in penalties.items() if weight != 0]
    columns = []
    for name in names:
        if resolve_name(name) not in spots.features:
            msg = f"{setting} names the feature {name!r}, which the spots lack; they have "
            msg += f"{', '.join(spots.features)}; measure it first or leave it out"
            raise UserError(msg)
        columns.append(spots.feature(resolve_name(name)))
    features = np.stack(columns, axis=1) if columns else np.empty((len(spots), 0))
    return np.ascontiguousarray(features), np.array([penalties[name] for name in names], float)


def gather_terms(spots: Spots, settings: TrackerSettings, kind: str) -> tuple[Floats, Floats]:
    """Collect what a tracker's settings add to the distance.

    Parameters
    ----------
    spots : Spots
    settings : TrackerSettings
    kind : {"linking", "gap_closing", "splitting", "merging"}
        Of which links; trackers without penalties have none.

    Returns
    -------
    features, weights : ndarray
        As :func:`gather_features` gives them.
    """
    name = f"{kind}_feature_penalties"
    return gather_features(spots, getattr(settings, name, {}), name)


def link_costs(
    spots: Spots,
    source: NDArray[Any],
    target: NDArray[Any],
    penalties: Mapping[str, float] | None = None,
) -> Floats:
    """Compute the cost of given links.

    Parameters
    ----------
    spots : Spots
        The spots.
    source, target : (m,) ndarray of int
        Rows of `spots`.
    penalties : mapping from str to float, optional
        Weight of each penalised feature.

    Returns
    -------
    (m,) ndarray of float
        Costs in squared `space_unit`.

    Raises
    ------
    UserError
        If the spots lack a penalised feature.

    Notes
    -----
    d²·(1 + Σ pᵢ·1.5·abs(aᵢ − bᵢ)/abs((aᵢ + bᵢ)/2))², TrackMate's rule; a missing value adds
    nothing, and d = 0 costs the smallest normal double. TrackMate takes the mean with its sign,
    so that a difference between negative values (a signed distance, say) would make a link
    cheaper; here it counts by its size.
    """
    return _price(spots, source, target, gather_features(spots, penalties or {}))


def step_costs(
    spots: Spots,
    source: NDArray[Any],
    target: NDArray[Any],
    settings: TrackerSettings,
    kind: str,
) -> Floats:
    """Compute the cost of given links as a step of a tracker has it.

    Parameters
    ----------
    spots : Spots
    source, target : (m,) ndarray of int
        Rows of `spots`.
    settings, kind
        As :func:`gather_terms` takes them.

    Returns
    -------
    (m,) ndarray of float
        As :func:`link_costs` gives them.
    """
    return _price(spots, source, target, gather_terms(spots, settings, kind))


def _price(
    spots: Spots, source: NDArray[Any], target: NDArray[Any], terms: tuple[Floats, Floats]
) -> Floats:
    d2 = ((spots.positions[source] - spots.positions[target]) ** 2).sum(axis=1)
    ends = np.asarray(source, np.int64), np.asarray(target, np.int64)
    costs: Floats = kernels.price_links(d2, *ends, *terms)
    return costs
