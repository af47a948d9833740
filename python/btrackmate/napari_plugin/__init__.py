"""The napari plugin: see, select, plot, film, segment, track and correct.

`model` holds all state and logic and knows neither napari nor Qt; `view` is the window above it.
"""
