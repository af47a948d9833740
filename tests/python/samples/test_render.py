import numpy as np
import pytest
from scipy import ndimage

from btrackmate.core.errors import UserError
from btrackmate.samples.snr import measure_snr
from btrackmate_samples.render import Renderer, RenderSettings

SIZE = (3.0, 1.0, 1.0)
TWO = np.array([[24.0, 24.0, 14.0], [24.0, 24.0, 34.0]])


def settings(**changes):
    return RenderSettings.parse({"shape": (16, 48, 48), "voxel_size": SIZE, **changes})


def render(positions, labels, frame=0, **changes):
    renderer = Renderer(settings(**changes), 10.0, 100_000)
    return renderer.render(np.asarray(positions, float), np.asarray(labels), frame)


def test_cells_lie_around_their_positions():
    frame = render(TWO, [7, 3])
    assert sorted(np.unique(frame.labels)) == [0, 3, 7]
    assert frame.labels[8, 24, 14] == 7
    assert frame.labels[8, 24, 34] == 3


def test_straight_equal_cells_share_the_volume_of_the_plane_between():
    """No warp, no size variation: the wall stands at x = 24, half way."""
    labels = render(TWO, [1, 2], warp=0, size_variation=0).labels
    assert (labels[8, 24] == 1).argmin(axis=0) in (0, 25)
    assert set(labels[:, :, :24].ravel()) == {0, 1}
    assert set(labels[:, :, 25:].ravel()) == {0, 2}


def test_the_wall_is_bright_and_outside_is_dark():
    frame = render(TWO, [1, 2], warp=0, size_variation=0, attenuation=0)
    profile = frame.clean[8, 24]
    assert profile[24] > 2 * profile[14]
    assert profile[14] > profile[1]
    assert profile[1] == pytest.approx(6.0, abs=0.5)


def test_blur_is_wider_along_z():
    """A horizontal wall between stacked cells is dimmer than a vertical one."""
    flat = {"warp": 0, "size_variation": 0, "attenuation": 0, "cell_variation": 0, "shading": 0}
    vertical = render(TWO, [1, 2], **flat).clean[8, 24, 24]
    stacked = np.array([[14.0, 24, 24], [34.0, 24, 24]])
    assert vertical > 1.2 * render(stacked, [1, 2], **flat).clean[8, 24, 24]


def test_deeper_planes_are_dimmer():
    lossless = render(TWO, [1, 2], attenuation=0, background=0).clean
    lossy = render(TWO, [1, 2], attenuation=0.6, background=0).clean
    assert lossy[0] == pytest.approx(lossless[0])
    assert lossy[5] == pytest.approx(0.8 * lossless[5])
    assert lossy[15] == pytest.approx(0.4 * lossless[15])


def test_noise_is_poisson_plus_gaussian():
    """Without cells: variance = gain² (background + read noise²) + rounding 1/12."""
    frame = render(np.zeros((0, 3)), np.zeros(0, int), background=20, gain=1, read_noise=3)
    assert frame.image.mean() == pytest.approx(30, abs=0.2)
    assert frame.image.var() == pytest.approx(29 + 1 / 12, rel=0.05)
    assert frame.labels.max() == 0


def test_same_seed_same_bytes_and_another_seed_differs():
    one, two, other = (render(TWO, [1, 2], seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.labels, two.labels)
    assert not np.array_equal(one.labels, other.labels)


def test_noise_differs_between_frames():
    still = Renderer(settings(warp=0, shading=0), 10.0, 2)
    one, two = (still.render(TWO, np.array([1, 2]), frame) for frame in (0, 1))
    assert np.array_equal(one.clean, two.clean)
    assert not np.array_equal(one.image, two.image)


def test_shapes_change_little_from_frame_to_frame():
    renderer = Renderer(settings(), 10.0, 2)
    one, two = (renderer.render(TWO, np.array([1, 2]), frame).labels for frame in (0, 1))
    assert not np.array_equal(one, two)
    assert np.mean(one == two) > 0.97


def test_single_cell_and_labels_above_65535():
    frame = render(TWO[:1], [70_000])
    assert frame.labels.dtype == np.uint32
    assert frame.labels.max() == 70_000


def test_every_cell_is_one_piece():
    rng = np.random.default_rng(2)
    labels = render(rng.uniform(4, 44, size=(60, 3)), np.arange(1, 61), warp=0.3).labels
    pieces = {i: ndimage.label(labels == i)[1] for i in np.unique(labels[labels > 0])}
    assert set(pieces.values()) == {1}


def test_16_bits():
    frame = render(TWO, [1, 2], bits=16, gain=100.0)
    assert frame.image.dtype == np.uint16
    assert frame.image.max() > 255


@pytest.mark.parametrize(
    ("positions", "labels", "fault"),
    [
        (TWO, [1, 1], "a label that repeats"),
        (TWO, [0, 1], "labels from 0 to 1"),
        (TWO, [1, 100_001], "labels from 1 to 100001"),
        (TWO, [1], r"positions of shape \(2, 3\) for 1 labels"),
    ],
)
def test_cells_that_do_not_fit_are_refused(positions, labels, fault):
    with pytest.raises(UserError, match=fault):
        render(positions, labels)


def test_settings_refuse_a_voxel_size_of_zero():
    with pytest.raises(UserError, match="voxel_size"):
        settings(voxel_size=(0, 1, 1))


def walls_with_noise(contrast, noise):
    """Two cells of 20 columns that meet at x = 20; the columns 19 and 20 are the wall."""
    labels = np.ones((8, 40, 40), int)
    labels[..., 20:] = 70_000
    image = np.full(labels.shape, 100.0)
    image[..., 19:21] += contrast
    return image + np.random.default_rng(0).normal(scale=noise, size=image.shape), labels


def test_snr_is_contrast_over_noise():
    image, labels = walls_with_noise(contrast=24.0, noise=8.0)
    assert measure_snr(image, labels, (1, 1, 1)) == pytest.approx(3.0, rel=0.03)


def test_slow_shading_is_not_noise():
    image, labels = walls_with_noise(contrast=24.0, noise=8.0)
    shaded = image + np.linspace(0, 100, 40)[:, None]
    assert measure_snr(shaded, labels, (1, 1, 1)) == pytest.approx(3.0, rel=0.03)


def test_snr_of_a_movie_pools_its_frames():
    image, labels = walls_with_noise(contrast=24.0, noise=8.0)
    movie = measure_snr(np.stack([image, image]), np.stack([labels, labels]), (1, 1, 1))
    assert movie == pytest.approx(measure_snr(image, labels, (1, 1, 1)))


def test_snr_needs_touching_cells_of_the_same_shape():
    image, labels = walls_with_noise(1.0, 1.0)
    with pytest.raises(UserError, match="0 wall voxels"):
        measure_snr(image, labels * 0, (1, 1, 1))
    with pytest.raises(UserError, match="expected the same"):
        measure_snr(image[1:], labels, (1, 1, 1))
