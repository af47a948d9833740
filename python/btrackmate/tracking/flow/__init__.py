"""The `flow` tracker: all links of a window at once, at the least cost."""
