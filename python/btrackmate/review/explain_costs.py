"""Explanations from the costs that the tracks hold: trackers that leave nothing else to weigh."""

import math
from collections.abc import Iterator

from btrackmate.core.graph import TrackGraph
from btrackmate.review.explanation import Flip, LinkExplanation
from btrackmate.tracking.distances import known_distance
from btrackmate.tracking.settings import (
    AdvancedKalmanSettings,
    KalmanSettings,
    NearestSettings,
    OverlapSettings,
)

CostSettings = OverlapSettings | NearestSettings | KalmanSettings | AdvancedKalmanSettings


class CostExplainer:
    """What the cost of a link tells by itself; rivals are not known.

    Parameters
    ----------
    tracks : TrackGraph
    settings : OverlapSettings, NearestSettings, KalmanSettings or AdvancedKalmanSettings
        Distances are known.
    """

    def __init__(self, tracks: TrackGraph, settings: CostSettings) -> None:
        self._tracks, self._settings = tracks, settings
        overlap = isinstance(settings, OverlapSettings)
        self.unit = "1 − IoU" if overlap else "squared space unit"

    def explain(self, a: int, b: int, *, linked: bool) -> LinkExplanation:
        """Tell why row a links to row b; of a pair that does not, that nothing is known."""
        graph = self._tracks
        ends = int(graph.spots.id[a]), int(graph.spots.id[b])
        if not linked:
            return LinkExplanation(
                *ends, False, "link", "what it would have cost is not in the tracks"
            )
        begin = int(graph.out_offsets[a])
        cost = float(graph.cost[begin + graph.children(a).tolist().index(b)])
        if math.isnan(cost):
            return LinkExplanation(*ends, True, "link", "it has no cost: no tracker made it")
        reason, limit, flips = self._tell(cost)
        return LinkExplanation(
            *ends, True, "link", reason, by_tracker=True, cost=cost, limit=limit, flips=flips
        )

    def suggest(self, row: int) -> Iterator[tuple[int, int]]:
        """Give no pairs: nothing is known of those without a link."""
        yield from ()

    def _tell(self, cost: float) -> tuple[str, float, tuple[Flip, ...]]:
        settings = self._settings
        if isinstance(settings, OverlapSettings):
            iou = 1 - cost
            reason = f"the cells overlap by {iou:.4g} (IoU), more than {settings.min_iou:g}"
            return reason, 1 - settings.min_iou, (Flip({"min_iou": iou}, below=False),)
        root = math.sqrt(cost)
        distance = known_distance(settings.linking_max_distance)
        if isinstance(settings, NearestSettings):
            reason = f"the nearest free spot, {root:.4g} away, of at most {distance:g}"
            return reason, distance**2, (Flip({"linking_max_distance": root}, below=True),)
        radius = known_distance(settings.kalman_search_radius)
        reason = f"{root:.4g} from where the filter expected it (or, for the first link of a "
        reason += f"track, from the spot), of less than {radius:g}"
        names = ["kalman_search_radius", "linking_max_distance"]
        limit = max(radius, distance)
        if isinstance(settings, AdvancedKalmanSettings):
            names += [f"{step}_max_distance" for step in ("gap_closing", "splitting", "merging")]
            reason += "; or a gap, division or merge that segment linking made"
        # Each also changes what the filters expect later.
        return reason, limit**2, (Flip(dict.fromkeys(names, root), below=True, sure=False),)
