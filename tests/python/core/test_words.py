"""Messages name arguments as the user can give them."""

import ast
import re
from pathlib import Path
from threading import Thread

import btrackmate
from btrackmate.core.words import command_line, flag, option, setting


def name_all() -> list[str]:
    return [
        option("axes"),
        option("axes", "TZYX"),
        option("voxel_size", "Z,Y,X"),
        flag("overwrite"),
        setting("max_frame_gap", "3"),
    ]


IN_PYTHON = ["axes=", "axes=TZYX", "voxel_size=(Z,Y,X)", "overwrite=True", "max_frame_gap=3"]
ON_COMMAND_LINE = [
    "--axes",
    "--axes TZYX",
    "--voxel-size Z,Y,X",
    "--overwrite",
    "--set MAX_FRAME_GAP=3",
]


def test_python_has_keywords_and_the_command_line_options_in_every_thread():
    assert name_all() == IN_PYTHON
    with command_line():
        seen: list[str] = []
        thread = Thread(target=lambda: seen.extend(name_all()))
        thread.start()
        thread.join()
        assert seen == name_all() == ON_COMMAND_LINE
    assert name_all() == IN_PYTHON


def test_no_message_of_the_library_names_an_option():
    """Options stand in cli; elsewhere only whole commands to type, and options of Java."""
    package = Path(btrackmate.__file__).parent
    found = []
    for path in package.rglob("*.py"):
        inside = path.relative_to(package)
        if inside.parts[0] in ("cli", "samples") or path.name in ("jvm.py", "words.py"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            f"{inside}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documented
            and re.search(r"(^|[\s(])--[a-z]", node.value)
            and not re.search(r"(btrackmate|train) .*--", node.value)
        ]
    assert found == []
