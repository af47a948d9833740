# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026, the BTrackMate developers
#@ File (label = "Image", description = "Hyperstack to track, calibrated") image
#@ File (label = "Label image", description = "Same size; 0 is background, every other whole number a cell") labels
#@ File (label = "Tissue mask (optional)", required = false, description = "0 outside, else the tissue id; one plane or all, one frame or all") mask
#@ String (label = "Cells to keep", choices = {"keep-touching", "centroid", "fraction", "clip"}, value = "keep-touching") policy
#@ String (label = "Linking distance (unit of the image, or auto)", value = "auto", description = "auto: from the steps and the spacing of the cells") distance
#@ Double (label = "Minimum tracklet length (0 = off)", value = 0, min = 0) minimum
#@ String (label = "Unit of that length", choices = {"frames", "time"}, value = "frames", description = "frames, or the time unit of the image") unit
#@ File (label = "Save as", style = "save", description = "TrackMate file (.xml)") output
#@ Boolean (label = "Overwrite", value = false, description = "Whether a file of that name is replaced") overwrite
#@output Integer spots
#@output Integer tracks
"""Track the cells of a label movie inside a tissue mask; save a TrackMate file.

Change this script where the dialogs end: any setting of the detector and of the tracker can be set.
"""
from fiji.plugin.trackmate import Logger, Model, Settings, TrackMate
from fiji.plugin.trackmate.gui.displaysettings import DisplaySettings
from fiji.plugin.trackmate.io import TmXmlWriter
from ij import IJ
from io.github.btrackmate.schema import Units
from io.github.btrackmate.trackmate import LabelMaskDetectorFactory, PrunedTrackerFactory


def open_image(path):
    """Open a file, or say which one cannot be opened."""
    imp = IJ.openImage(path.getAbsolutePath()) if path.isFile() else None
    if imp is None:
        raise ValueError("Cannot open '%s': an image that ImageJ reads was expected." % path)
    return imp


def is_given(path):
    """Tell whether an optional file was chosen."""
    return path is not None and bool(path.getPath())


def read_distance(text):
    """Read a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not number > 0:
        raise ValueError("The linking distance is '%s'; a number above 0, or auto, was expected." % text)
    return number


if output.exists() and not overwrite:
    raise ValueError("'%s' exists already; tick 'Overwrite', or choose another name." % output)
imp = open_image(image)
mask_image = open_image(mask) if is_given(mask) else None

model = Model()
calibration = imp.getCalibration()
model.setPhysicalUnits(Units.space(calibration.getXUnit()), Units.time(calibration.getTimeUnit()))
model.setLogger(Logger.IJ_LOGGER)

settings = Settings(imp)
settings.detectorFactory = LabelMaskDetectorFactory(open_image(labels), mask_image)
settings.detectorSettings = settings.detectorFactory.getDefaultSettings()
settings.detectorSettings["LABEL_IMAGE"] = labels.getAbsolutePath()
settings.detectorSettings["MASK_IMAGE"] = mask.getAbsolutePath() if is_given(mask) else ""
settings.detectorSettings["MASK_POLICY"] = policy

settings.trackerFactory = PrunedTrackerFactory.Lap()
settings.trackerSettings = settings.trackerFactory.getDefaultSettings()
settings.trackerSettings["AUTO_DISTANCES"] = distance == "auto"
if distance != "auto":
    for name in ("LINKING_MAX_DISTANCE", "GAP_CLOSING_MAX_DISTANCE", "SPLITTING_MAX_DISTANCE"):
        settings.trackerSettings[name] = read_distance(distance)
settings.trackerSettings["ALLOW_TRACK_SPLITTING"] = True
settings.trackerSettings["MIN_TRACKLET_LENGTH"] = minimum
settings.trackerSettings["MIN_TRACKLET_UNIT"] = unit
settings.addAllAnalyzers()

trackmate = TrackMate(model, settings)
if not trackmate.checkInput() or not trackmate.process():
    raise ValueError(trackmate.getErrorMessage())

writer = TmXmlWriter(output, Logger.VOID_LOGGER)
writer.appendModel(model)
writer.appendSettings(settings)
writer.appendGUIState("ConfigureViews")
writer.appendDisplaySettings(DisplaySettings.defaultStyle())
writer.writeToFile()

spots = model.getSpots().getNSpots(True)
tracks = model.getTrackModel().nTracks(True)
IJ.log("%d spots, %d tracks, saved as %s" % (spots, tracks, output))
