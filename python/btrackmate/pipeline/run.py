"""The whole way: image, labels or a CSV of cells → run folder."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from btrackmate import __version__ as version
from btrackmate.core.disk import remove_empty
from btrackmate.core.errors import UserError
from btrackmate.core.files import write_text
from btrackmate.core.graph import TrackGraph
from btrackmate.core.outputs import note_outputs
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.reading import check_plain
from btrackmate.core.settings import load_yaml
from btrackmate.core.spots import Spots
from btrackmate.core.workplace import Workplace
from btrackmate.io.images import Movie, open_movie
from btrackmate.io.run_folder import (
    EDITS,
    FILES,
    LABELS,
    LOG,
    RECORD,
    REPORT,
    SCORES,
    TRACKS,
    WORK,
    check_rest,
    check_run_folder,
    check_unused,
)
from btrackmate.io.run_tables import hash_run_tracks
from btrackmate.io.trackmate import read_trackmate
from btrackmate.io.unsaved_edits import warn_of_corrections
from btrackmate.measurement import FrameSource
from btrackmate.pipeline.cells import mask_cells, open_beside, read_cells
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.correcting import Corrected, Edits, check_uncorrected, read_edits
from btrackmate.pipeline.diary import Cost, RunDiary
from btrackmate.pipeline.frame_jobs import spread_frames
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
from btrackmate.pipeline.outputs import RunTables, write_outputs
from btrackmate.pipeline.record import (
    describe_environment,
    describe_graph,
    describe_inputs,
    describe_models,
    write_record,
)
from btrackmate.pipeline.settings import RunSettings
from btrackmate.pipeline.work import WorkFolder, describe_files
from btrackmate.report.data import ReportData, find_linking_limit
from btrackmate.report.html import render_report
from btrackmate.report.trust import Note, check_result, log_notes
from btrackmate.review import find_journal, name_journal
from btrackmate.segmentation import Models, load_models
from btrackmate.tracking.engine import track
from btrackmate.tracking.settings import TrackerSettings, tracker_name

_log = logging.getLogger(__name__)

#: Of the work folder: what was warned of while its frames were done.
_WARNINGS = "warnings.txt"
_GOES_ON = "; the lines above are of a run that was stopped, perhaps with another tracker"


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
    pool: WorkerPool | None = None,
) -> RunResult:
    """Go the whole way and write a run folder.

    A run that was stopped goes on when it is started again with the same inputs and settings:
    frames that are finished are not done twice.

    Parameters
    ----------
    inputs : RunInputs
        An image, labels or a CSV of cells, and perhaps a tissue mask and corrections.
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
    pool : WorkerPool, optional
        Worker processes that segment and measure; else this process does. The caller closes it.

    Raises
    ------
    UserError
        If an input or a setting is wrong; nothing is written then.
    WorkersError
        If workers are lost; what they finished is kept.
    """
    settings = settings or RunSettings()
    if inputs.edits is not None:
        inputs = replace(inputs, edits=find_journal(inputs.edits))
    for path in inputs.paths().values():
        check_plain(path)
    check_run_folder(output, [*inputs.paths().values(), *settings.list_paths()])
    place = Workplace(output / WORK, output, str(output))
    work = WorkFolder(place, place.new / LABELS)
    job = _Run(inputs, settings, work, progress)
    job.linker, job.engine, job.command, job.pool = linker, engine, tuple(command), pool
    try:
        place.enter(make=False)
        whole = job.whole = job.describe_whole()
        if place.is_published and not work.is_finished(whole):
            place.remove()
        if work.is_finished(whole):
            _log.info("%s: the run was finished; its files are put in place", output)
        if not place.is_published:
            check_unused(output, overwrite=overwrite)
            check_rest(output, _list_made(inputs))
            note_outputs(output / name for name in FILES)
            if inputs.edits is None:
                warn_of_corrections(output / TRACKS)
            else:
                check_uncorrected(output / TRACKS, inputs.edits)
        if not work.is_finished(whole):
            with job.diary.collect():
                job.open()
                job.work_through()
            work.mark_finished(whole)
        job.close()
        if not place.is_published:  # Another run may have ended there since.
            check_unused(output, overwrite=overwrite)
        journal = name_journal(output / TRACKS).name
        work.publish(FILES if inputs.edits is None else (journal, *FILES))
    except UserError:
        work.give_up()
        remove_empty(output)
        raise
    finally:
        job.close()
        place.leave()
    graph = job.graph
    if graph is None:  # It was finished, and had only to be put in place.
        graph = read_trackmate(output / TRACKS).graph
    return RunResult(output, output / REPORT, graph, load_yaml(output / RECORD))


def _list_made(inputs: RunInputs) -> set[str]:
    """List the files that a run makes; scores are made by `evaluate`, later."""
    made = set(FILES) - {SCORES}
    if inputs.labels is not None or inputs.spots is not None:
        made -= {LABELS}
    return made if inputs.edits is not None else made - {EDITS}


class _Run:
    """One run on its way from the inputs to the files in the work folder."""

    def __init__(
        self,
        inputs: RunInputs,
        settings: RunSettings,
        work: WorkFolder,
        progress: Progress,
    ) -> None:
        self.inputs = inputs
        self.work = work
        self.settings = settings
        self.linker: Linker = track
        self.engine = "builtin"
        self.command: tuple[str, ...] = ()
        self.pool: WorkerPool | None = None
        self.progress = progress
        self.diary = RunDiary(work.place.folder, work.place.new)
        self.started = datetime.now(UTC)
        self.cost = Cost()
        self.opened: OpenInputs | None = None
        self.models: Models | None = None
        self.labels: Movie | None = None
        self.spots: Spots | None = None
        self.graph: TrackGraph | None = None
        self.dropped = join_tables([])
        self.edits: Edits | None = None
        self.corrected: Corrected | None = None
        self.whole: dict[str, Any] = {}

    def open(self) -> None:
        """Open and check everything that the run needs; writes nothing."""
        if self.inputs.edits is not None:
            self.edits = read_edits(self.inputs.edits, self.work.place.folder / TRACKS)
        if self.inputs.spots is not None:
            with self.diary.step("reading the cells"):
                self._read_cells(self.inputs.spots)
            return
        with self.diary.step("opening the inputs"):
            self.opened = open_inputs(
                self.inputs, self.settings.input, self.settings.channel, self.progress
            )
            self.opened.check_tissues(self.settings.measure.mask)
        if self.opened.labels is None:
            with self.diary.step("loading the networks"):
                self.models = load_models(self.settings.segmentation)
        if self.pool is not None:
            with self.diary.step("starting the workers"):
                self.pool.start()

    def work_through(self) -> None:
        """Bring the run to the point where its files lie finished in the work folder."""
        work, job = self.work, self._describe_job()
        self._check_unchanged({**job, "settings": self.whole["settings"]})
        work.begin(job)
        log = work.place.new / LOG
        again = log.exists()
        self.diary.write_to(log)
        _log.info("BTrackMate %s%s", version, _GOES_ON if again else "")
        spots = self.spots
        if spots is None:
            told = self.diary.keep_warnings(work.path / _WARNINGS)
            with self.diary.step("segmenting" if self.models else "measuring"), told:
                spots = self._measure()
        if not len(spots):
            _log.warning("no cell was found in the movie: there is nothing to track")
        with self.diary.step("linking and pruning"):
            labels = self._give_labels()
            linked = link_and_prune(spots, self.settings, self.linker, self.progress, labels)
        if self.edits is not None:
            with self.diary.step("making corrections again"):
                self.corrected = self.edits.make(linked.graph)
            linked = replace(linked, graph=self.corrected.graph)
        dropped = join_tables([self.dropped, linked.dropped])
        self.graph = linked.graph
        self._write(spots, replace(linked, dropped=dropped))
        work.confirm(lambda: self._check_unchanged(self.describe_whole()))

    def _check_unchanged(self, job: dict[str, Any]) -> None:
        """Refuse inputs and models that are others than when the run began."""
        if self.whole | job != self.whole:
            msg = f"{self._describe_origin()}: an input was changed while the run went on: "
            msg += "start again"
            raise UserError(msg)

    def close(self) -> None:
        """Close the inputs and the labels."""
        for movies in (self.labels, self.opened):
            if movies is not None:
                movies.close()
        self.labels = self.opened = None

    def _read_cells(self, path: Path) -> None:
        """Read a CSV of cells; an image beside it gives calibration and length."""
        options = self.settings.input
        image, mask = open_beside(self.inputs.image, self.inputs.mask, options)
        if image is not None:
            tissue = None if mask is None else MovieFrames(mask, image.ndim)
            self.opened = OpenInputs(image, MovieFrames(image, image.ndim), None, tissue)
        spots = read_cells(path, options, image, mask)
        self.spots, self.dropped = mask_cells(spots, self.settings, mask, path)
        self.cost.cells = len(self.spots)
        if mask is not None and image is None:
            mask.close()

    def _measure(self) -> Spots:
        if self.opened is None:
            msg = "the inputs are not open"
            raise ValueError(msg)
        worker = FrameWorker(self.opened, self.settings, self.work, self.models)
        todo = worker.list_undone()
        if self.pool is None:
            worker.work_through(self.progress)
        else:
            self.cost.add_workers(*spread_frames(worker, self.pool, self.progress))
        measured = worker.combine()
        self.dropped = measured.dropped
        self.cost.cells = int(measured.spots.table["frame"].isin(todo).sum())
        return measured.spots

    def _describe_job(self) -> dict[str, Any]:
        """Name all that the frames' results depend on."""
        parts = {"input", "channel", "segmentation", "ome_zarr", "measure"}
        files: dict[str, Path | None] = {**self.inputs.paths(), "edits": None}
        files |= self._list_shapes()
        return {
            "version": version,
            "inputs": describe_files(files),
            "models": self._describe_models(),
            "settings": self.settings.model_dump(mode="json", include=parts),
        }

    def _list_shapes(self) -> dict[str, Path]:
        """Name the files beside the image that a segmentation reads."""
        chosen = self.settings.segmentation
        files = {"roi": chosen.roi, "shapes": chosen.shape_labels} if self._segments else {}
        return {role: path for role, path in files.items() if path is not None}

    def describe_whole(self) -> dict[str, Any]:
        """Name all that the results depend on."""
        settings = self.settings.model_dump(mode="json", exclude={"workers"})
        edits = describe_files({"edits": self.inputs.edits})
        return self._describe_job() | {"settings": settings, "engine": self.engine, **edits}

    @property
    def _segments(self) -> bool:
        return self.inputs.labels is None and self.inputs.spots is None

    def _describe_models(self) -> dict[str, Any]:
        return describe_models(self.settings.segmentation) if self._segments else {}

    def _write(self, spots: Spots, linked: LinkingResult) -> None:
        """Write all files into the work folder."""
        done = self.corrected
        edits = done.table if done is not None else None
        tables = RunTables(spots, linked.graph, linked.dropped, linked.pruned, edits)
        aside = self.work.place.new
        with self.diary.step("writing tables and tracks"):
            movie = self.opened.main if self.opened else None
            session = make_session(
                self.settings, movie, self._describe_origin(), linked, self.inputs.paths()
            )
            write_outputs(aside, tables, session)
            if done is not None:
                done.write_journal(aside / TRACKS)
        with self.diary.step("hashing the inputs"):
            record = self._make_record(tables, linked.tracker)
        with self.diary.step("writing the report"):
            labels = self._open_labels()
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
            write_text(aside / REPORT, render_report(data))
        write_record(aside / RECORD, record)
        log_notes(record["to_know"])

    def _describe_origin(self) -> str:
        if self.inputs.spots is not None:
            return f"cells of {self.inputs.spots.name}"
        if self.inputs.labels is not None:
            return f"labels of {self.inputs.labels.name}"
        return f"VollSeg segmentation, mode {self.settings.segmentation.mode}"

    def _open_labels(self) -> Movie | None:
        """Open the labels of this run's segmentation, else those given."""
        if self.labels is None and self.models is not None:
            self.labels = open_movie(self.work.labels, role="labels")
        if self.labels is not None:
            return self.labels
        return self.opened.movies().get("labels") if self.opened else None

    def _open_mask(self) -> Movie | None:
        """Open the tissue mask again where cells without labels were masked."""
        if self.inputs.mask is None:
            return None
        opened = self.opened.movies().get("mask") if self.opened else None
        return opened or open_mask(self.inputs.mask)

    def _give_labels(self) -> FrameSource | None:
        """Give the labels that the cells were measured in, where they were."""
        labels = self._open_labels()
        if self.spots is not None or self.opened is None or labels is None:
            return None
        return self.opened.measured_labels(labels, self.settings.measure.mask)

    def _list_notes(self, graph: TrackGraph, tracker: TrackerSettings) -> list[Note]:
        """List what a person must know of the tracks."""
        made = [self.corrected.note] if self.corrected is not None else []
        return made + check_result(graph, tracker)

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
            "inputs": describe_inputs({**self.inputs.paths(), **self._list_shapes()}, self.opened),
            "models": self._describe_models(),
            **found,
            "to_know": [note.to_dict() for note in self._list_notes(tables.graph, tracker)],
            "linking": {"tracker": tracker_name(tracker), **tracker.model_dump(mode="json")},
            "pruned": group_pruned(tables.pruned),
            "written": hash_run_tracks(self.work.place.new),
            "settings": self.settings.make_absolute().model_dump(mode="json"),
            "warnings": self.diary.warnings,
            "timing": self.diary.timing,
            "cost": self.cost.to_dict(),
        }
