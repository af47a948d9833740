"""A feature of your own, measured on each cell, and a filter by it.

Usage: python own_feature.py
"""

import numpy as np

import btrackmate as bt


def rim_contrast(region, intensity):
    """Mean intensity of the rim over that of the inside; as regionprops' extra_properties."""
    from scipy.ndimage import binary_erosion

    inside = binary_erosion(region)
    rim = region & ~inside
    if not inside.any():
        return np.nan
    return intensity[rim].mean() / intensity[inside].mean()


sample = bt.load_sample()
scale = sample.calibration
spots = bt.measure(
    sample.truth,
    sample.image,
    voxel_size=(scale.dz, scale.dy, scale.dx),
    extra={"rim_contrast": rim_contrast},
)
values = spots.to_dataframe()["rim_contrast"]
print(values.describe().round(3).to_string())

tracks = bt.track(spots)
kept = bt.filter(tracks, spot_filters=f"rim_contrast<{values.median():.3f}")
print(f"{tracks.n_links} links before, {kept.n_links} after the filter")
