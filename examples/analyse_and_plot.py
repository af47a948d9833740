"""What tracks say: motion, cell cycles, and a plot.

Usage: python analyse_and_plot.py [picture.png]
"""

import sys

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import btrackmate as bt

sample = bt.load_sample()
scale = sample.calibration
spots = bt.measure(
    sample.truth,
    sample.image,
    voxel_size=(scale.dz, scale.dy, scale.dx),
    dt=scale.dt,
    space_unit=scale.space_unit,
    time_unit=scale.time_unit,
)
tracks = bt.track(spots)

tables = bt.analyse(tracks)
for name, table in tables.items():
    print(f"{name}: {len(table)} rows: {', '.join(table.columns[:6])} …")

lengths = tracks.to_dataframe("tracks")["duration"]
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.hist(lengths, bins=20)
axes.set_xlabel(f"duration of a track ({scale.time_unit})")
axes.set_ylabel(f"tracks (n = {len(lengths)})")
path = sys.argv[1] if len(sys.argv) > 1 else "durations.png"
figure.savefig(path, dpi=120)
print("wrote", path)
