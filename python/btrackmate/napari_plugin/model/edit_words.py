"""An edit in the words of a person."""

from btrackmate.review import Change

_WORDS = {
    "break_link": "broke the link {link}",
    "connect": "connected {link}",
    "add_division": "added a division {link}",
    "remove_division": "removed the division {link}",
    "merge": "merged {link}",
    "swap": "swapped two cells from here on",
    "delete_spot": "deleted spot {spot}",
    "delete_track": "deleted a track of {n} spots",
    "add_spot": "added spot {spot}",
    "move_spot": "moved spot {spot}",
}


def describe_change(change: Change) -> str:
    """Say what an edit did, with the spots that it touched."""
    links = change.added_links or change.removed_links
    spots = [spot.id for spot in (*change.removed_spots, *change.added_spots)]
    spots += [move.after.id for move in change.moved]
    link = f"{links[0].source} → {links[0].target}" if links else ""
    words = _WORDS.get(change.what, change.what)
    return words.format(link=link, spot=spots[0] if spots else "", n=len(spots))
