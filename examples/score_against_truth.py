"""Which tracker is right more often here? Scores against true tracks.

Usage: python score_against_truth.py
"""

import btrackmate as bt

sample = bt.load_sample()
scale = sample.calibration
spots = bt.measure(
    sample.truth, sample.image, voxel_size=(scale.dz, scale.dy, scale.dx), dt=scale.dt
)

# The labels of the sample's truth are its tracklets: links that they state.
table = spots.to_dataframe()
table["mother"] = table["label"].map(sample.man_track.set_index("L")["P"])
first = table.groupby("label")["frame"].transform("min")
last = table.loc[table.groupby("label")["frame"].idxmax()].set_index("label")["id"]
before = table.sort_values("frame").groupby("label")["id"].shift()
source = before.where(table["frame"] > first, table["mother"].map(last))
known = source.notna()
truth = bt.TrackGraph.from_ids(spots, source[known].astype(int), table.loc[known, "id"])
print("truth", truth)

for tracker in ("flow", "lap", "nearest"):
    scores = bt.evaluate(truth, bt.track(spots, tracker)).to_dict()
    print(f"{tracker:8} link F1 {scores['link_f1']:.3f}  division F1 {scores['division_f1']:.3f}")
