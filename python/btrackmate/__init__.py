"""BTrackMate: 3D cell segmentation, tracking and track analysis.

Public names are imported when they are first used (``__init__.pyi`` says where they live), here and
in the packages below: `import btrackmate` stays light.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
