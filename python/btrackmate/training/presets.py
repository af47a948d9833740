"""Names of the paper's notebooks, and sets of values for one purpose."""

from typing import Any

from btrackmate.segmentation.backend import SHIPPED_MODELS

_NAMES = {
    "NetworkDepth": "depth",
    "Epochs": "epochs",
    "LearningRate": "learning_rate",
    "Kernel": "kernel_size",
    "Rays": "n_rays",
}
_SIDES = ("PatchZ", "PatchY", "PatchX")
#: Who gives one of these says how much work the training is.
_EFFORT = {"epochs", "n_patches_per_image", "batch_size"}
_STEPS = ("GenerateNPZ", "TrainUNET", "TrainSTAR")
_DESIGN = {"depth", "kernel_size", "startfilter", "features", "n_rays", "boundary", "grid"}

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    # The design of the shipped networks, from whose weights it starts: within 10 minutes on
    # 2 cores without a GPU for 14 volumes of 24 × 128 × 128, and for fewer as long.
    "small": {
        "depth": 2,
        "batch_size": 2,
        "patch_size": [16, 64, 64],
        "n_rays": 48,
        "features": 64,
        "n_patches_per_image": 4,
        "learning_rate": 7e-4,
        "epochs": 20,
        "min_steps": 520,
        "networks": {
            "stardist": {"startfilter": 16, "start_from": SHIPPED_MODELS / "stardist"},
            "unet": {"startfilter": 12, "start_from": SHIPPED_MODELS / "unet"},
            "n2v": {"epochs": 12, "min_steps": 312, "startfilter": 8, "learning_rate": 1e-3},
        },
    },
}
"""What ``preset`` stands for; whatever else is given counts more."""


def translate_names(values: dict[str, Any], patch: tuple[int, ...]) -> dict[str, Any]:
    """Replace the names of the paper's notebooks with the settings' own.

    Parameters
    ----------
    values : dict
        Settings as given; not changed.
    patch : tuple of int
        Patch size (Z, Y, X) of which PatchX, PatchY and PatchZ that are left out are taken.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a setting is given under both names, or nothing is left to do.
    """
    result = dict(values)
    for name, own in _NAMES.items():
        if name in result:
            _refuse_twice(result, name, own)
            result[own] = result.pop(name)
    if any(side in result for side in _SIDES):
        _refuse_twice(result, "PatchX", "patch_size")
        result["patch_size"] = tuple(
            result.pop(side, default) for side, default in zip(_SIDES, patch, strict=True)
        )
    if any(step in result for step in _STEPS):
        _refuse_twice(result, "TrainUNET", "only")
        npz, unet, star = (bool(result.pop(step, False)) for step in _STEPS)
        if not (npz or unet or star):
            msg = "GenerateNPZ, TrainUNET and TrainSTAR are all false: nothing to do"
            raise ValueError(msg)
        result["only"] = "both" if unet == star else "unet" if unet else "stardist"
        result["npz_only"] = not (unet or star)
    return result


def apply_preset(values: dict[str, Any]) -> dict[str, Any]:
    """Put the values of ``preset`` where nothing is given.

    Parameters
    ----------
    values : dict
        Settings as given; not changed.

    Returns
    -------
    dict
        Without ``preset``.

    Raises
    ------
    ValueError
        If there is no such preset.
    """
    if "preset" not in values:
        return values
    given = dict(values)
    name = given.pop("preset")
    if name not in PRESETS:
        msg = f"no preset {name!r}; known: {', '.join(PRESETS)}"
        raise ValueError(msg)
    result = PRESETS[name] | given
    if _EFFORT & given.keys() and "min_steps" not in given:
        result.pop("min_steps", None)
    own = PRESETS[name].get("networks", {})
    asked = given.get("networks", {})
    if own and isinstance(asked, dict):
        result["networks"] = {
            kind: _join_network(own.get(kind, {}), asked.get(kind, {}), given)
            for kind in (*own, *(k for k in asked if k not in own))
        }
    return result


def _join_network(
    preset: dict[str, Any], asked: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    """Join the settings of one network.

    A value given for all networks counts more than the preset's for one of them, and a network of
    another design does not start from the shipped weights.
    """
    kept = {key: value for key, value in preset.items() if key not in given}
    if _EFFORT & (given.keys() | asked.keys()) and "min_steps" not in given:
        kept["min_steps"] = 0
    if _DESIGN & (given.keys() | asked.keys()):
        kept.pop("start_from", None)
    return kept | asked


def _refuse_twice(values: dict[str, Any], name: str, own: str) -> None:
    if own in values:
        msg = f"{name} and {own} are both given; give one of them"
        raise ValueError(msg)
