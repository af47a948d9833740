"""From a movie, label images or a CSV of cells to a run folder."""
