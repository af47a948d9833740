"""The library's front door: functions on arrays and tables.

All of it is at hand as ``btrackmate.segment``, ``btrackmate.measurement`` and so on. Images, label
images and masks are arrays of numpy, dask, Zarr or xarray, (T, Z, Y, X) or with channels
(T, C, Z, Y, X) unless `axes` says otherwise; tables are pandas. The verbs of the command line do
the same on files.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
