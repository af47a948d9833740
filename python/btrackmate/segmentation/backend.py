"""Loading TensorFlow late, quietly and beside OpenGL; finding models' files."""

import contextlib
import importlib
import importlib.util
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from btrackmate.core.errors import UserError, describe_error
from btrackmate.core.words import option

_log = logging.getLogger(__name__)

SHIPPED_MODELS = Path(__file__).parent / "models"

WEIGHTS = "weights_best.h5"
#: Percentiles that become 0 and 1 in training, if nothing else is set.
PERCENTILES = (1.0, 99.8)

_GLOBAL_FLAGS = "tensorflow.python.pywrap_dlopen_global_flags"

#: What a network's configuration may name at most.
_LARGEST = {
    "unet_n_depth": 10,
    "unet_n_filter_base": 4096,
    "unet_n_first": 4096,
    "unet_n_conv_per_depth": 100,
    "net_conv_after_unet": 65_536,
    "n_rays": 4096,
    "n_channel_in": 1024,
    "n_channel_out": 1024,
}


def load_tensorflow() -> Any:
    """Import TensorFlow, without its log noise, and return the module.

    Returns
    -------
    module
        ``tensorflow``.

    Raises
    ------
    UserError
        If it, csbdeep or stardist is not installed.

    Notes
    -----
    TensorFlow (2.18 and later) and Mesa's software OpenGL both carry LLVM; whichever comes
    second crashes on the other's symbols. With ``RTLD_DEEPBIND`` TensorFlow's libraries
    prefer their own symbols. TensorFlow sets dlopen flags itself unless its module
    ``pywrap_dlopen_global_flags`` cannot be imported, so that one is blocked.
    """
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    for package in ("tensorflow", "csbdeep", "stardist"):
        if importlib.util.find_spec(package) is None:
            msg = f"segmentation and training need {package}, which is not installed; "
            msg += "install it with: pip install 'btrackmate[stardist]'"
            raise UserError(msg)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Off by default on processors without AVX-512, where it makes 3D convolutions 5 times faster.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    flags = sys.getdlopenflags() if hasattr(sys, "getdlopenflags") else 0
    deepbind = getattr(os, "RTLD_DEEPBIND", None)
    try:
        if deepbind is not None:
            sys.modules.setdefault(_GLOBAL_FLAGS, None)  # type: ignore[arg-type]
            sys.setdlopenflags(os.RTLD_NOW | deepbind)
        with warnings.catch_warnings(), _mute_stderr():
            warnings.simplefilter("ignore")
            tensorflow = importlib.import_module("tensorflow")
    finally:
        if deepbind is not None:
            sys.setdlopenflags(flags)
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


@contextlib.contextmanager
def _mute_stderr() -> Iterator[None]:
    """Hide what TensorFlow's libraries write while they load; errors are exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as sink:
            os.dup2(sink.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def quiet_networks() -> Iterator[TextIO]:
    """Hide what csbdeep, stardist and keras print and warn about while in the block.

    Yields
    ------
    TextIO
        The standard output from before, for callbacks that may print.

    Notes
    -----
    It changes the process' standard output: for loading and training, not for prediction,
    which may run in threads.
    """
    stdout = sys.stdout
    with (
        Path(os.devnull).open("w") as sink,
        contextlib.redirect_stdout(sink),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield stdout


@contextlib.contextmanager
def explain_model(folder: Path) -> Iterator[None]:
    """Turn what TensorFlow and csbdeep say of a damaged model into one line that names its folder.

    Sizes that no network has are refused first: building it would take all memory, or never end.

    Raises
    ------
    UserError
    """
    config = read_json(folder / "config.json")
    for name, limit in _LARGEST.items():
        value = config.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
            msg = (
                f"{folder}/config.json: {name} is {value!r}, expected a number from 0 to {limit}; "
            )
            msg += "copy or train the model again"
            raise UserError(msg)
    try:
        yield
    except UserError:
        raise
    except (ArithmeticError, AssertionError, AttributeError, LookupError, OSError) as error:
        raise _explain(folder, error) from None
    except (RecursionError, RuntimeError, TypeError, ValueError) as error:
        raise _explain(folder, error) from None


def _explain(folder: Path, error: Exception) -> UserError:
    reason = describe_error(error, 200)
    msg = f"{folder}: the model cannot be loaded ({reason}): weights, config.json or "
    return UserError(
        f"{msg}thresholds.json are damaged or another network's; copy or train it again"
    )


@contextlib.contextmanager
def number_format(*, bfloat16: bool) -> Iterator[None]:
    """Build networks that compute in bfloat16 while in the block, where that is asked for.

    Raises
    ------
    UserError
        If the processor has no bfloat16 units and there is no GPU: it would be slower.
    """
    if not bfloat16:
        yield
        return
    tensorflow = load_tensorflow()
    if not (has_bfloat16() or tensorflow.config.list_physical_devices("GPU")):
        msg = "bfloat16: this processor has no units for it (avx512_bf16 or amx_bf16) and there is "
        msg += "no GPU; leave the option out"
        raise UserError(msg)
    before = tensorflow.keras.mixed_precision.global_policy()
    tensorflow.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        yield
    finally:
        tensorflow.keras.mixed_precision.set_global_policy(before)


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Tell whether the processor computes in bfloat16; False where Linux does not say."""
    if not cpuinfo.is_file():
        return False
    words = set(cpuinfo.read_text(encoding="utf-8", errors="replace").split())
    return bool(words & {"avx512_bf16", "amx_bf16", "bf16"})


def find_model(model_dir: Path | None, name: str, kind: str) -> Path:
    """Find a model's folder and check that it holds a configuration and weights.

    Parameters
    ----------
    model_dir : Path or None
        Folder of model folders; None: the shipped ones.
    name : str
        Name of the model's folder.
    kind : str
        ``"StarDist"`` or ``"U-Net"``, for messages.

    Returns
    -------
    Path

    Raises
    ------
    UserError
        If the folder, its ``config.json`` or its weights (``*.h5``) are missing.
    """
    folder = (SHIPPED_MODELS if model_dir is None else model_dir) / name
    if not folder.is_dir():
        parent = folder.parent
        known = sorted(p.parent.name for p in parent.glob("*/config.json"))
        found = ", ".join(known) if known else "none"
        msg = f"no {kind} model folder {folder}; models in {parent}: {found}; "
        msg += (
            f"give {option('model_dir')} and the model's name, or train one with: btrackmate train"
        )
        raise UserError(msg)
    if not (folder / "config.json").is_file():
        msg = f"{kind} model folder {folder} holds no config.json; expected a folder written by "
        msg += "btrackmate train, StarDist or CSBDeep"
        raise UserError(msg)
    find_weights(folder, kind)
    return folder


def find_weights(folder: Path, kind: str = "the") -> Path:
    """Find a model's weights: ``weights_best.h5``, or else the only file, or the only best one.

    csbdeep takes the newest of several, which changes with each copy of the folder.

    Parameters
    ----------
    folder : Path
    kind : str
        As of `find_model`.

    Raises
    ------
    UserError
        If there are none, or several of which none is called so.
    """
    files = [path for path in folder.iterdir() if path.suffix in (".h5", ".hdf5")]
    shown = sorted(path for path in files if not path.name.startswith("."))
    named = [path for path in shown if path.name == WEIGHTS]
    best = [path for path in shown if "best" in path.name]
    found = named or best or shown
    if not found:
        msg = f"{kind} model folder {folder} holds no weights (*.h5); "
        msg += f"copy {WEIGHTS} beside its config.json, or train the model again"
        raise UserError(msg)
    if len(found) > 1:
        msg = f"{kind} model folder {folder} holds several weights, "
        msg += f"{', '.join(path.name for path in found)}: name the one that counts {WEIGHTS}"
        raise UserError(msg)
    return found[0]


def warn_of_other_weights(folder: Path) -> None:
    """Warn where a model's weights are not those that its card was written for, as in a mixed copy.

    Cards of other programs, and of older versions, do not tell.
    """
    from btrackmate.io.images import hash_path  # loads much

    known = read_json(folder / "model_card.json").get("weights")
    if known is not None and known != hash_path(find_weights(folder)):
        _log.warning(
            "%s: its weights are not those that model_card.json is of: its scores and thresholds "
            "may be another network's; copy the folder again",
            folder,
        )


def open_network(kind: Any, folder: Path) -> Any:
    """Open a model of csbdeep or stardist from its folder, with the weights of `find_weights`.

    Parameters
    ----------
    kind : type of csbdeep.models.BaseModel
    folder : Path
    """
    name = find_weights(folder).name

    class Network(kind):  # type: ignore[misc]
        def _find_and_load_weights(self, prefer: str = "best") -> None:
            self.load_weights(name)

    return Network(None, name=folder.name, basedir=str(folder.parent))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one if the file is missing.

    Raises
    ------
    UserError
        If the file is not a JSON object.
    """
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path}: not readable as JSON: {error}"
        raise UserError(msg) from None
    if not isinstance(values, dict):
        msg = f"{path}: holds a {type(values).__name__}, expected names and values"
        raise UserError(msg)
    return values


def read_percentiles(folder: Path) -> tuple[float, float]:
    """Read the percentiles that a model's training images were normalised with.

    Parameters
    ----------
    folder : Path
        The model's folder.

    Returns
    -------
    low, high : float
        From ``model_card.json``; the defaults of training where it does not say.

    Raises
    ------
    UserError
        If it is damaged.
    """
    low, high = PERCENTILES
    try:
        trained = read_json(folder / "model_card.json").get("settings", {})
        return float(trained.get("norm_low", low)), float(trained.get("norm_high", high))
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        msg = f"{folder / 'model_card.json'}: its settings are damaged ({error}); copy it again"
        raise UserError(msg) from None


def check_image_axes(axes: str, channels: int, image_ndim: int, folder: Path) -> None:
    """Check that a model takes single-channel images of this many dimensions.

    Parameters
    ----------
    axes : str
        Axes of the model's configuration, e.g. ``"ZYXC"``.
    channels : int
        Input channels of the model.
    image_ndim : int
        Dimensions of the image.
    folder : Path
        The model's folder, for the message.

    Raises
    ------
    UserError
        If they do not fit.
    """
    spatial = axes.upper().replace("C", "")
    expected = {"ZYX": 3, "YX": 2}.get(spatial)
    if expected is None:
        msg = f"model {folder} works on axes {axes}, expected ZYX or YX; give another model"
        raise UserError(msg)
    if channels != 1:
        msg = f"model {folder} expects {channels} channels, but one channel is segmented; "
        msg += "give a model trained on single-channel images"
        raise UserError(msg)
    if image_ndim != expected:
        msg = f"model {folder} was trained for {spatial} images of {expected} dimensions, "
        msg += f"got an image of {image_ndim}; give a model trained for such images"
        raise UserError(msg)
