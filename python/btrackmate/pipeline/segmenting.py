"""Segmentation by itself: a movie or a volume to a label file."""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from btrackmate import __version__ as version
from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.files import write_text
from btrackmate.core.outputs import check_outputs
from btrackmate.core.paths import is_one_name
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.core.words import flag
from btrackmate.core.workplace import Workplace, name_workplace
from btrackmate.io.image_calibration import warn_of_unknown
from btrackmate.io.images import Movie, hash_path, open_movie
from btrackmate.io.labels import write_tiff_movie
from btrackmate.io.run_folder import LABELS
from btrackmate.io.tracks_csv import write_table
from btrackmate.io.units import NgffVersion
from btrackmate.pipeline.cluster import WorkerPool
from btrackmate.pipeline.frame_jobs import spread_frames
from btrackmate.pipeline.frames import FrameWorker
from btrackmate.pipeline.inputs import MovieFrames, OpenInputs, check_channel, open_calibrated
from btrackmate.pipeline.record import describe_models
from btrackmate.pipeline.settings import InputSettings, RunSettings
from btrackmate.pipeline.work import WorkFolder, describe_files, list_changes
from btrackmate.segmentation import Models, load_models
from btrackmate.segmentation.result import join_cells
from btrackmate.segmentation.settings import SegmentationSettings

_log = logging.getLogger(__name__)

#: Voxels of labels that are copied at a time.
_SLAB = 1 << 25
#: What labels, and images of a folder, end in.
SUFFIXES = (".tif", ".tiff", ".zarr")
#: Of a record: the hashes of what it stands beside.
_WRITTEN = "written"


@dataclass(frozen=True)
class LabelFiles:
    """What segmenting a movie writes.

    Parameters
    ----------
    labels : Path
        ``.tif`` (16 bit while ids fit, else 32) or ``.ome.zarr``.
    cells : Path, optional
        Table of the cells, in the same folder; put in place together with the labels.
    overwrite : bool
        Replace what is there.
    record : Path, optional
        What the labels were made from, in the same folder; put in place with them.
    ome_zarr : str
        Version of OME-Zarr.
    """

    labels: Path
    cells: Path | None = None
    overwrite: bool = False
    record: Path | None = None
    ome_zarr: NgffVersion = "0.4"

    @property
    def names(self) -> list[str]:
        """The files' names, the labels last."""
        paths = (self.cells, self.record, self.labels)
        return [path.name for path in paths if path is not None]

    def check(self, inputs: Iterable[Path | None]) -> None:
        """Refuse names that cannot be written."""
        if not self.labels.name.lower().endswith(SUFFIXES):
            msg = f"{self.labels}: labels are written as .tif or .ome.zarr; give such a name"
            raise UserError(msg)
        place = self.labels.absolute().parent
        for path in (self.cells, self.record):
            if path is not None and not is_one_name(path.absolute().parent, place):
                msg = f"{path}: it is put in place together with the labels {self.labels}, in one "
                msg += "folder: name it there, and copy it afterwards"
                raise UserError(msg)
        outputs = (self.labels, self.cells, self.record)
        check_outputs(outputs, inputs, overwrite=self.overwrite)


def segment_movie(
    image: Path,
    output: Path | LabelFiles,
    settings: SegmentationSettings,
    options: InputSettings,
    *,
    channel: int = 1,
    progress: Progress = ignore_progress,
    pool: WorkerPool | None = None,
) -> pd.DataFrame:
    """Segment a movie or a single volume into a label file.

    A run that was stopped goes on when it is started again: finished frames are kept beside the
    output under a hidden name.

    Parameters
    ----------
    image : Path
    output : Path or LabelFiles
        A path alone is replaced if it exists.
    settings : SegmentationSettings
        Volumes that are too large for memory are worked in blocks.
    options : InputSettings
    channel : int
        From 1.
    progress : Progress
    pool : WorkerPool, optional
        Worker processes, a frame each; else this process works. The caller closes it.

    Returns
    -------
    DataFrame
        All cells: frame, label, z, y, x (voxels), origin, score, voxels, agreement.

    Raises
    ------
    UserError
        If the image, a model or the output's name is wrong.
    """
    files = output if isinstance(output, LabelFiles) else LabelFiles(output, overwrite=True)
    made = Segmenting(image, files, settings, options, channel)
    try:
        if not made.is_finished():
            with open_calibrated(image, options) as movie:
                warn_of_unknown(movie)
                check_channel(movie, channel)
                movie.check_values(progress)
                made.segment(movie, load_models(settings), progress, pool)
        return made.publish()
    finally:
        made.close()


class Segmenting:
    """One movie on its way to its label file.

    Parameters
    ----------
    image : Path
    files : LabelFiles
    settings : SegmentationSettings
    options : InputSettings
    channel : int
    """

    def __init__(
        self,
        image: Path,
        files: LabelFiles,
        settings: SegmentationSettings,
        options: InputSettings,
        channel: int,
    ) -> None:
        self._image = image
        self._files = files
        self._settings = settings
        self._options = options
        self._channel = channel
        output = files.labels
        place = Workplace(name_workplace(output, ".work"), output.parent, str(output))
        zarr = output.suffix.lower() == ".zarr"
        labels = place.new / output.name if zarr else place.path / LABELS
        self._work = WorkFolder(place, labels)
        self._job: dict[str, Any] = {}

    def read_kept(self) -> pd.DataFrame | None:
        """Read the cells where they and the labels are there, and are not to be made anew.

        Raises
        ------
        UserError
            If they were made from another image, or with other settings, models or version, or
            nothing tells from what; or another process makes them.
        """
        labels, cells = self._files.labels, self._files.cells
        try:
            if self._work.place.enter(make=False) and self._work.place.is_published:
                self._work.place.remove()
            if self._files.overwrite or cells is None or not (labels.exists() and cells.exists()):
                return None
            self._check_kept()
            remedy = flag("overwrite")
            _log.warning("%s exists already and is kept; %s makes it anew", labels, remedy)
            return pd.read_csv(cells)
        finally:
            self.close()

    def _check_kept(self) -> None:
        labels, record = self._files.labels, self._files.record
        if record is None:
            return
        remedy = f"give another output, or {flag('overwrite')} to make all anew"
        if not record.is_file():
            msg = f"{labels} is there already, and no {record.name} tells what it was made from: "
            raise UserError(msg + remedy)
        try:
            before = json.loads(record.read_text(encoding="utf-8"))
        except ValueError:
            before = None
        written = before.pop(_WRITTEN, {}) if isinstance(before, dict) else {}
        now = self._describe_contents()
        changes = list_changes(before, now) if isinstance(before, dict) else ["record"]
        if changes:
            msg = f"{labels} is there already, and was made with other "
            msg += f"{', '.join(changes)} ({record.name}): {remedy}"
            raise UserError(msg)
        files = self._written() if written else []
        changed = [path for path in files if hash_path(path) != written.get(path.name)]
        if changed:
            _log.warning(
                "%s was changed since it was made: labels and table of cells may not fit",
                " and ".join(str(path) for path in changed),
            )

    def _written(self) -> list[Path]:
        files = self._files
        return [path for path in (files.labels, files.cells) if path is not None]

    def is_finished(self) -> bool:
        """Take the work folder, if there is one; whether all was done there, or stands in place."""
        place = self._work.place
        place.enter(make=False)
        self._job = self._describe()
        finished = self._work.is_finished(self._whole())
        if place.is_published and not finished:
            place.remove()
        if not place.is_published:
            self._files.check(self._inputs().values())
        return finished

    def check_models(self, loaded: dict[str, Any]) -> None:
        """Check that the models on the disk are those that were loaded, as described before.

        Raises
        ------
        StorageError
            If one was changed since: labels and record would be of two models.
        """
        models = self._job["models"].items()
        changed = [name for name, model in models if loaded.get(name) != model]
        if changed:
            msg = f"model {changed[0]} was changed while images of the folder were segmented: "
            msg += f"start again, with {flag('overwrite')} to make all anew"
            raise StorageError(msg)

    def segment(
        self, movie: Movie, models: Models, progress: Progress, pool: WorkerPool | None
    ) -> None:
        """Segment the opened movie into the work folder."""
        work = self._work
        inputs = OpenInputs(movie, MovieFrames(movie, movie.ndim), None, None)
        settings = RunSettings(
            input=self._options,
            channel=self._channel,
            segmentation=self._settings,
            ome_zarr=self._files.ome_zarr,
        )
        worker = FrameWorker(inputs, settings, work, models, measures=False)
        worker.prepare()
        self._confirm_inputs()  # By now the networks are loaded, and all is open.
        if pool is None:
            work.begin(self._job)
            worker.work_through(progress)
        else:
            pool.start()
            work.begin(self._job)
            spread_frames(worker, pool, progress)
        contents = {} if self._files.record is None else self._describe_contents()
        work.confirm(self._confirm_inputs)
        cells = self._read_cells(range(movie.n_frames))
        new = work.place.new
        if self._files.cells is not None:
            write_table(new / self._files.cells.name, cells)
        if work.labels.parent != new:
            max_id = int(cells["label"].max()) if len(cells) else 0
            _write_tiff(work.labels, new / self._files.labels.name, movie, max_id)
        if self._files.record is not None:
            names = [path.name for path in self._written()]
            contents[_WRITTEN] = {name: hash_path(new / name) for name in names}
            text = json.dumps(contents, indent=1, sort_keys=True)
            write_text(new / self._files.record.name, text + "\n")
        work.mark_finished(self._whole())

    def _confirm_inputs(self) -> None:
        """Refuse inputs and models that are others than when the work began."""
        if self._describe() != self._job:
            msg = f"{self._image}, or another input, was changed while it was segmented: "
            msg += "start again"
            raise UserError(msg)

    def publish(self) -> pd.DataFrame:
        """Put the finished files in place, and give the table of cells."""
        cells = self._read_cells(self._work.done_frames())
        self._work.publish(self._files.names)
        return cells

    def close(self) -> None:
        """Let the work folder go; remove it if nothing is done in it."""
        self._work.give_up()

    def _inputs(self) -> dict[str, Path | None]:
        settings = self._settings
        return {"image": self._image, "roi": settings.roi, "shapes": settings.shape_labels}

    def _describe(self) -> dict[str, Any]:
        """Name all that the labels depend on."""
        return {
            "version": version,
            "inputs": describe_files(self._inputs()),
            "models": describe_models(self._settings),
            "settings": self._settings.model_dump(mode="json"),
            "options": self._options.model_dump(mode="json"),
            "channel": self._channel,
            "ome_zarr": self._files.ome_zarr,
        }

    def _describe_contents(self) -> dict[str, Any]:
        """Name all that the labels depend on, wherever it lies: for a record to keep."""
        job = self._describe()
        paths = {role: path for role, path in self._inputs().items() if path is not None}
        inputs = {role: hash_path(path) for role, path in paths.items() if path.exists()}
        models = {role: model["sha256"] for role, model in job["models"].items()}
        places = {n for n in job["settings"] if isinstance(getattr(self._settings, n), Path)}
        settings = {name: value for name, value in job["settings"].items() if name not in places}
        return job | {"inputs": inputs, "models": models, "settings": settings}

    def _whole(self) -> dict[str, Any]:
        return self._job | {"names": self._files.names}

    def _read_cells(self, frames: Sequence[int]) -> pd.DataFrame:
        tables = [self._work.load_frame(t)["cells"] for t in frames]
        if not tables:
            msg = f"{self._work.path}: its frames were removed meanwhile: start again"
            raise StorageError(msg)
        return join_cells(tables, "frame")


def _write_tiff(store: Path, path: Path, movie: Movie, max_id: int) -> None:
    """Write stored labels as TIFF."""
    with open_movie(store, role="labels") as labels:
        shape = (movie.n_frames, *movie.shape[2:])
        step = max(1, _SLAB // (shape[2] * shape[3]))
        rest = (slice(0, shape[2]), slice(0, shape[3]))
        frames = (
            labels.region(t, 0, (slice(z, min(z + step, shape[1])), *rest))
            for t in range(shape[0])
            for z in range(0, shape[1], step)
        )
        write_tiff_movie(path, frames, shape, movie.calibration, max_id=max_id)
