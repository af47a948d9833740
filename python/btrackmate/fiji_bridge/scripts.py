"""Jython scripts with ``#@`` parameters, run with Fiji's own Jython and without a dialog."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from btrackmate.core.errors import UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.words import option
from btrackmate.fiji_bridge.jobs import Interrupter, wait_for
from btrackmate.fiji_bridge.jvm import Fiji, java_class


def run_script(
    fiji: Fiji,
    script: Path,
    values: Mapping[str, str],
    progress: Progress = ignore_progress,
) -> dict[str, str]:
    """Run a Jython script.

    Parameters
    ----------
    fiji : Fiji
        Running, with Jython.
    script : Path
        A ``.py`` file whose ``#@`` lines name its parameters.
    values : mapping
        Parameters and their values, as text. Those that are not named get the script's default;
        values of earlier runs, which Fiji's dialogs remember, are not used.
    progress : Progress, optional

    Returns
    -------
    dict
        The script's outputs, by name, as text.

    Raises
    ------
    UserError
        If the file, a parameter or a value is wrong, or the script raises an exception.
    """
    check_script(script)
    info = java_class("org.scijava.script.ScriptInfo")(fiji.context, str(script.absolute()))
    inputs = _resolve_inputs(fiji, info, script, values)
    jython = _find_jython(script)
    interrupter = Interrupter()

    def run() -> dict[str, str]:
        interrupter.watch()
        interpreter = jython(None, java_class("org.python.core.PySystemState")())
        for name, value in inputs.items():
            if value is None:
                interpreter.exec_(f"{name} = None")
            else:
                interpreter.set(name, value)
        interpreter.set("__file__", str(script.absolute()))
        interpreter.execfile(str(script.absolute()))
        return _read_outputs(interpreter, info)

    error = ""
    try:
        return wait_for(run, interrupter.stop, fiji.console, progress, script.name)
    except java_class("org.python.core.PyException") as exception:
        error = describe_exception(str(exception.toString()))
        msg = f"{script.name}: {error}"
        raise UserError(msg) from None
    finally:
        fiji.console.finish(error)


def check_script(script: Path) -> None:
    """Refuse what is no Jython script; needs no JVM.

    Raises
    ------
    UserError
        If the file is missing or its name does not end in .py.
    """
    if script.suffix != ".py" or not script.is_file():
        fault = "no such file" if not script.exists() else "not a .py file"
        msg = f"{script}: {fault}; a Jython script was expected"
        raise UserError(msg)


def describe_exception(traceback: str) -> str:
    """Say in one line what a Jython script raised, and where."""
    lines = [line.strip() for line in traceback.strip().splitlines() if line.strip()]
    places = [line for line in lines if line.startswith("File ")]
    # The last line that is not indented names type and message; Java's own trace may follow it.
    said = [line for line in traceback.strip().splitlines() if line[:1].strip()]
    messages = [line for line in said if not line.startswith("Traceback")]
    message = messages[-1].strip() if messages else lines[-1]
    kind, _, text = message.partition(": ")
    if text.startswith(f"{kind}: "):
        message = text
    if kind in ("ValueError", "IOError", "RuntimeError") and text:
        return text
    where = places[-1].rpartition(", line ")[2].split(",")[0] if places else ""
    return f"{message} (line {where})" if where else message


def _find_jython(script: Path) -> Any:
    """Load the class of Jython's interpreter."""
    try:
        return java_class("org.python.util.PythonInterpreter")
    except TypeError:
        msg = f"{script.name} cannot run: there is no Jython. Fiji brings it (name its folder with "
        msg += f"{option('fiji')}); TrackMate from Maven comes without"
        raise UserError(msg) from None


def _resolve_inputs(
    fiji: Fiji, info: Any, script: Path, values: Mapping[str, str]
) -> dict[str, Any]:
    """Give each parameter its value."""
    convert = fiji.context.service("org.scijava.convert.ConvertService")
    items = {str(item.getName()): item for item in info.inputs()}
    own = {name: item for name, item in items.items() if _find_service(fiji, item) is None}
    unknown = [name for name in values if name not in own]
    if unknown:
        msg = f"{script.name} has no parameter {unknown[0]!r}; it has {', '.join(own) or 'none'}"
        raise UserError(msg)
    inputs: dict[str, Any] = {}
    for name, item in items.items():
        if name in own:
            inputs[name] = _resolve_input(convert, item, script, values.get(name))
        else:
            inputs[name] = _find_service(fiji, item)
    return inputs


def _resolve_input(convert: Any, item: Any, script: Path, text: str | None) -> Any:
    name = str(item.getName())
    if text is None:
        value = item.getDefaultValue()
        if value is None and item.isRequired() and _has_no_value(item):
            label = f" ({item.getLabel()})" if item.getLabel() else ""
            msg = f"{script.name} needs the parameter {name}{label}; give {name}=VALUE"
            raise UserError(msg)
        return value
    kind = item.getType()
    if str(kind.getName()) in ("java.io.File", "java.nio.file.Path"):
        text = str(Path(text).expanduser().absolute()) if text else text
    value = convert.convert(java_class("java.lang.String")(text), kind)
    if str(kind.getSimpleName()).lower() == "boolean" and text.lower() not in ("true", "false"):
        value = None  # Java would take any other word for false
    choices = [str(choice) for choice in item.getChoices() or ()]
    if value is None or (choices and text not in choices):
        expected = f"one of {', '.join(choices)}" if choices else str(kind.getSimpleName())
        msg = f"{script.name}: {name}={text} does not fit, expected {expected}"
        raise UserError(msg)
    return value


def _has_no_value(item: Any) -> bool:
    """Tell whether a parameter is of a type that can lack a value; messages need none."""
    return str(item.getVisibility()) != "MESSAGE"


def _find_service(fiji: Fiji, item: Any) -> Any:
    """Give the service, context or gateway that a parameter asks for; None for other types."""
    kind = item.getType()
    name = str(kind.getName())
    if name == "org.scijava.Context":
        return fiji.context
    if name == "net.imagej.ImageJ":
        return fiji.ij
    if java_class("org.scijava.service.Service").class_.isAssignableFrom(kind):
        return fiji.context.getService(kind)
    return None


def _read_outputs(interpreter: Any, info: Any) -> dict[str, str]:
    names = [str(item.getName()) for item in info.outputs()]
    found = {name: interpreter.get(name) for name in names if name != "result"}
    return {name: str(value.toString()) for name, value in found.items() if value is not None}
