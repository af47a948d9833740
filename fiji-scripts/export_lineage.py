# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026, the BTrackMate developers
#@ File (label = "TrackMate file (.xml)") tracks
#@ File (label = "Save as", style = "save", description = "Table (.csv), one row a tracklet") output
#@ Boolean (label = "Overwrite", value = false, description = "Whether a file of that name is replaced") overwrite
#@output Integer tracklets
"""Export the lineage: one row a tracklet, the unbranched piece between divisions, merges or ends.

Columns: tracklet and parent count from 1 in order of track, first frame and first spot (parent is
empty for the first tracklet of a track, and a merge has several, with spaces between them).
Hidden tracks are left out.
"""
import csv

from fiji.plugin.trackmate import Spot
from fiji.plugin.trackmate.io import TmXmlReader


def frame(spot):
    """Give the frame of a spot."""
    return int(spot.getFeature(Spot.FRAME))


def neighbours(model, spot):
    """Give the spots linked before and after a spot, in order of id."""
    before, after = [], []
    for edge in model.getTrackModel().edgesOf(spot):
        source = model.getTrackModel().getEdgeSource(edge)
        other = model.getTrackModel().getEdgeTarget(edge) if source == spot else source
        (before if frame(other) < frame(spot) else after).append(other)
    return sorted(before, key=lambda s: s.ID()), sorted(after, key=lambda s: s.ID())


def walk(model, first, after):
    """Follow a tracklet from its first spot to its last."""
    spots = [first]
    while len(after[spots[-1].ID()]) == 1:
        following = after[spots[-1].ID()][0]
        if len(neighbours(model, following)[0]) != 1:
            break
        spots.append(following)
    return spots


if output.exists() and not overwrite:
    raise ValueError("'%s' exists already; tick 'Overwrite', or choose another name." % output)
if not tracks.isFile():
    raise ValueError("There is no file '%s'; a TrackMate file was expected." % tracks)
reader = TmXmlReader(tracks)
model = reader.getModel() if reader.isReadingOk() else None
if model is None:
    raise ValueError("'%s' is no TrackMate file: %s" % (tracks, reader.getErrorMessage()))

pieces = []
for track in sorted(model.getTrackModel().trackIDs(True)):
    spots = sorted(model.getTrackModel().trackSpots(track), key=lambda s: (frame(s), s.ID()))
    before = dict((s.ID(), neighbours(model, s)[0]) for s in spots)
    after = dict((s.ID(), neighbours(model, s)[1]) for s in spots)
    for spot in spots:
        parents = before[spot.ID()]
        if len(parents) != 1 or len(after[parents[0].ID()]) != 1:
            pieces.append((track, walk(model, spot, after), parents))
number_of_last = dict((piece[-1].ID(), n) for n, (_, piece, _) in enumerate(pieces, 1))

with open(output.getPath(), "wb") as stream:
    table = csv.writer(stream)
    table.writerow(
        ["tracklet", "parent", "track", "first_frame", "last_frame", "first_spot", "last_spot"]
    )
    for n, (track, piece, parents) in enumerate(pieces, 1):
        parent = " ".join(str(number_of_last[p.ID()]) for p in parents)
        first, last = piece[0], piece[-1]
        table.writerow([n, parent, track, frame(first), frame(last), first.ID(), last.ID()])
tracklets = len(pieces)
