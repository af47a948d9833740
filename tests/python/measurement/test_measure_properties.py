"""Random label images against scikit-image and brute force."""

import math

import numpy as np
import pytest
from scipy.ndimage import label as label_pieces
from skimage.measure import regionprops_table

from btrackmate.core.calibration import Calibration
from btrackmate.measurement import MaskSettings, MeasureSettings, apply_mask, measure_distance
from btrackmate.measurement.labels import measure_frame

CASES = [
    ((7, 11, 19), (3.0, 0.5, 0.7), np.uint16),
    ((5, 9, 64), (1.0, 1.0, 1.0), np.int32),
    ((23, 17), (0.25, 2.0), np.uint8),
    ((1, 13, 8), (2.0, 1.0, 1.0), np.uint16),
]


def random_labels(rng, shape, ids):
    """Blocky labels: runs of different lengths, cells in several pieces, ids with gaps."""
    coarse = rng.integers(0, len(ids) + 2, [-(-n // 3) for n in shape])
    for axis, n in enumerate(shape):
        coarse = np.repeat(coarse, 3, axis=axis).take(range(n), axis=axis)
    noise = rng.random(shape) < 0.1
    coarse[noise] = rng.integers(0, len(ids) + 2, noise.sum())
    return np.array([0, 0, *ids])[coarse]


@pytest.mark.parametrize(("shape", "spacing", "image_type"), CASES)
@pytest.mark.parametrize("seed", range(3))
def test_equals_scikit_image(shape, spacing, image_type, seed):
    rng = np.random.default_rng(seed)
    labels = random_labels(rng, shape, [1, 2, 7, 300, 65_535, 65_536, 100_000])
    image = rng.integers(0, 250, shape).astype(image_type)
    dz, dy, dx = (1.0, *spacing)[-3:]
    settings = MeasureSettings(bounding_box=True)
    table = measure_frame(labels, image[None], Calibration(dx, dy, dz), settings)
    expected = regionprops_table(
        labels,
        image,
        properties=("label", "num_pixels", "centroid", "bbox", "intensity_min", "intensity_max",
                    "intensity_mean", "area", "coords", "image_intensity"),
        spacing=spacing,
    )  # fmt: skip
    ndim = len(shape)
    assert table["label"].tolist() == expected["label"].tolist()
    assert table["voxels"].tolist() == expected["num_pixels"].tolist()
    np.testing.assert_allclose(table["volume"], expected["area"])
    for axis, letter in enumerate("zyx"[3 - ndim :]):
        np.testing.assert_allclose(table[letter], expected[f"centroid-{axis}"])
        assert table[f"box_min_{letter}"].tolist() == expected[f"bbox-{axis}"].tolist()
        last = expected[f"bbox-{ndim + axis}"] - 1
        assert table[f"box_max_{letter}"].tolist() == last.tolist()
    for kind in ("mean", "min", "max"):
        np.testing.assert_allclose(table[f"{kind}_intensity_ch1"], expected[f"intensity_{kind}"])
    for row, coords in zip(table.to_dict("records"), expected["coords"], strict=True):
        check_cell(row, labels, image, coords, np.array(spacing))


def check_cell(row, labels, image, coords, spacing):
    """Compare what scikit-image lacks with its definition."""
    ndim = len(spacing)
    values = np.sort(image[tuple(np.asarray(coords).T)].astype(float))
    assert row["total_intensity_ch1"] == values.sum()
    assert row["median_intensity_ch1"] == values[values.size // 2]
    if values.size > 1:
        assert row["std_intensity_ch1"] == pytest.approx(values.std(ddof=1), rel=1e-12, abs=1e-12)
    covariance = np.cov((coords * spacing).T, bias=True) + np.diag(spacing**2 / 12)
    scale = math.sqrt(5) if ndim == 3 else 2
    axes = scale * np.sqrt(np.linalg.eigvalsh(covariance)[::-1])
    np.testing.assert_allclose([row[f"ellipsoid_{letter}"] for letter in "abc"[:ndim]], axes)
    cell = np.pad(labels == row["label"], 1)
    _, pieces = label_pieces(cell, np.ones([3] * ndim))
    assert row["components"] == pieces
    faces = [np.diff(cell.astype(int), axis=axis) != 0 for axis in range(ndim)]
    areas = [f.sum() * spacing.prod() / spacing[axis] for axis, f in enumerate(faces)]
    if ndim == 3:
        assert row["surface"] == pytest.approx(2 / 3 * sum(areas))
    else:
        assert row["perimeter"] == pytest.approx(math.pi / 4 * sum(areas))


@pytest.mark.parametrize("image_type", ["uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("spread", [1, 30, 30_000])
def test_median_and_std_of_large_cells(image_type, spread):
    """Large cells take the histogram; few, many, and far-off values."""
    rng = np.random.default_rng(spread)
    labels = np.repeat([[5, 9, 0, 6]], 50, axis=0).repeat(60, axis=1)
    image = np.abs(rng.normal(0, spread, labels.shape)).astype(image_type)
    image[0, 0] = 32_767
    table = measure_frame(labels, image[None], Calibration())
    for row in table.to_dict("records"):
        values = np.sort(image[labels == row["label"]].astype(np.float64))
        assert row["median_intensity_ch1"] == values[values.size // 2]
        assert row["std_intensity_ch1"] == pytest.approx(values.std(ddof=1), rel=1e-9)


def test_std_keeps_its_precision_beside_a_large_offset():
    """Values 16,777,216 ± 1: the one-pass formula in float64 would be 0.002 % off."""
    labels = np.ones((1, 1000), np.uint8)
    image = np.tile(np.array([2.0**40 - 1, 2.0**40 + 1]), 500)[None]
    table = measure_frame(labels, image[None], Calibration())
    assert table["std_intensity_ch1"][0] == pytest.approx(math.sqrt(1000 / 999), rel=1e-12)


def brute_force_distance(tissue, spacing, border):
    """Distance from each voxel centre to the nearest box of the other side, all pairs."""
    padded = np.pad(tissue, [2 * (int(n > 1 and border),) for n in tissue.shape])
    index = np.argwhere(np.ones_like(padded))
    side = padded.reshape(-1)
    away = np.abs(index[:, None] - index[None])
    boxes = np.sqrt(((np.maximum(away - 0.5, 0) * spacing) ** 2).sum(axis=2))
    boxes[side[:, None] == side[None]] = np.inf
    nearest = boxes.min(axis=1, initial=np.inf)
    signed = np.where(side, nearest, -nearest).reshape(padded.shape)
    inner = tuple(slice(1, -1) if n > 1 and border else slice(None) for n in tissue.shape)
    result = signed[inner]
    return np.where(np.isinf(result), np.nan, result)


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((5, 6, 7), (3.0, 0.5, 0.7)), ((9, 20), (1.0, 0.3)), ((1, 6, 5), (2.0, 1.0, 1.0))],
)
@pytest.mark.parametrize("border", [False, True])
@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
def test_distance_equals_brute_force(shape, spacing, border, share):
    rng = np.random.default_rng(int(100 * share))
    tissue = rng.random(shape) < share
    found = measure_distance(tissue, spacing, border_is_surface=border)
    expected = brute_force_distance(tissue, np.array(spacing), border)
    if border and not tissue.any():
        expected[:] = np.nan
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_mask_equals_counting(seed):
    """Tissue with most voxels (tie: lower id) and fraction, counted cell by cell."""
    rng = np.random.default_rng(seed)
    labels = random_labels(rng, (6, 8, 30), [1, 2, 5, 9, 70_000])
    mask = random_labels(rng, (6, 8, 30), [1, 3, 70_000]).astype(np.uint32)
    settings = MaskSettings(tissues=(3, 70_000))
    table = apply_mask(labels, mask, settings).table.set_index("label")
    for label in np.unique(labels[labels > 0]):
        inside = mask[labels == label]
        counts = {tissue: int((inside == tissue).sum()) for tissue in (3, 70_000)}
        assert table.loc[label, "tissue"] == max(counts, key=lambda t: (counts[t], -t))
        fraction = sum(counts.values()) / inside.size
        assert table.loc[label, "tissue_fraction"] == pytest.approx(fraction)
