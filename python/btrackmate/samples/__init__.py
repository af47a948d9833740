"""Sample data: a seeded renderer of membrane-labelled tissue and the shipped samples."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
