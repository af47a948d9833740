"""Training data of two bright cells, and settings with which networks train in a second."""

import numpy as np
import tifffile

from btrackmate.training import TrainSettings

TINY = TrainSettings(
    depth=1,
    epochs=2,
    learning_rate=1e-3,
    batch_size=2,
    patch_size=(8, 16, 16),
    n_patches_per_image=1,
    n_rays=8,
    startfilter=2,
    features=4,
    grid=(1, 2, 2),
    min_cells=1,
)


def make_data(folder, shape):
    """Three images of two bright cells."""
    for side in ("Raw", "Segmentation"):
        (folder / side).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(3):
        labels = np.zeros(shape, np.uint16)
        labels[..., 2:9, 2:9], labels[..., 2:9, 11:17] = 1, 2
        image = rng.poisson(10 + 40 * (labels > 0)).astype(np.uint8)
        for side, array in (("Raw", image), ("Segmentation", labels)):
            tifffile.imwrite(folder / side / f"a{i}.tif", array, photometric="minisblack")
    return folder


def read_weights(folder):
    """Read the weights layer by layer.

    Not by name: Keras counts the layers of a process, so that conv3d_9 and conv3d_10 of one network
    are conv3d_1 and conv3d_2 of another, and their names sort differently.
    """
    import h5py

    with h5py.File(folder / "weights_best.h5") as file:
        layers = [file[name] for name in file.attrs["layer_names"]]
        return [layer[name][()] for layer in layers for name in layer.attrs["weight_names"]]
