"""Headless (or interactive) Fiji driven from Python: TrackMate as engine, the plugin, scripts.

Needs the extra: ``pip install 'btrackmate[fiji]'``. Nothing here loads Java before
:func:`start_fiji`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
