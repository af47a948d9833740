"""Why a cell is linked as it is: the explainer of an open session."""

from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.napari_plugin.model.opening import find_unseen
from btrackmate.napari_plugin.model.session import Session
from btrackmate.review import Change, Explainer, Explanation, choose_settings, list_corrections


def make_explainer(session: Session, progress: Progress = ignore_progress) -> Explainer:
    """Make the explainer of the tracks as they are now; takes about as long as tracking them.

    Raises
    ------
    UserError
        If the tracker is one whose links cannot be explained.
    """
    progress("preparing", 0, 1)
    graph = session.now.to_graph()
    document = session.opened.document or session.opened.base
    recorded = document.tracker if document is not None else None
    graph = graph.keep_spots(~find_unseen(session.opened, graph.spots))
    settings, source = choose_settings(graph, recorded, None, {}, session.opened.record)
    made, removed = list_corrections(session.history.done)
    return Explainer(graph, settings, source, made, removed, session.now)


def follow_edit(session: Session, explainer: Explainer, change: Change) -> bool:
    """Let an explainer follow an edit; False if it must be made anew, as spots have changed."""
    if change.added_spots or change.removed_spots or change.moved:
        return False
    explainer.follow(*list_corrections(session.history.done))
    return True


def explain_selection(session: Session, explainer: Explainer) -> Explanation | None:
    """Explain the selected spot, or the link between the two; None for no selection.

    Raises
    ------
    UserError
        If a spot was added after the explainer was made.
    """
    if session.spot is None:
        return None
    if session.other is None:
        return explainer.explain(session.spot)
    first, last = sorted((session.spot, session.other), key=session.now.frame)
    return explainer.explain_link(first, last)
