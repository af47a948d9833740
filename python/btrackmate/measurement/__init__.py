"""Label images → cells: shape, intensity, tissue mask, distance to the tissue surface.

Only the settings are loaded with the package; the compiled parts come with their first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
