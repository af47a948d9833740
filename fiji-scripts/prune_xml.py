# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026, the BTrackMate developers
#@ File (label = "TrackMate file (.xml)") tracks
#@ Double (label = "Minimum tracklet length (0 = off)", value = 0, min = 0, description = "Daughters that end sooner after a division go") minimum
#@ String (label = "Unit of that length", choices = {"frames", "time"}, value = "frames", description = "frames, or the time unit of the file") unit
#@ Boolean (label = "Dry run", value = false, description = "List what would go; save nothing") dry_run
#@ File (label = "Save as", style = "save", description = "TrackMate file (.xml)") output
#@ Boolean (label = "Overwrite", value = false, description = "Whether a file of that name is replaced") overwrite
#@output Integer removed
"""Prune short tracklets in a TrackMate file, and save it under another name."""
from fiji.plugin.trackmate import Logger, SelectionModel, TrackMate
from fiji.plugin.trackmate.gui.wizard.descriptors import ConfigureViewsDescriptor
from fiji.plugin.trackmate.io import TmXmlReader, TmXmlWriter
from io.github.btrackmate.prune import PruneSettings
from io.github.btrackmate.trackmate import PruneTrackletsAction

if output.exists() and not dry_run and not overwrite:
    raise ValueError("'%s' exists already; tick 'Overwrite', or choose another name." % output)
if not tracks.isFile():
    raise ValueError("There is no file '%s'; a TrackMate file was expected." % tracks)
reader = TmXmlReader(tracks)
model = reader.getModel() if reader.isReadingOk() else None
settings = reader.readSettings(reader.readImage()) if model is not None else None
if settings is None:
    raise ValueError("'%s' is no TrackMate file: %s" % (tracks, reader.getErrorMessage()))

before = model.getSpots().getNSpots(False)
in_frames = unit == "frames"
prune = PruneSettings.inFrames(minimum) if in_frames else PruneSettings.inTime(minimum, settings.dt)
action = PruneTrackletsAction(prune, dry_run)
action.setLogger(Logger.IJ_LOGGER)
action.execute(TrackMate(model, settings), SelectionModel(model), None, None)
removed = before - model.getSpots().getNSpots(False)

if not dry_run:
    writer = TmXmlWriter(output, Logger.VOID_LOGGER)
    writer.appendLog(reader.getLog() or "")
    writer.appendModel(model)
    writer.appendSettings(settings)
    writer.appendGUIState(ConfigureViewsDescriptor.KEY)
    writer.appendDisplaySettings(reader.getDisplaySettings())
    writer.writeToFile()
