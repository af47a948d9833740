"""Ask why cells are linked, correct tracks by script, undo, and save.

Usage: python correct_tracks.py
"""

from pathlib import Path

import btrackmate as bt
from btrackmate.review import EditSession

sample = bt.load_sample()
scale = sample.calibration
size = (scale.dz, scale.dy, scale.dx)
spots = bt.measure(sample.truth, voxel_size=size, dt=scale.dt, time_unit=scale.time_unit)
tracks = bt.track(spots, "lap")
mother = int(tracks.spots.id[tracks.divisions[0]])
print(bt.explain(tracks, mother))  # cost, rivals, and the setting that would change it

bt.save(tracks, "tracks.xml")
with EditSession.open("tracks.xml") as session:  # every edit is kept beside the file at once
    now = session.tracks
    daughter = now.children(mother)[1]
    session.do("remove_division", mother=mother, daughter=daughter)
    print(f"{mother} goes on as {now.children(mother)}; {daughter}: track {now.track(daughter)}")
    session.undo()
    place = now.position(daughter)
    session.do("delete_spot", spot=daughter)
    added = session.do("add_spot", frame=now.frame(mother) + 1, position=place, radius=4.0)
    session.do("add_division", mother=mother, daughter=added.added_spots[0].id)
    session.save()

with EditSession.open("tracks.xml") as session:  # days later: all of it can still be undone
    while session.history.done:
        session.undo()
    print(len(session.to_graph().spots), "spots, as before the edits:", spots)
print("beside the tracks:", [path.name for path in sorted(Path().glob("tracks.xml.*"))])
