"""What Java prints, as log messages of ours."""

import logging
import re
from typing import Any

_log = logging.getLogger(__name__)

_LEVEL = re.compile(r"^\[(?P<level>ERROR|WARNING|WARN|INFO|DEBUG|TRACE)\] (?:BTrackMate: )?")


class JavaConsole:
    """Collects System.out and System.err of the running JVM.

    Lines are logged by :meth:`drain`, which is called while a job runs. Java's errors are kept
    back until :meth:`finish`, which leaves out those that the job's own message tells already.

    Attributes
    ----------
    info_level : int
        Level at which Java's own INFO lines are logged; jobs that tell much set it to DEBUG.
    """

    info_level = logging.INFO

    def __init__(self) -> None:
        import jpype

        buffer: Any = jpype.JClass("java.io.ByteArrayOutputStream")()
        stream = jpype.JClass("java.io.PrintStream")(buffer, True, "UTF-8")
        system = jpype.JClass("java.lang.System")
        system.setOut(stream)
        system.setErr(stream)
        self._buffer = buffer
        self._rest = ""
        self._errors: list[str] = []

    def drain(self) -> None:
        """Log the lines that have come since the last time."""
        import jpype

        with jpype.synchronized(self._buffer):
            text = self._rest + str(self._buffer.toString("UTF-8"))
            self._buffer.reset()
        *lines, self._rest = re.split(r"\r?\n|\r", text)
        for line in lines:
            self._log_line(line)

    def finish(self, message: str = "") -> None:
        """Log what is left, and the errors that `message` does not tell."""
        self.drain()
        last, self._rest = self._rest, ""
        self._log_line(last)
        for error in self._errors:
            if error not in message:
                _log.warning("Java: %s", error)
        self._errors.clear()

    def _log_line(self, line: str) -> None:
        if not line.strip():
            return
        match = _LEVEL.match(line)
        text = line[match.end() :].strip() if match else line.rstrip()
        level = match["level"] if match else "INFO"
        if level == "ERROR":
            self._errors.append(text)
        else:
            levels = {"DEBUG": logging.DEBUG, "TRACE": logging.DEBUG, "INFO": self.info_level}
            _log.log(levels.get(level, logging.WARNING), "Java: %s", text)
