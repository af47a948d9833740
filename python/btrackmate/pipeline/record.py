"""run.yaml: enough to repeat a run."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import btrackmate
from btrackmate.core.files import write_text
from btrackmate.core.graph import TrackGraph
from btrackmate.io.images import Movie, hash_path
from btrackmate.pipeline.inputs import OpenInputs
from btrackmate.segmentation.settings import SegmentationSettings

_PACKAGES = (
    "numpy", "scipy", "pandas", "numba", "scikit-image", "tifffile", "zarr", "geff",
    "tensorflow", "tensorflow-cpu", "keras", "stardist", "csbdeep", "cellpose", "torch",
)  # fmt: skip


def describe_inputs(inputs: Mapping[str, Path], opened: OpenInputs | None) -> dict[str, Any]:
    """Describe each input file by role: absolute path, SHA-256 and, of images, axes and shape."""
    movies = opened.movies() if opened is not None else {}
    return {
        role: {
            "path": str(path.absolute()),
            "sha256": hash_path(path),
            **(_describe_movie(movies[role]) if role in movies else {}),
        }
        for role, path in inputs.items()
    }


def _describe_movie(movie: Movie) -> dict[str, Any]:
    return {
        "axes": movie.axes,
        "axes_from": movie.axes_source,
        "shape_TCZYX": list(movie.shape),
        "dtype": str(movie.dtype),
    }


def describe_environment(command: Sequence[str], started: datetime) -> dict[str, Any]:
    """Describe when, by what and on what a run was made."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "btrackmate": btrackmate.__version__,
        "command": ["btrackmate", *command] if command else [],
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


def describe_models(chosen: SegmentationSettings) -> dict[str, Any]:
    """Name and hash the networks' folders, thresholds included, and a Cellpose model's file."""
    from btrackmate.segmentation.backend import find_model
    from btrackmate.segmentation.other_shapes import find_cellpose

    names = {"stardist": chosen.stardist, "unet": chosen.unet}
    if chosen.mode != "both":
        names = {chosen.mode: names[chosen.mode]}
    if chosen.shapes != "stardist":
        names.pop("stardist", None)
    if chosen.roi_model is not None:
        names["roi"] = chosen.roi_model
    folders = {role: find_model(chosen.model_dir, name, role) for role, name in names.items()}
    if chosen.denoise is not None:
        folders["denoise"] = chosen.denoise
    weights = find_cellpose(chosen.cellpose) if chosen.shapes == "cellpose" else None
    if weights is not None:
        folders["cellpose"] = weights
    return {
        role: {"path": str(folder), "sha256": hash_path(folder)} for role, folder in folders.items()
    }


def describe_graph(graph: TrackGraph) -> dict[str, Any]:
    """Count what came out, and give the calibration."""
    spots = graph.spots
    return {
        "calibration": asdict(spots.calibration),
        "counts": {
            "frames": spots.n_frames,
            "spots": len(spots),
            "links": graph.n_links,
            "tracks": graph.n_tracks,
            "tracklets": len(graph.tracklets),
            "divisions": len(graph.divisions),
            "merges": len(graph.merges),
            "unlinked_spots": int((graph.track < 0).sum()),
        },
    }


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record as YAML."""
    text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=100)
    write_text(path, text)
