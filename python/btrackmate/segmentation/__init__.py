"""Segmentation of membrane- or nucleus-labelled cells (VollSeg), in 3D and 2D."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
