"""Packages that not every environment has."""

from importlib.util import find_spec

import pytest


def needs(*packages: str) -> pytest.MarkDecorator:
    """Mark tests that are skipped without packages; these are found but not imported.

    TensorFlow takes seconds to import, in each of pytest's workers if a file of tests did it.
    """
    missing = [package for package in packages if find_spec(package) is None]
    reason = f"not installed: {', '.join(missing)}"
    return pytest.mark.skipif(bool(missing), reason=reason)
