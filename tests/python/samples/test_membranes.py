"""Tissue of irregular cells: what is where, how noisy, and how far from star-convex."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import regionprops

from btrackmate.samples import load_nuclei, measure_snr
from btrackmate_samples.membranes import PHOTONS, MembraneSettings, make_membranes

SMALL = {"shape": (14, 60, 60), "seed": 3}


@pytest.fixture(scope="module")
def tissue():
    return make_membranes(MembraneSettings(**SMALL))


def test_cells_are_numbered_whole_and_not_small(tissue):
    ids, sizes = np.unique(tissue.labels, return_counts=True)
    assert ids.tolist() == list(range(len(ids)))
    assert len(ids) > 20
    assert sizes[1:].min() >= 50
    for label in ids[1:]:
        assert ndimage.label(tissue.labels == label)[1] == 1


def test_same_seed_same_bytes_and_the_photons_change_no_shape(tissue):
    again = make_membranes(MembraneSettings(**SMALL))
    assert np.array_equal(again.image, tissue.image)
    dim = make_membranes(MembraneSettings(**SMALL, photons=PHOTONS["low"]))
    assert np.array_equal(dim.labels, tissue.labels)
    assert not np.array_equal(dim.image, tissue.image)


def test_walls_are_bright_and_outside_is_dark(tissue):
    labels, image = tissue.labels, tissue.image.astype(float)
    touch = (labels[..., 1:] != labels[..., :-1]) & (labels[..., 1:] > 0) & (labels[..., :-1] > 0)
    deep = ndimage.distance_transform_edt(labels == 0, sampling=(1, 0.4, 0.4)) > 2
    assert image[..., 1:][touch].mean() > 1.5 * image[labels > 0].mean()
    assert image[deep].mean() < 0.6 * image[labels > 0].mean()


@pytest.mark.slow
def test_three_levels_of_signal_to_noise():
    found = []
    for photons in PHOTONS.values():
        stack = make_membranes(MembraneSettings(**SMALL, photons=photons))
        found.append(measure_snr(stack.image, stack.labels, (1, 0.4, 0.4), 1.0))
    assert found == pytest.approx([7.6, 4.1, 2.2], rel=0.2)


@pytest.mark.slow
def test_cells_of_several_sites_are_less_round_than_voronoi_cells():
    """Solidity, the volume over that of the convex hull, falls."""

    def solidity(weights):
        settings = MembraneSettings(
            **SMALL, sites_per_cell=weights, warp=0.0, background=0.0, lumen=0.0
        )
        regions = regionprops(make_membranes(settings).labels)
        return float(np.median([one.solidity for one in regions if one.area > 300]))

    assert solidity((0.0, 0.0, 1.0)) < solidity((1.0,)) - 0.05


def test_tissue_without_background_fills_the_volume():
    settings = MembraneSettings(**SMALL, background=0.0, lumen=0.0, min_size=0)
    assert (make_membranes(settings).labels > 0).all()


def test_nuclei_have_their_voxel_size_and_no_scraps():
    stack = load_nuclei()
    assert stack.image.shape == stack.labels.shape == (100, 100, 100)
    assert (stack.calibration.dz, stack.calibration.dx) == pytest.approx(
        (0.28372, 0.12679), abs=1e-5
    )
    sizes = np.bincount(stack.labels.ravel())
    assert sizes[1:][sizes[1:] > 0].min() >= 100
    assert len(np.unique(load_nuclei(0).labels)) == 55
