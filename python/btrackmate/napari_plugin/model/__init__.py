"""State and logic of the plugin, without napari and Qt."""
