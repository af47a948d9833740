"""Training of StarDist, U-Net and Noise2Void on the user's own images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
