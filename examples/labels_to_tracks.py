"""Label images to tracks: measure, link, look at the tables, save for TrackMate.

Usage: python labels_to_tracks.py [folder for the results]
"""

import sys
from pathlib import Path

import btrackmate as bt

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "labels-to-tracks")
folder.mkdir(parents=True, exist_ok=True)

# Any (T, Z, Y, X) array of labels does: tifffile.imread("labels.tif"), dask, zarr, xarray.
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
print(spots)

tracks = bt.track(spots)  # distances come from the data; see tracks.record
print(tracks)
print("taken:", tracks.record["track"]["linking_max_distance"], scale.space_unit)

print(tracks.to_dataframe("tracks").sort_values("n_spots").tail(3).to_string())
print(tracks.to_dataframe("divisions").head(3).to_string())

for path in bt.save(tracks, folder / "tracks.xml"):
    print("wrote", path)
