"""A tissue mask, the distance to its boundary, and the track inspector.

Usage: python tissue_and_pruning.py
"""

import btrackmate as bt

sample = bt.load_sample()
scale = sample.calibration
spots = bt.measure(
    sample.truth,
    mask=sample.mask,  # (Z, Y, X) for all frames, or (T, Z, Y, X); several tissues by id
    voxel_size=(scale.dz, scale.dy, scale.dx),
    dt=scale.dt,
    time_unit=scale.time_unit,
    mask_policy="centroid",
)
print(spots, "dropped by the mask:", spots.record["measure"]["dropped"])
depth = spots.to_dataframe()["boundary_distance"]
print(f"cells lie {depth.min():.1f} to {depth.max():.1f} µm inside the boundary")

tracks = bt.track(spots)
gone = bt.list_pruned(tracks, 3)  # look before anything is removed
print(f"{len(gone)} spots and links would go:")
print(gone.groupby(["what", "rule"]).size().to_string() if len(gone) else "nothing")
print(bt.prune(tracks, 3))
