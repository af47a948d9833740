"""Messages name arguments as the user can give them."""

from threading import Thread

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
