"""What is stopped and failed at every call: each verb on inputs as small as can be."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from faults import Ended, in_folder, read_tree, run_child
from scipy import ndimage
from tiny_movies import dividing_cells, write_imagej
from tiny_training import TINY, make_data

from btrackmate.cli.main import run_command
from btrackmate.core.files import write_text, write_together
from btrackmate.core.graph import TrackGraph
from btrackmate.io import run_tables
from btrackmate.io.geff import write_geff
from btrackmate.pipeline import frames, run, segmenting, segmenting_folders
from btrackmate.segmentation import Models, SegmentationResult
from btrackmate.training import trainer
from btrackmate.training.fit import CHECKPOINT, Curve
from btrackmate.training.thresholds import Found

CSV = "id,frame,x,y,z,radius\n" + "".join(
    f"{3 * t + k},{t},{20 * k},{t},0,2\n" for t in range(3) for k in range(3)
)
LABELS = dividing_cells()[:2].astype(np.uint16)


@dataclass(frozen=True)
class Verb:
    """A command line, and one that makes what stands there before.

    Parameters
    ----------
    line : str
        In a folder that holds what `prepare` makes.
    before : str
        Makes outputs that are replaced; empty for none.
    """

    line: str
    before: str = ""


OLD_TRACKS = "track c.csv --tracker nearest --spot-filter x>10 -o"
TRAIN = "train data --name n -o models --only stardist --set min_cells=1"
VERBS = {
    "run": Verb("run --labels l.tif --tracker nearest -o out"),
    "run-overwrite": Verb(
        "run --spots c.csv --tracker nearest -o out --overwrite",
        "run --labels l.tif --tracker lap -o out",
    ),
    "run-image": Verb("run i.tif --tracker nearest -o out"),
    "segment": Verb("segment i.tif -o s.tif"),
    "segment-zarr-overwrite": Verb(
        "segment i.tif -o s.ome.zarr --ome-zarr 0.5 --overwrite", "segment j.tif -o s.ome.zarr"
    ),
    "segment-folder": Verb("segment images -o labels"),
    "measure": Verb("measure l.tif -o m.csv --dropped d.csv --mask k.tif"),
    "measure-overwrite": Verb(
        "measure l.tif -o m.csv --dropped d.csv --mask k.tif --overwrite",
        "measure l.tif -o m.csv --dropped d.csv",
    ),
    "track-csv-overwrite": Verb(
        "track c.csv --tracker nearest -o t.csv --overwrite", f"{OLD_TRACKS} t.csv"
    ),
    "track-geff": Verb("track c.csv --tracker nearest -o t.geff"),
    "prune-overwrite": Verb(
        "prune t.xml --min-tracklet-length 2 -o p.xml --overwrite", f"{OLD_TRACKS} p.xml"
    ),
    "convert-geff-overwrite": Verb("convert t.xml p.geff --overwrite", f"{OLD_TRACKS} p.geff"),
    "filter-overwrite": Verb(
        "filter t.xml --spot-filter x>10 -o p.csv --dropped d.csv --overwrite",
        "filter t.xml --spot-filter x>30 -o p.csv --dropped d.csv",
    ),
    "analyse-overwrite": Verb(
        "analyse t.xml -o a --no-figures --no-report --overwrite",
        "analyse t.xml -o a --no-figures --no-report --max-lag 1",
    ),
    "relabel-overwrite": Verb(
        "relabel v.xml l.tif -o r.tif --unpainted u.csv --overwrite",
        "relabel v.xml l.tif -o r.tif --unpainted u.csv --by tracklet",
    ),
    "evaluate-overwrite": Verb(
        "evaluate --truth l.tif --result l.tif --json e.json --table e.csv --overwrite",
        "evaluate --truth l.tif --result n.tif --json e.json --table e.csv",
    ),
    "train": Verb(TRAIN),
    "train-overwrite": Verb(
        f"{TRAIN} --overwrite --epochs 3",
        TRAIN,
    ),
}


def prepare(folder: Path) -> None:
    """Make the inputs."""
    folder.mkdir()
    write_imagej(folder / "l.tif", LABELS, "TZYX")
    image = (100 * (LABELS > 0)).astype(np.uint8)
    write_imagej(folder / "i.tif", image, "TZYX")
    write_imagej(folder / "j.tif", image[:1], "TZYX")
    write_imagej(folder / "n.tif", LABELS * (LABELS > 1), "TZYX")
    write_imagej(folder / "k.tif", np.tri(24, dtype=np.uint8), "YX")
    (folder / "images").mkdir()
    for t in range(2):
        write_imagej(folder / "images" / f"a{t}.tif", image[t], "ZYX")
    (folder / "c.csv").write_text(CSV)
    make_data(folder / "data", (8, 20, 20))
    assert call(folder, "track c.csv --tracker nearest -o t.xml") == 0
    assert call(folder, "track l.tif --tracker nearest -o v.xml") == 0


def call(folder: Path, line: str) -> int:
    """Run a verb in a folder."""
    with in_folder(folder):
        return run_command([*line.split(), "--quiet"])


@contextmanager
def quick_steps() -> Iterator[None]:
    """Segment by a threshold, train and draw nothing, and give a run's graph few columns.

    All that writes is real; each further column of a graph is written as the others are.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "segment_frame", _segment)
        patch.setattr(run_tables, "write_geff", _write_few_columns)
        patch.setattr(run, "render_report", lambda data: f"<p>{len(data.graph.spots)}\n")
        for module in (segmenting, segmenting_folders, run):
            patch.setattr(module, "load_models", lambda _: Models(None, None))
        for module in (segmenting, run):
            patch.setattr(module, "describe_models", lambda _: {})
        patch.setattr(trainer, "load_tensorflow", lambda: None)
        patch.setitem(trainer.TRAINERS, "stardist", _train)
        patch.setattr(trainer, "_search", lambda *_: Found({"prob": 0.5}, {"F1": 1.0}))
        patch.setattr(trainer, "check_settings", lambda *_: None)
        yield


def _segment(image: Any, *_: Any) -> SegmentationResult:
    labels, n = ndimage.label(image > 50)
    cells = pd.DataFrame(
        {
            "label": np.arange(1, n + 1),
            "origin": np.full(n, "stardist"),
            "score": np.full(n, 0.9),
            "agreement": np.full(n, 0.8),
            "voxels": np.bincount(labels.ravel())[1:],
        }
    )
    return SegmentationResult(labels.astype(np.uint32), cells, labels > 0, None, None, None)


def _write_few_columns(path: Path, graph: TrackGraph, track_ids: Any = None) -> None:
    table = graph.spots.table[["id", "frame", "x", "y", "z"]]
    write_geff(path, replace(graph, spots=replace(graph.spots, table=table)), track_ids)


def _train(folder: Path, data: Any, settings: Any, progress: Any) -> Curve:
    write_text(folder / "config.json", "{}")
    for epoch in range(TINY.epochs):
        with write_together():
            write_text(folder / "weights_best.h5", f"{settings.epochs} {epoch}")
            write_text(folder / CHECKPOINT, str(epoch))
    return Curve([1.0, 0.5], [1.0, 0.5])


def read_outputs(folder: Path, *, hidden: bool) -> dict[str, bytes | None]:
    """Read all files but for when and how long something was done."""
    tree = read_tree(folder, hidden=hidden)
    if not hidden:
        tree = {name: content for name, content in tree.items() if not _is_begun(name)}
    return {name: content and drop_times(name, content) for name, content in tree.items()}


def drop_times(name: str, content: bytes) -> bytes:
    """Take away what tells when and how long something was done."""
    if name.endswith(("run.yaml", "analysis.yaml")):
        told = yaml.safe_load(content)
        if not isinstance(told, dict):
            return content  # Being written, under a hidden name.
        for key in ("started", "finished", "timing", "cost", "command", "warnings"):
            told.pop(key, None)
        return yaml.safe_dump(told).encode()
    if name.endswith("log.txt"):
        return b"log"
    if name.endswith(".xml"):
        return re.sub(rb"<Log>.*?</Log>", b"", content, flags=re.DOTALL)
    return content


def _is_begun(name: str) -> bool:
    return any(p.startswith(".") and not p.startswith(".z") for p in Path(name).parts)


@dataclass(frozen=True)
class Reference:
    """A verb undisturbed: how many calls it makes, and what stands before and after.

    Parameters
    ----------
    verb : Verb
    template, folder : Path
        What is there before, and where the verb runs on a copy of it.
    old, new : dict
        Files before and after.
    calls : int
    inputs : frozenset of str
        What stands in the folder and is only read.
    """

    verb: Verb
    template: Path
    folder: Path
    old: dict[str, bytes | None]
    new: dict[str, bytes | None]
    calls: int
    inputs: frozenset[str]

    @classmethod
    def make(cls, verb: Verb, inputs: Path, place: Path) -> "Reference":
        """Run a verb undisturbed, twice: it must give the same bytes.

        The first time in this process, so that its children find all imported.
        """
        template, folder = place / "template", place / "work"
        shutil.copytree(inputs, template)
        if verb.before:
            assert call(template, verb.before) == 0
        old = read_outputs(template, hidden=True)
        shutil.copytree(template, folder)
        assert call(folder, verb.line) == 0
        found = [read_outputs(folder, hidden=True)]
        shutil.rmtree(folder)
        shutil.copytree(template, folder)
        names = frozenset(path.name for path in inputs.iterdir())
        one = cls(verb, template, folder, old, found[0], 0, names)
        ended = run_child(one.work, folder)
        assert ended.code == 0
        found.append(read_outputs(folder, hidden=True))
        assert found[0] == found[1]
        assert not [name for name in found[0] if _is_begun(name)]
        return replace(one, calls=ended.calls)

    def work(self) -> None:
        """Run the verb; what a child does."""
        raise SystemExit(call(self.folder, self.verb.line))

    def try_point(self, at: int, *, fail: bool) -> str:
        """Stop or fail the verb at a call, start it again, and say what is wrong."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template, self.folder)
        return self.start_again(run_child(self.work, self.folder, at=at, fail=fail), fail=fail)

    def start_again(self, first: Ended, *, fail: bool) -> str:
        """Start the verb again where it was stopped, and say what is wrong."""
        seen = read_outputs(self.folder, hidden=False)
        again = run_child(self.work, self.folder)
        left = read_outputs(self.folder, hidden=True)
        return self._judge(first, again, seen, left, fail=fail)

    def _judge(
        self,
        first: Ended,
        again: Ended,
        seen: dict[str, bytes | None],
        left: dict[str, bytes | None],
        *,
        fail: bool,
    ) -> str:
        if first.code not in ((0, 1, 2) if fail else (0, -9)):
            return f"ended with {first.code}"
        if fail and first.code == 0 and seen != self.new:
            return "exit code 0, but the new files are not there"
        if not self._is_whole(seen):
            return f"neither old nor new: {_differ(seen, self.old)} | {_differ(seen, self.new)}"
        if again.code != 0 and not (again.code == 2 and seen == self.new):
            return f"started again it ends with {again.code}"
        if left != self.new:
            return f"started again it ends in other files: {_differ(left, self.new)}"
        return ""

    def _is_whole(self, seen: dict[str, bytes | None]) -> bool:
        """Old or new; where images of a folder are segmented, each by itself."""
        if seen in (self.old, self.new):
            return True
        made = {n: c for n, c in seen.items() if n not in self.old}
        kept = {n: c for n, c in seen.items() if n in self.old}
        if (
            kept != self.old
            or "images" not in self.verb.line
            and any(content is not None for content in made.values())
        ):
            return False
        if any(self.new.get(name, b"-") != content for name, content in made.items()):
            return False
        sets = [
            [f"labels/a{t}.{e}" for e in ("tif", "cells.csv", "segment.json")] for t in range(2)
        ]
        return all(len({name in made for name in names}) == 1 for names in sets)


def _differ(one: dict[str, bytes | None], other: dict[str, bytes | None]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name, b"-") != other.get(name, b"-"))[
        :8
    ]
