# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026, the BTrackMate developers
#@ CommandService commands
#@ File (label = "Image", description = "Hyperstack in which the cells of the table lie, calibrated") image
#@ File (label = "Table (CSV)", description = "One row a cell and frame; a header names the columns") table
#@ String (label = "Positions are in", choices = {"physical", "pixels"}, value = "physical") units
#@ File (label = "Tissue mask (optional)", required = false) mask
#@ String (label = "Linking distance (unit of the image, or auto)", value = "auto", description = "auto: from the steps and the spacing of the cells") distance
#@ Double (label = "Minimum tracklet length (frames, 0 = off)", value = 0, min = 0) minimum
#@ File (label = "Save as", style = "save", description = "TrackMate file (.xml)") output
#@ Boolean (label = "Overwrite", value = false, description = "Whether a file of that name is replaced") overwrite
#@output Integer spots
#@output Integer tracks
"""Track the cells of a table; save a TrackMate file."""
from io.github.btrackmate.trackmate import BatchCommand

inputs = {
    "image": image,
    "table": table,
    "tableUnits": units,
    "linkingDistance": distance,
    "minTrackletLength": minimum,
    "output": output,
    "overwrite": overwrite,
}
if mask is not None and mask.getPath():
    inputs["mask"] = mask
module = commands.run(BatchCommand, True, inputs).get()
if module.getDelegateObject().isCanceled():
    raise ValueError(module.getDelegateObject().getCancelReason())
spots = module.getOutput("spotCount")
tracks = module.getOutput("trackCount")
