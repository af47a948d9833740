import itertools

import numpy as np
import pytest
import tifffile
import yaml

from btrackmate.core.calibration import Calibration
from btrackmate.core.errors import UserError
from btrackmate.samples import load_ovule, load_sample, measure_snr, sample_paths, split_ovule
from btrackmate.samples.files import write_stack
from btrackmate.samples.sample import SamplePaths, write_sample
from btrackmate_samples.make_sample import main as make_sample
from btrackmate_samples.make_training_set import main as make_training_set
from btrackmate_samples.movie import (
    MovieSettings,
    draw_mask,
    make_movie,
    place_lineage,
    render_frames,
)
from btrackmate_samples.training_set import TRAINING_FRAMES, make_training_volumes

TINY = "first: 53\nlast: 54\nrender: {shape: [10, 40, 40], voxel_size: [14, 5, 5], seed: 3}\n"


@pytest.fixture(scope="module")
def sample():
    return load_sample()


def test_shipped_movie_is_what_the_demo_needs(sample):
    assert sample.image.shape == sample.truth.shape == (10, 32, 152, 152)
    assert sample.image.dtype == np.uint8
    assert sample.mask.shape == (32, 152, 152)
    assert sample.n_divisions == 64
    assert sum(path.stat().st_size for path in vars(sample_paths()).values()) < 5_000_000


@pytest.mark.slow
def test_shipped_movie_has_a_signal_to_noise_of_at_most_3(sample):
    spacing = sample.calibration.dz, sample.calibration.dy, sample.calibration.dx
    ratios = [measure_snr(*pair, spacing) for pair in zip(sample.image, sample.truth, strict=True)]
    assert 2.5 < min(ratios)
    assert max(ratios) <= 3.0


def test_every_real_position_lies_in_its_own_cell(sample):
    table = sample.positions
    spacing = np.array(sample.calibration.spacing(3))
    index = np.rint(table[["z", "y", "x"]].to_numpy() / spacing).astype(int)
    found = sample.truth[(table["frame"].to_numpy(), *index.T)]
    assert (found == table["tracklet"]).all()


def test_labels_appear_in_the_frames_that_man_track_says(sample):
    present = [set(np.unique(frame)) - {0} for frame in sample.truth]
    for row in sample.man_track.itertuples():
        frames = [t for t, labels in enumerate(present) if row.L in labels]
        assert frames == list(range(row.B, row.E + 1))


def test_cells_are_large_enough_and_some_lie_outside_the_mask(sample):
    sizes = np.array([np.bincount(frame.ravel(), minlength=1) for frame in sample.truth[-1:]])[0]
    assert np.median(sizes[1:][sizes[1:] > 0]) > 1000
    untouched = [len(np.setdiff1d(frame, frame[sample.mask > 0])) for frame in sample.truth]
    assert min(untouched) >= 2
    assert sum(untouched) >= 20


@pytest.mark.slow
def test_shipped_movie_is_what_the_code_makes(sample):
    """First frame only; noise may differ between machines, so it is compared by its mean."""
    settings = MovieSettings()
    frame = next(iter(render_frames(place_lineage(settings), settings.render)))
    assert np.mean(frame.labels == sample.truth[0]) > 0.9999
    assert frame.image.mean() == pytest.approx(sample.image[0].mean(), abs=0.05)


def test_shipped_files_name_axes_and_calibration():
    with tifffile.TiffFile(sample_paths().image) as file:
        assert file.series[0].axes == "TZYX"
        metadata = file.imagej_metadata
        assert (metadata["spacing"], metadata["unit"]) == (4.5, "um")
        assert (metadata["finterval"], metadata["tunit"]) == (2.0, "min")
        assert file.pages[0].tags["XResolution"].value == (10, 13)


@pytest.mark.slow
def test_make_sample_gives_the_same_bytes_twice(tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(TINY)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        assert make_sample(["-o", str(folder), "--config", str(config)]) == 0
    for first, second in zip(
        *(vars(SamplePaths.in_folder(folder)).values() for folder in folders), strict=True
    ):
        assert first.read_bytes() == second.read_bytes()


def test_a_written_movie_is_loaded_as_it_was(tmp_path):
    movie = make_movie(MovieSettings.parse(yaml.safe_load(TINY)))
    loaded = load_sample(write_sample(movie, tmp_path))
    for name in ("image", "truth", "mask"):
        assert np.array_equal(getattr(loaded, name), getattr(movie, name))
    assert loaded.calibration == movie.calibration
    assert loaded.man_track.equals(movie.man_track)
    assert np.allclose(loaded.positions, movie.positions, atol=0.001)


def test_an_array_that_imagej_cannot_hold_is_refused(tmp_path):
    labels = np.full((2, 3, 4), 70_000, np.uint32)
    with pytest.raises(UserError, match="expected uint8 or uint16"):
        write_stack(tmp_path / "a.tif", labels, Calibration())


def test_make_sample_does_not_overwrite(tmp_path, caplog):
    (tmp_path / "embryo.tif").write_bytes(b"mine")
    assert make_sample(["-o", str(tmp_path)]) == 2
    assert (tmp_path / "embryo.tif").read_bytes() == b"mine"
    assert "exists already" in caplog.text


def test_a_field_of_view_that_is_too_small_is_refused():
    settings = MovieSettings.parse({"render": {"shape": (10, 40, 40)}})
    with pytest.raises(UserError, match="give a larger shape or voxel_size"):
        make_movie(settings)


def test_mask_leaves_out_one_end():
    """A bar from x = 4 to 95; a cut of a quarter leaves out x below about 27."""
    truth = np.zeros((2, 24, 40, 100), int)
    truth[0, 2:22, 5:35, 4:95] = 1
    mask = draw_mask(truth, (1, 1, 1), 0.25)
    columns = np.nonzero(mask.any(axis=(0, 1)))[0]
    assert 24 <= columns.min() <= 30
    assert columns.max() >= 94
    assert draw_mask(truth, (1, 1, 1), 0.0)[12, 20, 5] == 1


def test_mask_of_nothing_is_empty():
    assert draw_mask(np.zeros((1, 4, 8, 8), int), (1, 1, 1), 0.2).max() == 0


def test_training_frames_are_none_of_the_shipped_movie():
    settings = MovieSettings()
    assert not set(TRAINING_FRAMES) & set(range(settings.first, settings.last + 1))


@pytest.mark.slow
def test_training_volumes_differ_and_can_be_made_again():
    small = {"shape": (8, 48, 48)}
    first = list(make_training_volumes(3, seed=9, **small))
    again = list(make_training_volumes(2, seed=9, **small))
    other = next(iter(make_training_volumes(1, seed=10, **small)))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, again, strict=False))
    for a, b in itertools.combinations([*first, other], 2):
        assert a.seed != b.seed
        assert not np.array_equal(a.labels, b.labels)
    assert all(volume.frame in TRAINING_FRAMES for volume in first)
    assert all(volume.labels.max() > 0 for volume in first)


def test_no_volumes_are_refused():
    with pytest.raises(UserError, match="0 volumes"):
        list(make_training_volumes(0))


def test_training_set_has_the_same_names_in_both_folders(tmp_path):
    folder = tmp_path / "set"
    assert make_training_set(["-o", str(folder), "--n", "2", "--shape", "6,40,40"]) == 0
    raw, truth = (
        sorted(path.name for path in (folder / part).iterdir()) for part in ("Raw", "Segmentation")
    )
    assert raw == truth
    assert len(raw) == 2
    assert tifffile.imread(folder / "Raw" / raw[0]).shape == (6, 40, 40)


@pytest.mark.parametrize("shape", ["6,40", "6,40,0", "a,b,c"])
def test_training_set_refuses_a_wrong_shape(tmp_path, shape, caplog):
    assert make_training_set(["-o", str(tmp_path / "set"), "--shape", shape]) == 2
    assert not (tmp_path / "set").exists()
    assert "three whole numbers" in caplog.text


def test_ovule_has_its_voxel_size_and_no_scraps():
    stack = load_ovule()
    assert stack.image.shape == stack.labels.shape == (32, 128, 128)
    assert stack.calibration.spacing(3) == (0.235, 0.15, 0.15)
    assert np.bincount(stack.labels.ravel())[1:].max() == 58_115
    assert all(count == 0 or count >= 100 for count in np.bincount(stack.labels.ravel())[1:])
    assert len(np.unique(load_ovule(min_size=1).labels)) == 51


def test_halves_of_the_ovule_share_no_voxel_and_name_the_cut_cells():
    halves = split_ovule()
    assert halves.train.image.shape == halves.test.image.shape == (32, 128, 64)
    assert halves.n_unseen == 15
    assert halves.shared == set(halves.train.labels.ravel()) & set(halves.test.labels.ravel()) - {0}


def test_cut_cells_are_taken_out_of_truth_and_result():
    halves = split_ovule()
    truth, result = halves.drop_shared(halves.test.labels.astype(np.uint32) + 70_000)
    assert len(np.unique(truth)) == 16
    kept = set(np.unique(result)) - {0, 70_000}
    assert kept == {int(label) + 70_000 for label in np.unique(truth) if label}
    assert result.dtype == np.uint32
