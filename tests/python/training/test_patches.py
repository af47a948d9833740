import numpy as np
import pytest

from btrackmate.core.errors import UserError
from btrackmate.training.augmentation import Augmenter
from btrackmate.training.dataset import DataSet, Pair
from btrackmate.training.networks import measure_anisotropy
from btrackmate.training.objective import Objective
from btrackmate.training.patches import PatchSource, fit_patch
from btrackmate.training.settings import Augmentation
from btrackmate.training.targets import make_targets
from btrackmate.training.thresholds import average_score

STILL = Augmentation(
    flips=False, rotation="off", gain=0, offset=0, poisson=0, gaussian=0, noise_fraction=0
)


def pair(shape, labels=None):
    image = np.random.default_rng(0).random(shape, np.float32)
    return Pair("a", image, np.ones(shape, np.int32) if labels is None else labels, "")


def test_boundary_target_falls_from_the_wall_into_the_cell():
    """Wall between columns 2 and 3, width 2: touching voxels 1, next 0.5, then 0."""
    labels = np.array([[1, 1, 1, 2, 2, 2, 2]], np.int32)
    target = make_targets(labels, 2, boundary=True)
    assert target[0, :, 1].tolist() == [0, 0.5, 1, 1, 0.5, 0, 0]
    assert target[0, :, 0].tolist() == [1] * 7


def test_background_counts_as_a_neighbour_and_planes_above_too():
    labels = np.zeros((2, 1, 4), np.int32)
    labels[0, 0, :2] = 1
    target = make_targets(labels, 1, boundary=True)
    assert target[0, 0, :, 1].tolist() == [1, 1, 1, 0]
    assert target[1, 0, :, 1].tolist() == [1, 1, 0, 0]


def test_one_label_has_no_boundary_and_one_channel_is_foreground():
    assert not make_targets(np.ones((3, 3), np.int32), 2, boundary=True)[..., 1].any()
    assert make_targets(np.ones((3, 3), np.int32), 2, boundary=False).shape == (3, 3, 1)


def test_image_and_labels_move_together():
    labels = np.zeros((4, 8, 8), np.int32)
    labels[1, 2, 3], labels[3, 7, 0] = 1, 2
    changes = Augmentation(rotation="right-angle", gain=0, offset=0, noise_fraction=0)
    augmenter = Augmenter(changes, 3)
    seen, rng = set(), np.random.default_rng(1)
    for _ in range(20):
        image, moved = augmenter.change_pair(labels.astype(np.float32), labels, rng)
        np.testing.assert_array_equal(image, moved)
        seen.add(tuple(np.argwhere(moved == 1)[0].tolist()))
    assert len(seen) > 5


def test_any_angle_moves_targets_and_image_alike():
    image = np.zeros((2, 16, 16), np.float32)
    image[:, 4:9, 5:12] = 1
    changes = Augmentation(rotation="any", gain=0, offset=0, noise_fraction=0)
    augmenter = Augmenter(changes, 3)
    fractions, rng = set(), np.random.default_rng(3)
    for _ in range(10):
        moved, target = augmenter.change_target(image, np.stack([image, 1 - image], axis=-1), rng)
        np.testing.assert_allclose(moved, target[..., 0], atol=1e-5)
        np.testing.assert_allclose(target.sum(axis=-1), 1, atol=1e-4)
        fractions.add(bool(((moved > 0.01) & (moved < 0.99)).any()))
    assert fractions == {True, False}  # Some patches are turned by odd angles, some are not.


def test_noise_changes_grey_values_and_never_labels():
    augmenter = Augmenter(STILL.model_copy(update={"gaussian": 0.2, "noise_fraction": 1.0}), 2)
    labels = np.ones((8, 8), np.int32)
    image, same = augmenter.change_pair(
        np.ones((8, 8), np.float32), labels, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(same, labels)
    assert image.std() > 0.001


def test_still_settings_change_nothing():
    image = np.random.default_rng(0).random((4, 8, 8), np.float32)
    changed, _ = Augmenter(STILL, 3).change_pair(
        image, np.ones((4, 8, 8), np.int32), np.random.default_rng(0)
    )
    np.testing.assert_array_equal(changed, image)


def keep(image, target, _rng):
    return image, (target,)


def test_patches_are_seeded_and_show_image_and_target_of_one_place():
    image = np.arange(8 * 8, dtype=np.float32).reshape(8, 8)
    target = np.stack([image, -image], axis=-1)
    source = PatchSource([image], [target], (4, 4), keep, seed=5)
    first = source.batch(0, 6)
    again = PatchSource([image], [target], (4, 4), keep, seed=5).batch(0, 6)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[0][..., 0], first[1][..., 0])
    assert first[0].shape == (6, 4, 4, 1)
    assert len(np.unique(first[0][:, 0, 0, 0])) > 1


def test_batches_from_the_middle_are_those_that_come_there():
    """What a resumed training sees."""
    image = np.random.default_rng(0).random((16, 16), np.float32)
    source = PatchSource([image, image + 1, image + 2], [image] * 3, (4, 4), keep, seed=5)
    whole = source.batches(2)
    seen = [next(whole)[0] for _ in range(5)]
    later = source.batches(2, 3)
    np.testing.assert_array_equal(next(later)[0], seen[3])
    np.testing.assert_array_equal(next(later)[0], seen[4])
    assert not np.array_equal(seen[3], seen[4])


def test_every_image_is_drawn_once_before_any_is_drawn_again():
    images = [np.full((4, 4), i, np.float32) for i in range(6)]
    source = PatchSource(images, images, (2, 2), keep, seed=0)
    rounds = [source.batch(i, 6)[0][:, 0, 0, 0].tolist() for i in range(3)]
    assert all(sorted(drawn) == [0, 1, 2, 3, 4, 5] for drawn in rounds)
    assert rounds[0] != rounds[1]


def test_several_targets_are_stacked_apart():
    image = np.zeros((4, 4), np.float32)
    source = PatchSource([image], [image], (2, 2), lambda i, t, _: (i, (t, t[..., None])), seed=0)
    _, targets = source.batch(0, 3)
    assert [target.shape for target in targets] == [(3, 2, 2), (3, 2, 2, 1)]


def test_patches_prefer_foreground():
    """Cells fill an eighth of the image: most patches still hold some."""
    labels = np.zeros((8, 64), np.int32)
    labels[:, :8] = 1
    for target in (labels, labels[..., None].astype(np.float32)):
        source = PatchSource([np.zeros((8, 64), np.float32)], [target], (8, 8), keep, seed=0)
        assert (source.batch(0, 40)[1].reshape(40, -1).any(axis=1)).mean() > 0.5


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ((16, 64, 64), r"larger than the smallest .*\(9, 40, 30\).*patch_size=.8,40,24."),
        ((8, 36, 24), "not a multiple of .*patch_size=.8,32,24."),
        ((8, 8, 4), r"smaller than \(4, 8, 8\)"),
    ],
)
def test_patch_that_does_not_fit_is_refused_and_one_that_does_is_named(patch, message):
    images = (pair((9, 40, 128)), pair((20, 64, 30)))
    with pytest.raises(UserError, match=message):
        fit_patch(patch, images, (4, 8, 8))
    assert fit_patch((8, 40, 24), images, (4, 8, 8)) == (8, 40, 24)


def test_image_below_the_divisor_is_refused():
    with pytest.raises(UserError, match=r"\(3, 40, 40\) voxels, the network needs at least"):
        fit_patch((16, 32, 32), (pair((3, 40, 40)),), (4, 8, 8))


def test_anisotropy_is_measured_from_the_cells():
    labels = np.zeros((6, 20, 20), np.int32)
    labels[0:2, 0:8, 0:8], labels[3:5, 10:18, 10:18] = 1, 2
    assert measure_anisotropy(DataSet((pair(labels.shape, labels),), ())) == (4.0, 1.0, 1.0)


def test_anisotropy_without_cells_is_refused():
    labels = np.zeros((6, 20, 20), np.int32)
    with pytest.raises(UserError, match="no cell"):
        measure_anisotropy(DataSet((pair(labels.shape, labels),), ()))


def test_f1_is_pooled_over_images_and_averaged_over_thresholds():
    """One cell found with IoU 0.6, one missed: F1 2/3 at 0.3 and 0.5, 0 at 0.7."""
    truth = np.array([[1, 1, 1, 1, 1, 0, 2, 2]])
    result = np.array([[3, 3, 3, 0, 0, 0, 0, 0]])
    f1, ap = Objective(), Objective(metric="ap", iou=(0.5,))
    assert average_score([(truth, result)], f1) == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert average_score([(truth, truth)], f1) == 1
    assert average_score([(truth, result)] * 2, ap) == pytest.approx(1 / 2)
