"""Segmenting movies frame by frame; the networks are replaced by a threshold, the rest is real."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy import ndimage
from tiny_movies import dividing_cells, write_imagej

from btrackmate.core.errors import StorageError, UserError
from btrackmate.core.progress import Progress, ignore_progress
from btrackmate.io.images import hash_path, open_movie
from btrackmate.io.units import NgffVersion
from btrackmate.pipeline import frames, run, segmenting, segmenting_folders
from btrackmate.pipeline.inputs import RunInputs
from btrackmate.pipeline.segmenting import LabelFiles, segment_movie
from btrackmate.pipeline.segmenting_folders import segment_folder
from btrackmate.pipeline.settings import InputSettings, RunSettings
from btrackmate.segmentation import Models, SegmentationResult, SegmentationSettings
from btrackmate.segmentation.backend import SHIPPED_MODELS


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Segment by a threshold at 50; list the shapes of what was segmented."""
    shapes: list[tuple[int, ...]] = []

    def segment(image: Any, *_: Any) -> SegmentationResult:
        shapes.append(image.shape)
        labels, n = ndimage.label(image > 50)
        ids = np.arange(1, n + 1)
        cells = pd.DataFrame(
            {
                "label": ids,
                "origin": np.full(n, "stardist"),
                "score": np.full(n, 0.9),
                "agreement": np.full(n, 0.8),
                "voxels": np.bincount(labels.ravel())[1:],
            }
        )
        return SegmentationResult(labels.astype(np.uint32), cells, labels > 0, None, None, None)

    monkeypatch.setattr(frames, "segment_frame", segment)
    for module in (segmenting, segmenting_folders, run):
        monkeypatch.setattr(module, "load_models", lambda _: Models(None, None))
    return shapes


@pytest.mark.parametrize(
    ("ending", "version"), [("tif", "0.4"), ("ome.zarr", "0.4"), ("ome.zarr", "0.5")]
)
def test_movie_to_label_file(
    tmp_path: Path,
    image_3d: Path,
    calls: list[tuple[int, ...]],
    ending: str,
    version: NgffVersion,
) -> None:
    out = tmp_path / f"labels.{ending}"
    files = LabelFiles(out, ome_zarr=version)
    cells = segment_movie(image_3d, files, SegmentationSettings(), InputSettings())
    assert (out / "zarr.json").exists() == (version == "0.5")
    labels = open_movie(out, role="labels")
    assert labels.shape == (6, 1, 6, 24, 24)
    assert (labels.calibration.dx, labels.calibration.dz, labels.calibration.dt) == (0.5, 2.0, 3.0)
    np.testing.assert_array_equal(labels.labels(4) > 0, dividing_cells()[4] > 0)
    assert cells.groupby("frame").size().tolist() == [2, 2, 2, 3, 3, 3]
    assert calls == [(6, 24, 24)] * 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.tif", out.name]


def test_single_volume_needs_no_time_axis(tmp_path: Path, calls: list[tuple[int, ...]]) -> None:
    volume = np.where(dividing_cells()[0] > 0, 100, 0).astype(np.uint8)
    path = write_imagej(tmp_path / "v.tif", volume, "ZYX")
    segment_movie(path, tmp_path / "l.tif", SegmentationSettings(), InputSettings())
    assert calls == [(6, 24, 24)]
    assert tifffile.imread(tmp_path / "l.tif").max() == 2


def test_channel_is_chosen(tmp_path: Path, calls: list[tuple[int, ...]]) -> None:
    labels = dividing_cells()[:, 2]
    movie = np.stack([np.zeros_like(labels), (labels > 0) * 100], axis=1).astype(np.uint8)
    path = write_imagej(tmp_path / "c.tif", movie, "TCYX")
    options = InputSettings()
    assert len(segment_movie(path, tmp_path / "a.tif", SegmentationSettings(), options)) == 0
    cells = segment_movie(path, tmp_path / "b.tif", SegmentationSettings(), options, channel=2)
    assert len(cells) == 15
    assert calls[0] == (24, 24)
    with pytest.raises(UserError, match="no channel 3"):
        segment_movie(path, tmp_path / "c2.tif", SegmentationSettings(), options, channel=3)


def test_stopped_segmentation_goes_on(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]]
) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if step == "segmenting" and done == 4:
            raise KeyboardInterrupt

    out = tmp_path / "labels.tif"
    arguments = (image_3d, out, SegmentationSettings(), InputSettings())
    with pytest.raises(KeyboardInterrupt):
        segment_movie(*arguments, progress=stop)
    assert not out.exists()
    cells = segment_movie(*arguments)
    assert len(calls) == 6, "the four finished frames are not done twice"
    assert cells["frame"].nunique() == 6


@pytest.mark.usefixtures("plain_report")
@pytest.mark.parametrize("verb", ["segment", "run"])
def test_what_was_made_meanwhile_is_not_replaced(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch, verb: str,
) -> None:  # fmt: skip
    """Another job, with the same output by a slip, has ended since this one began."""
    theirs = tmp_path / ("l.tif" if verb == "segment" else "out/run.yaml")

    def make(step: str, done: int, total: int) -> None:
        if step == "segmenting" and done == 4:
            theirs.write_text("theirs")

    monkeypatch.setattr(run, "describe_models", lambda _: {})
    with pytest.raises(UserError, match="made by somebody else|overwrite=True"):
        if verb == "segment":
            files = LabelFiles(theirs, theirs.with_name("c.csv"))
            segment_movie(image_3d, files, SegmentationSettings(), InputSettings(), progress=make)
        else:
            settings = RunSettings.parse({"tracker": "nearest"})
            run.run(RunInputs(image=image_3d), theirs.parent, settings, progress=make)
    assert theirs.read_text() == "theirs"


def test_frames_of_another_version_are_not_gone_on_from(
    tmp_path: Path,
    image_3d: Path,
    calls: list[tuple[int, ...]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stop(step: str, done: int, total: int) -> None:
        if step == "segmenting" and done == 4:
            raise KeyboardInterrupt

    options = (SegmentationSettings(), InputSettings())
    out = tmp_path / "labels.ome.zarr"
    with pytest.raises(KeyboardInterrupt):
        segment_movie(image_3d, LabelFiles(out), *options, progress=stop)
    cells = segment_movie(image_3d, LabelFiles(out, ome_zarr="0.5"), *options)
    assert "had other settings" in caplog.text
    assert (len(calls), cells["frame"].nunique()) == (4 + 6, 6)
    assert (out / "zarr.json").exists() and not (out / ".zattrs").exists()
    with open_movie(out, role="labels") as labels:
        np.testing.assert_array_equal(labels.labels(4) > 0, dividing_cells()[4] > 0)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["segment", "run"])
def test_frames_of_other_thresholds_are_not_gone_on_from(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]], verb: str
) -> None:
    """A movie's frames are all segmented with one thresholds.json, that of the end."""
    models = tmp_path / "models"
    shutil.copytree(SHIPPED_MODELS, models)
    settings = SegmentationSettings(model_dir=models)

    def stop(step: str, done: int, total: int) -> None:
        if step == "segmenting" and done == 4:
            raise KeyboardInterrupt

    def start(progress: Progress) -> None:
        if verb == "segment":
            out = tmp_path / "labels.tif"
            segment_movie(image_3d, out, settings, InputSettings(), progress=progress)
        else:
            whole = RunSettings(segmentation=settings)
            run.run(RunInputs(image=image_3d), tmp_path / "out", whole, progress=progress)

    with pytest.raises(KeyboardInterrupt):
        start(stop)
    (models / "unet/thresholds.json").write_text('{"foreground": 0.3}')
    start(ignore_progress)
    assert len(calls) == 4 + 6


@pytest.mark.parametrize(("bad", "left"), [(0, 0), (2, 2)])
def test_finished_frames_alone_are_kept_after_an_error(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch,
    bad: int, left: int,
) -> None:  # fmt: skip
    """An error in the first frame leaves no hidden folder behind."""
    segment = frames.segment_frame

    def segment_or_fail(*arguments: Any) -> SegmentationResult:
        if len(calls) == bad:
            msg = "does not fit"
            raise UserError(msg)
        return segment(*arguments)

    monkeypatch.setattr(frames, "segment_frame", segment_or_fail)
    with pytest.raises(UserError, match="does not fit"):
        segment_movie(image_3d, tmp_path / "l.tif", SegmentationSettings(), InputSettings())
    kept = tmp_path / ".l.tif.work"
    assert kept.exists() == (left > 0)
    assert len(list(kept.glob("frames/*/*.npz"))) == left


def test_the_table_of_cells_stands_beside_the_labels(tmp_path: Path) -> None:
    """It was put under its name into the folder of the labels, in place of another's file."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/c.csv").write_text("notes", encoding="ascii")
    files = LabelFiles(tmp_path / "labels/l.tif", tmp_path / "c.csv")
    with pytest.raises(UserError, match=r"c.csv: it is put in place together with the labels"):
        files.check([])
    LabelFiles(tmp_path / "labels/l.tif", tmp_path / "labels/d.csv").check([])


@pytest.fixture
def half_done(tmp_path: Path, calls: list[tuple[int, ...]]) -> Path:
    """A folder of images, and labels of the first, as the second was damaged and then mended."""
    (tmp_path / "images").mkdir()
    for name, t in (("a", 0), ("b", 4)):
        volume = np.where(dividing_cells()[t] > 0, 100, 0).astype(np.uint8)
        write_imagej(tmp_path / "images" / f"{name}.tif", volume, "ZYX")
    whole = (tmp_path / "images/b.tif").read_bytes()
    (tmp_path / "images/b.tif").write_bytes(whole[:3000])
    with pytest.raises(UserError, match=r"b\.tif"):
        segment_folder(*_folders(tmp_path), SegmentationSettings(), InputSettings())
    (tmp_path / "images/b.tif").write_bytes(whole)
    return tmp_path


def _folders(path: Path) -> tuple[Path, Path]:
    return path / "images", path / "labels"


def test_a_mended_image_alone_is_segmented(half_done: Path, calls: list[tuple[int, ...]]) -> None:
    """The folder was moved meanwhile, and what was done holds."""
    moved = half_done.parent / f"{half_done.name}-moved"
    half_done.rename(moved)
    cells = segment_folder(*_folders(moved), SegmentationSettings(), InputSettings())
    assert len(calls) == 2
    assert cells.groupby("file").size().to_dict() == {"a.tif": 2, "b.tif": 3}


@pytest.mark.parametrize("name", ["images/a.tif", "labels/a.cells.csv", "labels/b.tif"])
def test_the_table_of_all_images_is_none_of_them(half_done: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in half_done.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=r"is an input|are one file"):
        segment_folder(
            *_folders(half_done), SegmentationSettings(), InputSettings(), table=half_done / name
        )
    assert before == {path: path.read_bytes() for path in half_done.rglob("*") if path.is_file()}


@pytest.mark.parametrize("other", ["image", "settings", "model", "record"])
def test_labels_of_another_image_or_settings_are_not_taken_for_these(
    half_done: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    settings = SegmentationSettings(min_size=9 if other == "settings" else 50)
    if other == "image":
        images = half_done / "images"
        (images / "a.tif").write_bytes((images / "b.tif").read_bytes())
    if other == "model":
        made = {"unet": {"path": "m", "sha256": "0"}}
        for module in (segmenting, segmenting_folders):
            monkeypatch.setattr(module, "describe_models", lambda _: made)
    if other == "record":
        (half_done / "labels/a.segment.json").write_text("{")
    before = (half_done / "labels/a.tif").read_bytes()
    with pytest.raises(UserError, match=rf"a\.tif is there already.* other [^,]*{other}"):
        segment_folder(*_folders(half_done), settings, InputSettings())
    assert (half_done / "labels/a.tif").read_bytes() == before
    assert not (half_done / "labels/b.tif").exists()
    segment_folder(*_folders(half_done), settings, InputSettings(), overwrite=True)
    assert len(calls) == 3


def test_a_model_that_is_renewed_between_images_is_noticed(
    half_done: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else labels of the old one had the hash of the new one in their record."""
    models = iter(["old", "new"])

    def describe(_: object) -> dict[str, dict[str, str]]:
        return {"unet": {"path": "m", "sha256": next(models, "new")}}

    monkeypatch.setattr(segmenting_folders, "describe_models", describe)
    monkeypatch.setattr(segmenting, "describe_models", describe)
    (half_done / "images/a.tif").unlink()
    with pytest.raises(StorageError, match="model unet was changed while images of the folder"):
        segment_folder(
            *_folders(half_done), SegmentationSettings(), InputSettings(), skip_bad_files=True
        )
    assert len(calls) == 1
    assert not (half_done / "labels/b.tif").exists()


def test_labels_without_a_record_are_not_taken(
    half_done: Path, calls: list[tuple[int, ...]]
) -> None:
    """A single segmentation of other settings, or drawn by hand: nothing tells."""
    (half_done / "labels/a.segment.json").unlink()
    before = (half_done / "labels/a.tif").read_bytes()
    with pytest.raises(UserError, match=r"a\.tif is there already, and no a\.segment\.json tells"):
        segment_folder(*_folders(half_done), SegmentationSettings(), InputSettings())
    assert (half_done / "labels/a.tif").read_bytes() == before
    segment_folder(*_folders(half_done), SegmentationSettings(), InputSettings(), overwrite=True)
    assert len(calls) == 3


@pytest.mark.parametrize("name", ["a.tif", "a.cells.csv"])
def test_labels_changed_by_hand_are_kept_and_told(
    half_done: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = half_done / "labels" / name
    if name == "a.tif":
        labels = tifffile.imread(path)
        labels[labels == labels.max()] = 0
        tifffile.imwrite(path, labels)
    else:
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    before = path.read_bytes()
    segment_folder(*_folders(half_done), SegmentationSettings(), InputSettings())
    assert path.read_bytes() == before
    assert f"{path} was changed since it was made" in caplog.text


def test_labels_of_an_image_that_is_gone_are_told(
    half_done: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (half_done / "images/a.tif").unlink()
    segment_folder(*_folders(half_done), SegmentationSettings(), InputSettings())
    assert "labels of 1 images that are not in" in caplog.text
    assert (half_done / "labels/a.tif").exists()


@pytest.mark.parametrize("verb", ["segment", "run"])
@pytest.mark.parametrize("when", ["loading", "segmenting"])
def test_frames_of_a_model_that_was_replaced_and_put_back_are_not_kept(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch,
    verb: str, when: str,
) -> None:  # fmt: skip
    models, kept = tmp_path / "m", tmp_path / "kept"
    shutil.copytree(SHIPPED_MODELS, models)
    chosen = SegmentationSettings(model_dir=models)

    def replace() -> None:
        if not kept.exists():
            shutil.copytree(models, kept)
            (models / "unet" / "thresholds.json").write_text('{"foreground": 0.1}')

    def load(_: SegmentationSettings) -> Models:
        if when == "loading":
            replace()
        return Models(None, None)

    def tell(step: str, done: int, _: int) -> None:
        if when == "segmenting" and step == "segmenting" and done == 2:
            replace()

    def work(progress: Progress) -> None:
        if verb == "run":
            settings = RunSettings(segmentation=chosen)
            run.run(RunInputs(image=image_3d), tmp_path / "out", settings, progress=progress)
        else:
            segment_movie(image_3d, tmp_path / "l.tif", chosen, InputSettings(), progress=progress)

    with monkeypatch.context() as patch:
        for module in (segmenting, run):
            patch.setattr(module, "load_models", load)
        with pytest.raises(UserError, match="was changed while"):
            work(tell)
    n_before = len(calls)
    assert (n_before == 0) == (when == "loading")
    shutil.rmtree(models)
    kept.rename(models)
    work(ignore_progress)
    assert len(calls) == n_before + 6


def test_other_ending_is_refused(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]]
) -> None:
    with pytest.raises(UserError, match=r"\.tif or \.ome\.zarr"):
        segment_movie(image_3d, tmp_path / "l.png", SegmentationSettings(), InputSettings())
    assert calls == []


@pytest.mark.usefixtures("plain_report")
def test_run_segments_stores_labels_and_keeps_the_origin(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "describe_models", lambda _: {})
    settings = RunSettings.parse(
        {"tracker_settings": {"linking_max_distance": 5, "splitting_max_distance": 5}}
    )
    result = run.run(RunInputs(image=image_3d), tmp_path / "out", settings)
    store = open_movie(tmp_path / "out" / "labels.ome.zarr", role="labels")
    assert store.shape == (6, 1, 6, 24, 24)
    spots = result.graph.spots.table
    assert set(spots["origin"]) == {frames.ORIGINS.index("stardist")}
    assert set(spots["agreement"]) == {0.8}
    assert len(result.graph.divisions) == 1
    assert not (tmp_path / "out" / ".work").exists()
    assert not (tmp_path / "out" / "labels.ome.zarr" / ".btrackmate").exists()
    newer = settings.model_copy(update={"ome_zarr": "0.5"})
    again = run.run(RunInputs(image=image_3d), tmp_path / "newer", newer)
    assert again.record["settings"]["ome_zarr"] == "0.5"
    assert (tmp_path / "newer" / "labels.ome.zarr" / "zarr.json").exists()
    for name in ("spots.csv", "tracked_spots.csv"):
        assert (tmp_path / "newer" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


@pytest.mark.slow
def test_run_links_the_labels_that_it_segments_by_overlap(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doubled, the cell that divides overlaps each daughter by 3.5 of 10.5 pixels along x."""
    monkeypatch.setattr(run, "describe_models", lambda _: {})
    settings = RunSettings(tracker="overlap", tracker_settings={"scale_factor": 2})
    result = run.run(RunInputs(image=image_3d), tmp_path / "out", settings)
    assert result.graph.n_links == 13
    assert result.graph.spots.frame[result.graph.divisions].tolist() == [2]


@pytest.mark.usefixtures("plain_report")
def test_a_record_names_all_files_for_any_folder(
    tmp_path: Path, image_3d: Path, calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As settings of another run, from another folder, too."""
    monkeypatch.setattr(run, "describe_models", lambda _: {})
    monkeypatch.chdir(tmp_path)
    write_imagej(tmp_path / "roi.tif", np.ones((6, 24, 24), np.uint8), "ZYX")
    settings = RunSettings.parse({"segmentation": {"roi": "roi.tif"}})
    record = run.run(RunInputs(image=image_3d), tmp_path / "out", settings).record
    path = tmp_path / "roi.tif"
    assert record["settings"]["segmentation"]["roi"] == str(path)
    assert record["inputs"]["roi"] == {"path": str(path), "sha256": hash_path(path)}
    assert RunSettings.parse(record["settings"]).segmentation.roi == path
