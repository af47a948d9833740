"""The demo: the shipped sample from pixels to a report, scored against its ground truth."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from btrackmate.core.files import copy_file, make_folder, write_text, write_together
from btrackmate.core.outputs import check_output, check_outputs, check_unchanged, note_outputs
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.images import hash_path, open_movie
from btrackmate.io.labels import write_tiff_movie
from btrackmate.io.run_folder import LABELS, RECORD, REPORT, SCORES, SPOTS, TRACKS
from btrackmate.io.spots_csv import read_spots_csv
from btrackmate.measurement import ArrayFrames, measure_movie
from btrackmate.metrics import GraphMovie, score_segmentation, score_tracking
from btrackmate.pipeline.evaluation import link_tracklets
from btrackmate.pipeline.inputs import MovieFrames, RunInputs
from btrackmate.pipeline.run import RunResult, run
from btrackmate.pipeline.settings import RunSettings
from btrackmate.report.html import build_report
from btrackmate.samples import load_sample, measure_snr, sample_paths, split_ovule
from btrackmate.segmentation import SegmentationSettings, load_models, segment_volume
from btrackmate.tracking.engine import track
from btrackmate.tracking.settings import NearestSettings

_OVULE_LABELS = "ovule_labels.tif"
_TRACKING = ("DET", "TRA", "LNK", "CHOTA", "link_f1", "division_f1")


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Parameters
    ----------
    run : RunResult
    tables : list of dict
        Tables of scores: title, note, columns, rows.
    """

    run: RunResult
    tables: list[dict[str, Any]]

    def lines(self) -> list[str]:
        """Give the scores as lines of text."""
        lines = [self.run.summary()]
        for table in self.tables:
            lines += ["", table["title"], table["note"]]
            cells = [table["columns"], *([_show(v) for v in row] for row in table["rows"])]
            widths = [max(len(str(row[i])) for row in cells) for i in range(len(cells[0]))]
            lines += [
                "  ".join(str(v).ljust(w) for v, w in zip(row, widths, strict=True)).rstrip()
                for row in cells
            ]
        return [*lines, ""]


def demo_settings() -> RunSettings:
    """Give the settings of the demo's run."""
    return RunSettings.parse(
        {
            "prune": {"min_tracklet_length": 2},
            "measure": {"mask": {"policy": "centroid"}},
        }
    )


def run_demo(
    output: Path,
    *,
    overwrite: bool = False,
    progress: Progress = ignore_progress,
    command: Sequence[str] = (),
) -> DemoResult:
    """Run, score and report the sample that ships with the package.

    Parameters
    ----------
    output : Path
        Folder; the inputs are copied to ``input/`` in it, the run folder is ``run/``.
    overwrite : bool
        Replace an older demo.
    progress : Progress
    command : sequence of str
        The command line, for the record.

    Raises
    ------
    UserError
        If files stand there that the demo would replace, but for its own inputs.
    """
    check_output(output / "run", overwrite=True, keeps=True)
    check_output(output / _OVULE_LABELS, overwrite=overwrite)
    folder = output / "input"
    paths = sample_paths()
    inputs = {path: folder / path.name for path in (paths.image, paths.mask)}
    kept = [target for path, target in inputs.items() if _is_copy(target, path)]
    check_outputs([one for one in inputs.values() if one not in kept], overwrite=overwrite)
    make_folder(folder)
    for path, target in inputs.items():
        if target not in kept:
            copy_file(path, target)
    image, mask = inputs.values()
    result = run(
        RunInputs(image=image, mask=mask),
        output / "run",
        demo_settings(),
        overwrite=overwrite,
        progress=progress,
        command=command,
    )
    names = (SCORES, REPORT, RECORD, TRACKS)
    note_outputs(result.folder / name for name in names)
    tables = [_score_movie(result, progress)]
    with write_together(overwrite=overwrite):
        tables.append(_score_ovule(output))
    for name in names:  # What others did since the run is left.
        check_unchanged(result.folder / name)
    with write_together(overwrite=True):
        write_text(result.folder / SCORES, json.dumps(tables, indent=1) + "\n")
    with write_together(overwrite=True):
        build_report(result.folder)
    return DemoResult(result, tables)


def _is_copy(path: Path, original: Path) -> bool:
    return path.is_file() and hash_path(path) == hash_path(original)


def _score_movie(result: RunResult, progress: Progress) -> dict[str, Any]:
    """Score the run, and nearest-neighbour linking of the same spots, against the truth."""
    sample, settings = load_sample(), demo_settings()
    truth_frames = ArrayFrames(sample.truth, 3)
    mask = ArrayFrames(sample.mask[None], 3)
    truth_spots = measure_movie(
        truth_frames, None, mask, sample.calibration, settings.measure, progress=progress
    ).spots
    tracks = sample.man_track.set_axis(["label", "begin", "end", "parent"], axis=1)
    truth = GraphMovie(sample.truth, link_tracklets(truth_spots, tracks))
    movie = open_movie(result.folder / LABELS, role="labels")
    labels = MovieFrames(movie, movie.ndim)
    rows = []
    spots = read_spots_csv(result.folder / SPOTS, sample.calibration).spots
    nearest = track(spots, NearestSettings())
    for name, graph in (("BTrackMate", result.graph), ("nearest neighbour", nearest)):
        found = GraphMovie(labels, graph)
        seg = score_segmentation(*(_all_frames(one) for one in (truth, found))).SEG
        scores = score_tracking(truth, found, progress).to_dict()
        rows.append([name, seg, *(scores[key] for key in _TRACKING)])
    size = sample.calibration
    snr = measure_snr(sample.image[0], sample.truth[0], (size.dz, size.dy, size.dx))
    n_divisions = len(truth.graph.divisions)
    return {
        "title": "Embryo movie (real positions and divisions, rendered pixels)",
        "note": (
            f"Ascidian embryo after Guignard et al. 2020, {sample.image.shape[0]} frames, "
            f"{len(truth_spots)} cells inside the mask and {n_divisions} divisions in the truth, "
            f"signal-to-noise {snr:.2f} (membrane contrast over noise sd, frame 0). The networks "
            "were trained on other frames, seeds and poses. Truth and result are both cut with "
            "the same tissue mask and policy. Nearest neighbour links the same cells."
        ),
        "columns": ["", "SEG", *(_TITLES.get(key, key) for key in _TRACKING)],
        "rows": rows,
    }


_TITLES = {"link_f1": "link F1", "division_f1": "division F1"}


def _all_frames(movie: GraphMovie) -> Any:
    return (movie.frame(t) for t in range(movie.n_frames))


def _score_ovule(output: Path) -> dict[str, Any]:
    """Segment the half of the real stack that no network was trained on, and score it."""
    # Its cells are small: this radius was chosen on the training half.
    halves, settings = split_ovule(), SegmentationSettings(marker_radius=0.3)
    stack = halves.test
    result = segment_volume(stack.image, stack.calibration, settings, load_models(settings))
    shape = (1, *result.labels.shape)
    write_tiff_movie(
        output / _OVULE_LABELS,
        [result.labels],
        (shape[0], shape[1], shape[2], shape[3]),
        stack.calibration,
        max_id=int(result.labels.max(initial=0)),
    )
    unseen_truth, unseen_result = halves.drop_shared(result.labels)
    rows = []
    for name, truth, found in (
        ("all cells of the test half", stack.labels, result.labels),
        ("cells that the cut does not touch", unseen_truth, unseen_result),
    ):
        scores = score_segmentation([truth], [found]).to_dict()
        keys = ("n_truth_objects", "n_result_objects", "SEG", "AP_0.5", "F1_0.5", "F1_0.7")
        rows.append([name, *(scores[key] for key in keys)])
    return {
        "title": "Ovule stack (real confocal image)",
        "note": (
            "Arabidopsis ovule, membrane-labelled (Wolny et al. 2020): the networks saw the half "
            f"x < 64 in training; this is the other half. {halves.n_unseen} of its cells lie "
            "wholly in it. Marker radius 0.3 µm, chosen on the training half."
        ),
        "columns": ["", "true cells", "found", "SEG", "AP@0.5", "F1@0.5", "F1@0.7"],
        "rows": rows,
    }


def _show(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
