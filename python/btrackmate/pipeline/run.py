"""The whole way: image, labels or a CSV of cells → run folder."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from btrackmate import __version__ as version
from btrackmate.core.errors import UserError
from btrackmate.core.files import check_output
from btrackmate.core.graph import TrackGraph
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.settings import load_yaml
from btrackmate.core.spots import Spots
from btrackmate.io.images import Movie, open_movie
from btrackmate.io.run_folder import LOG, RECORD, REPORT, TRACKS, WORK
from btrackmate.io.trackmate import read_trackmate
from btrackmate.measurement import FrameSource
from btrackmate.pipeline.cells import mask_cells, open_beside, read_cells
from btrackmate.pipeline.diary import RunDiary
from btrackmate.pipeline.frames import FrameWorker
from btrackmate.pipeline.inputs import (
    MovieFrames,
    OpenInputs,
    RunInputs,
    open_inputs,
    open_mask,
)
from btrackmate.pipeline.linking import (
    Linker,
    LinkingResult,
    group_pruned,
    join_tables,
    link_and_prune,
    make_session,
)
from btrackmate.pipeline.outputs import OUT, RunTables, publish, write_outputs
from btrackmate.pipeline.record import (
    describe_environment,
    describe_graph,
    describe_inputs,
    describe_models,
    write_record,
)
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.work import WorkFolder, check_run_folder, describe_files
from btrackmate.report.data import ReportData, find_linking_limit
from btrackmate.report.html import render_report
from btrackmate.report.trust import check_result, log_notes
from btrackmate.segmentation import Models, load_models
from btrackmate.tracking.engine import track
from btrackmate.tracking.settings import TrackerSettings, tracker_name

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Parameters
    ----------
    folder, report : Path
        The run folder, and report.html in it.
    graph : TrackGraph
        The tracks.
    record : dict
        run.yaml.
    """

    folder: Path
    report: Path
    graph: TrackGraph
    record: dict[str, Any]

    def summary(self) -> str:
        """Say in one line what came out."""
        counts = self.record["counts"]
        return (
            f"{counts['spots']} cells in {self.graph.spots.n_frames} frames, "
            f"{counts['links']} links, {counts['tracks']} tracks, {counts['divisions']} divisions; "
            f"{counts['dropped_cells']} cells dropped, {counts['pruned_spots']} pruned"
        )


def run(
    inputs: RunInputs,
    output: Path,
    settings: RunSettings | None = None,
    *,
    linker: Linker = track,
    engine: str = "builtin",
    overwrite: bool = False,
    progress: Progress = ignore_progress,
    command: Sequence[str] = (),
) -> RunResult:
    """Go the whole way and write a run folder.

    A run that was stopped goes on when it is started again with the same inputs and settings:
    frames that are finished are not done twice.

    Parameters
    ----------
    inputs : RunInputs
        An image, labels or a CSV of cells, and perhaps a tissue mask.
    output : Path
        The run folder; may hold an unfinished run.
    settings : RunSettings, optional
    linker : callable
        The tracking engine; see :data:`btrackmate.pipeline.linking.Linker`.
    engine : str
        Its name, for the record.
    overwrite : bool
        Replace a finished run.
    progress : Progress
    command : sequence of str
        The command line, for the record.

    Raises
    ------
    UserError
        If an input or a setting is wrong; nothing is written then.
    """
    if (output / WORK / OUT).exists():
        _log.info("%s: the run was finished; its files are put in place", output)
        publish(output)
        return load_result(output)
    check_output(output, overwrite=True)
    check_run_folder(output, overwrite=overwrite)
    job = _Run(inputs, output, settings or RunSettings(), progress)
    job.linker, job.engine, job.command = linker, engine, tuple(command)
    try:
        with job.diary.collect():
            job.open()
            job.work_through()
    except UserError:
        remove_if_empty(output)
        raise
    finally:
        job.close()
    publish(output)
    return load_result(output)


def load_result(folder: Path) -> RunResult:
    """Load a finished run from its folder.

    Raises
    ------
    UserError
        If it is no finished run.
    """
    record = load_yaml(folder / RECORD)
    graph = read_trackmate(folder / TRACKS).graph
    return RunResult(folder, folder / REPORT, graph, record)


class _Run:
    """One run on its way from the inputs to the files in the work folder."""

    def __init__(
        self,
        inputs: RunInputs,
        output: Path,
        settings: RunSettings,
        progress: Progress,
    ) -> None:
        self.inputs = inputs
        self.output = output
        self.settings = settings
        self.linker: Linker = track
        self.engine = "builtin"
        self.command: tuple[str, ...] = ()
        self.progress = progress
        self.diary = RunDiary(output)
        self.started = datetime.now(UTC)
        self.opened: OpenInputs | None = None
        self.models: Models | None = None
        self.labels: Movie | None = None
        self.spots: Spots | None = None
        self.dropped = join_tables([])

    def open(self) -> None:
        """Open and check everything that the run needs; writes nothing."""
        if self.inputs.spots is not None:
            with self.diary.step("reading the cells"):
                self._read_cells(self.inputs.spots)
            return
        with self.diary.step("opening the inputs"):
            self.opened = open_inputs(
                self.inputs, self.settings.input, self.settings.channel, self.progress
            )
        if self.opened.labels is None:
            with self.diary.step("loading the networks"):
                self.models = load_models(self.settings.segmentation)

    def work_through(self) -> None:
        """Bring the run to the point where its files lie finished in the work folder."""
        work = WorkFolder(self.output / WORK, self._describe_job())
        self.diary.write_to(work.path / LOG)
        _log.info("BTrackMate %s", version)
        spots = self.spots
        if spots is None:
            with self.diary.step("segmenting" if self.models else "measuring"):
                spots = self._measure(work)
        if not len(spots):
            _log.warning("no cell was found in the movie: there is nothing to track")
        with self.diary.step("linking and pruning"):
            labels = self._give_labels(work)
            linked = link_and_prune(spots, self.settings, self.linker, self.progress, labels)
        dropped = join_tables([self.dropped, linked.dropped])
        self._write(work, spots, replace(linked, dropped=dropped))

    def close(self) -> None:
        """Close the inputs and the labels."""
        if self.labels is not None:
            self.labels.close()
        if self.opened is not None:
            self.opened.close()

    def _read_cells(self, path: Path) -> None:
        """Read a CSV of cells; an image beside it gives calibration and length."""
        options = self.settings.input
        image, mask = open_beside(self.inputs.image, self.inputs.mask, options)
        if image is not None:
            tissue = None if mask is None else MovieFrames(mask, image.ndim)
            self.opened = OpenInputs(image, MovieFrames(image, image.ndim), None, tissue)
        spots = read_cells(path, options, image, mask)
        self.spots, self.dropped = mask_cells(spots, self.settings, mask, path)
        if mask is not None and image is None:
            mask.close()

    def _measure(self, work: WorkFolder) -> Spots:
        if self.opened is None:
            msg = "the inputs are not open"
            raise ValueError(msg)
        worker = FrameWorker(self.opened, self.settings, work, self.models)
        worker.work_through(self.progress)
        measured = worker.combine()
        self.dropped = measured.dropped
        return measured.spots

    def _describe_job(self) -> dict[str, Any]:
        """Name all that the frames' results depend on."""
        settings = self.settings.model_dump(
            mode="json", include={"input", "channel", "segmentation", "measure"}
        )
        return {
            "version": version,
            "inputs": describe_files(self.inputs.paths()),
            "models": self._describe_models(),
            "settings": settings,
        }

    def _describe_models(self) -> dict[str, Any]:
        return describe_models(self.settings.segmentation) if self.models else {}

    def _write(self, work: WorkFolder, spots: Spots, linked: LinkingResult) -> None:
        """Write all files aside; the folder gets its name when it is complete."""
        tables = RunTables(spots, linked.graph, linked.dropped, linked.pruned)
        aside = work.path / "out.tmp"
        shutil.rmtree(aside, ignore_errors=True)
        with self.diary.step("writing tables and tracks"):
            movie = self.opened.main if self.opened else None
            session = make_session(self.settings, movie, self._describe_origin(), linked)
            write_outputs(aside, tables, session)
        with self.diary.step("hashing the inputs"):
            record = self._make_record(tables, linked.tracker)
        with self.diary.step("writing the report"):
            labels = self._open_labels(work)
            data = ReportData(
                record=record,
                graph=tables.graph,
                pruned=tables.pruned,
                dropped=tables.dropped,
                scores=[],
                image=self.opened.movies().get("image") if self.opened else None,
                labels=labels,
                mask=self._open_mask(),
                linking_limit=find_linking_limit(session.tracker),
            )
            (aside / REPORT).write_text(render_report(data), encoding="utf-8")
        write_record(aside / RECORD, record)
        log_notes(record["to_know"])
        aside.rename(work.path / OUT)

    def _describe_origin(self) -> str:
        if self.inputs.spots is not None:
            return f"cells of {self.inputs.spots.name}"
        if self.inputs.labels is not None:
            return f"labels of {self.inputs.labels.name}"
        return f"VollSeg segmentation, mode {self.settings.segmentation.mode}"

    def _open_labels(self, work: WorkFolder) -> Movie | None:
        """Open the labels of this run's segmentation, else those given."""
        if self.labels is None and work.labels.exists():
            self.labels = open_movie(work.labels, role="labels")
        if self.labels is not None:
            return self.labels
        return self.opened.movies().get("labels") if self.opened else None

    def _open_mask(self) -> Movie | None:
        """Open the tissue mask again where cells without labels were masked."""
        if self.inputs.mask is None:
            return None
        opened = self.opened.movies().get("mask") if self.opened else None
        return opened or open_mask(self.inputs.mask)

    def _give_labels(self, work: WorkFolder) -> FrameSource | None:
        """Give the labels that the cells were measured in, where they were."""
        labels = self._open_labels(work)
        if self.spots is not None or self.opened is None or labels is None:
            return None
        return self.opened.measured_labels(labels, self.settings.measure.mask)

    def _make_record(self, tables: RunTables, tracker: TrackerSettings) -> dict[str, Any]:
        """Make run.yaml; its lists of times and warnings go on growing."""
        found = describe_graph(tables.graph)
        links = tables.pruned["what"] == "link"
        found["counts"] |= {
            "dropped_cells": len(tables.dropped),
            "pruned_spots": int((~links).sum()),
            "pruned_links": int(links.sum()),
        }
        return {
            **describe_environment(self.command, self.started),
            "engine": self.engine,
            "inputs": describe_inputs(self.inputs, self.opened),
            "models": self._describe_models(),
            **found,
            "to_know": [note.to_dict() for note in check_result(tables.graph, tracker)],
            "linking": {"tracker": tracker_name(tracker), **tracker.model_dump(mode="json")},
            "pruned": group_pruned(tables.pruned),
            "settings": self.settings.model_dump(mode="json"),
            "warnings": self.diary.warnings,
            "timing": self.diary.timing,
        }


def remove_if_empty(output: Path) -> None:
    """Take an output folder away in which no frame was finished."""
    work = output / WORK
    if work.exists() and not any((work / "frames").iterdir()):
        shutil.rmtree(work)
    if output.is_dir() and not any(output.iterdir()):
        output.rmdir()
