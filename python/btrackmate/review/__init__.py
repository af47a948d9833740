"""Correcting tracks: edits that can be undone, the journal that keeps them, and explanations."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
