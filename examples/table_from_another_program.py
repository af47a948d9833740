"""A table of cells from another program, linked three ways.

Usage: python table_from_another_program.py
"""

import numpy as np
import pandas as pd

import btrackmate as bt

# Forty cells that drift together, as a segmentation program might export them.
rng = np.random.default_rng(1)
start = rng.uniform(0, 200, (40, 3))
rows = [
    {"frame": frame, "x": x, "y": y, "z": z}
    for frame in range(15)
    for x, y, z in start + frame * np.array([2.0, 0.5, 0.0]) + rng.normal(0, 0.4, start.shape)
]
table = pd.DataFrame(rows)

for tracker in ("flow", "lap", "kalman"):
    tracks = bt.track(table, tracker, dt=2.0, time_unit="min")
    print(f"{tracker:7}", tracks)

# TrackMate's own numbers, by its names; every setting: btrackmate track --help
tracks = bt.track(table, "lap", LINKING_MAX_DISTANCE=15, ALLOW_TRACK_SPLITTING=False)
speed = tracks.to_dataframe("tracks")["mean_speed"]
print(f"speed {speed.mean():.2f} per frame; the drift alone makes {np.hypot(2, 0.5):.2f}")
