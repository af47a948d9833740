"""Why a cell is linked as it is: the explainer of an open session."""

from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.napari_plugin.model.session import Session
from btrackmate.review import Explainer, Explanation, choose_settings

Pair = tuple[int, int]


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
    settings, source = choose_settings(graph, recorded, None, {})
    return Explainer(graph, settings, source, *list_corrections(session))


def list_corrections(session: Session) -> tuple[set[Pair], set[Pair]]:
    """List the links that the edits made, and those that they removed, by spot ids."""
    made, removed = set[Pair](), set[Pair]()
    for change in session.history.done:
        for link in change.removed_links:
            made.discard((link.source, link.target))
            removed.add((link.source, link.target))
        for link in change.added_links:
            removed.discard((link.source, link.target))
            made.add((link.source, link.target))
    return made, removed


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
