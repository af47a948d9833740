"""Only `core` opens files for writing, renames or removes anything (see core/files.py)."""

import ast
from pathlib import Path

import pytest

import btrackmate

PACKAGE = Path(btrackmate.__file__).parent
#: What changes a file system by names that nothing else has.
NAMES = {
    "write_text", "write_bytes", "rmtree", "unlink", "rmdir", "mkdir", "makedirs", "touch",
    "symlink_to", "hardlink_to", "copyfile", "copytree", "copy2", "mkdtemp", "mkstemp",
    "NamedTemporaryFile", "TemporaryDirectory",
}  # fmt: skip
#: Names that others have too, whose call with so many positional arguments is the file system's.
COUNTED = {"rename": {1, 2}, "replace": {1}, "move": {2}, "remove": {1}}
MODULES = {"os", "shutil", "tempfile"}
#: os.devnull, which TensorFlow's messages go to.
ALLOWED = {("segmentation/backend.py", "open")}


def find_writing(source: str) -> list[tuple[int, str]]:
    """List line and name of calls that write, rename or remove."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        method = isinstance(function, ast.Attribute)
        name = function.attr if method else getattr(function, "id", "")
        owner = getattr(function.value, "id", "") if method else ""
        if name == "open":
            modes = [*node.args[0 if method and owner not in ("gzip", "os", "io") else 1 :]]
            modes += [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
            texts = [m.value for m in modes if isinstance(m, ast.Constant)]
            if owner == "os" or any(set(str(t)) & set("wax+") for t in texts if len(str(t)) < 4):
                found.append((node.lineno, name))
        elif name in NAMES and method:
            found.append((node.lineno, name))
        elif method and name in COUNTED and (
            owner in MODULES
            or (owner not in ("list", "dataclasses") and len(node.args) in COUNTED[name])
            and name in ("rename", "replace")
            and not node.keywords
            and not any(isinstance(one, ast.Starred) for one in node.args)
        ):  # fmt: skip
            found.append((node.lineno, name))
    return found


@pytest.mark.parametrize(
    "line",
    [
        "path.write_text('x')", "path.open('w')", "open(path, 'wb')", "path.open(mode='a')",
        "gzip.open(path, 'wt')", "path.rename(other)", "path.replace(other)", "os.remove(path)",
        "os.rename(a, b)", "shutil.rmtree(path)", "path.unlink()", "folder.mkdir()",
        "shutil.move(a, b)", "os.open(path, flags)", "tempfile.mkdtemp()", "path.touch()",
    ],
)  # fmt: skip
def test_writing_is_found(line: str) -> None:
    assert find_writing(line)


@pytest.mark.parametrize(
    "line",
    [
        "path.open('rb')", "open(path)", "text.replace('a', 'b')", "table.rename(columns=names)",
        "zarr.open(path, mode='r')", "items.remove(one)", "path.open(encoding='utf-8')",
        "replace(settings, x=1)", "remove(path)",
    ],
)  # fmt: skip
def test_reading_is_no_writing(line: str) -> None:
    assert not find_writing(line)


def test_no_other_room_writes_by_itself() -> None:
    """What a library writes goes to a path that `write_atomically` gives."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("core/"):
            continue
        for line, call in find_writing(path.read_text(encoding="utf-8")):
            if (name, call) not in ALLOWED:
                found.append(f"{name}:{line}: {call}")
    assert not found, "use core.files instead"
