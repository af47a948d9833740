"""Layers and widgets: thin, above `model`; the only place that imports napari and Qt."""
