"""Public names of the packages: what the stubs say is there, and imported on first use."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import btrackmate

ROOT = Path(btrackmate.__file__).parent
PACKAGES = sorted(
    ".".join(("btrackmate", *stub.parent.relative_to(ROOT).parts))
    for stub in ROOT.rglob("__init__.pyi")
)


def test_the_stubs_are_found() -> None:
    assert {"btrackmate", "btrackmate.core", "btrackmate.tracking"} <= set(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__
    for public in package.__all__:
        assert getattr(package, public) is not None
    assert set(package.__all__) - {"__version__"} <= set(dir(package))
    with pytest.raises(AttributeError, match="nothing"):
        _ = package.nothing


@pytest.mark.parametrize("name", PACKAGES)
def test_no_module_has_the_name_of_a_public_name(name: str) -> None:
    """Importing such a module would put it in the place of the function that its package gives."""
    package = importlib.import_module(name)
    modules = {info.name for info in pkgutil.iter_modules(package.__path__)}
    assert not modules & set(package.__all__)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_alone_is_light(name: str) -> None:
    heavy = {"numpy", "pandas", "scipy", "numba", "pydantic", "tifffile", "zarr"}
    code = f"import sys, {name}; print(*({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
