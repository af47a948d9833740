"""Every reader, with a small whole input that damage is done to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from faults import in_folder
from tiny_movies import dividing_cells, write_imagej, write_store

from btrackmate.cli.main import run_command
from btrackmate.io.ctc import read_ctc
from btrackmate.io.images import open_movie
from btrackmate.io.spots_csv import read_spots_csv
from btrackmate.io.track_formats import read_tracks
from btrackmate.io.units import NgffVersion
from btrackmate.pipeline.settings import RunSettings
from btrackmate.report.data import load_run
from btrackmate.segmentation.backend import read_json, read_percentiles
from btrackmate.training.dataset import DataSet, Pair
from btrackmate.training.npz import load_patches, write_patches
from btrackmate.training.settings import TrainSettings

CSV = "id,frame,x,y,z,radius,area µm\n" + "".join(
    f"{3 * t + k},{t},{20 * k}.25,{t},0,2,{k}\n" for t in range(3) for k in range(3)
)
LABELS = dividing_cells()[2:4, 1:4, 2:20, 4:16]


@dataclass(frozen=True)
class Reader:
    """How an input is made, below a folder, and read.

    Parameters
    ----------
    make, read : callable
        Of the folder.
    share : float
        Part of the cases; slow readers get fewer.
    """

    make: Callable[[Path], object]
    read: Callable[[Path], object]
    share: float


def _run(folder: Path, line: str) -> None:
    with in_folder(folder):
        assert run_command([*line.split(), "--quiet"]) == 0


def _track(output: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "c.csv").write_text(CSV)
        _run(folder, f"track c.csv --tracker nearest -o {output}")
        (folder / "c.csv").unlink()

    return make


def _make_run(folder: Path) -> None:
    (folder / "c.csv").write_text(CSV)
    _run(folder, "run --spots c.csv --tracker nearest -o out")
    (folder / "c.csv").unlink()
    (folder / "out" / "report.html").unlink()


def _make_settings(folder: Path) -> None:
    settings = RunSettings().model_dump(mode="json")
    import yaml

    (folder / "c.yaml").write_text(yaml.safe_dump(settings))


def _make_ome(folder: Path) -> None:
    photometric = {"photometric": "minisblack", "compression": "zlib"}
    tifffile.imwrite(folder / "l.tif", LABELS, ome=True, metadata={"axes": "TZYX"}, **photometric)


def _zarr(version: NgffVersion) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        write_store(folder / "l.ome.zarr", LABELS, version)

    return make


def _make_ctc(folder: Path) -> None:
    for t, frame in enumerate(LABELS):
        tifffile.imwrite(folder / f"man_track{t:03d}.tif", frame, photometric="minisblack")
    (folder / "man_track.txt").write_text("1 0 0 0\n2 1 1 1\n7 0 1 0\n")


def _make_patches(folder: Path) -> None:
    rng = np.random.default_rng(0)
    image = rng.random((8, 16, 16), np.float32)
    labels = np.zeros(image.shape, np.int32)
    labels[2:6, 3:9, 3:9] = 1
    pair = Pair("a", image, labels, "0" * 64)
    settings = TrainSettings(patch_size=(8, 16, 16), n_patches_per_image=2)
    write_patches(folder / "p.npz", DataSet((pair,), (pair,)), settings, lambda *_: None)


def _make_model(folder: Path) -> None:
    (folder / "model_card.json").write_text('{"settings": {"norm_low": 1, "norm_high": 99.8}}')
    (folder / "thresholds.json").write_text('{"prob": 0.5, "nms": 0.3}')


def _read_image(name: str) -> Callable[[Path], None]:
    def read(folder: Path) -> None:
        for role in ("labels", "mask"):
            with open_movie(folder / name, role=role) as movie:  # type: ignore[arg-type]
                for _ in movie.frames():
                    pass

    return read


def _read_ctc(folder: Path) -> None:
    movie = read_ctc(folder)
    for t in range(len(movie.frames)):
        _ = movie.frames[t]


def _read_model(folder: Path) -> None:
    read_percentiles(folder)
    read_json(folder / "thresholds.json")


READERS = {
    "csv": Reader(lambda f: (f / "c.csv").write_text(CSV),
                  lambda f: read_spots_csv(f / "c.csv"), 0.25),
    "csv-tracks": Reader(_track("t.csv"), lambda f: read_tracks(f / "t.csv"), 0.12),
    "xml": Reader(_track("t.xml"), lambda f: read_tracks(f / "t.xml"), 0.1),
    "geff": Reader(_track("t.geff"), lambda f: read_tracks(f / "t.geff"), 0.015),
    "yaml": Reader(_make_settings, lambda f: RunSettings.from_yaml(f / "c.yaml"), 0.12),
    "imagej": Reader(lambda f: write_imagej(f / "l.tif", LABELS, "TZYX"),
                     _read_image("l.tif"), 0.1),
    "ome": Reader(_make_ome, _read_image("l.tif"), 0.09),
    "zarr": Reader(_zarr("0.4"), _read_image("l.ome.zarr"), 0.025),
    "zarr-3": Reader(_zarr("0.5"), _read_image("l.ome.zarr"), 0.025),
    "ctc": Reader(_make_ctc, _read_ctc, 0.05),
    "npz": Reader(_make_patches, lambda f: load_patches(
        f / "p.npz", TrainSettings(patch_size=(8, 16, 16))), 0.045),
    "run": Reader(_make_run, lambda f: load_run(f / "out"), 0.01),
    "model": Reader(_make_model, _read_model, 0.05),
}  # fmt: skip
