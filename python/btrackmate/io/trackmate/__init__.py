"""TrackMate XML: read without loss, write what TrackMate 8 opens."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
