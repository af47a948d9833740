"""The flow tracker: local motion, divisions and gaps, decided over all frames at once."""

import numpy as np

from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.scratch import cut_rows
from btrackmate.core.spots import Spots
from btrackmate.tracking.flow.contrasts import make_evidence
from btrackmate.tracking.flow.motion import estimate_motion
from btrackmate.tracking.flow.settings import FlowSettings
from btrackmate.tracking.flow.windows import choose_links


def link_flow(
    spots: Spots, settings: FlowSettings, progress: Progress = ignore_progress
) -> TrackGraph:
    """Link spots by the best set of links and divisions over all frames.

    Parameters
    ----------
    spots : Spots
        The spots; not changed.
    settings : FlowSettings
        Limits and weights.
    progress : Progress, optional
        Called after each pass of the motion and each window.

    Returns
    -------
    TrackGraph
        Its costs are −ln of the probability 1/(1 + exp(−score)) of each link against nothing.

    Raises
    ------
    UserError
        If the spots lack a penalised feature, or too many spots lie within reach of each other.

    Notes
    -----
    1. Each frame is linked to the next by linear assignment, from positions predicted by the
       neighbours' median motion, several times over.
    2. Around the predicted positions, links, links over missed frames and divisions are the
       candidates. Evidence and weights give each its log odds against nothing.
    3. The set of greatest total log odds in which no spot comes from two places or goes to two
       is chosen, exactly, within windows of frames.
    """
    motion = estimate_motion(spots, settings, progress)
    evidence = make_evidence(spots, motion, settings)
    source, target, score = choose_links(evidence, spots.frame_offsets, motion, settings, progress)
    del motion, evidence  # which take much of a large movie
    for part in cut_rows(score.size):
        score[part] = np.logaddexp(0, -score[part])
    return TrackGraph.from_links(spots, source, target, score)
