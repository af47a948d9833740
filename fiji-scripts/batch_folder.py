# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026, the BTrackMate developers
#@ CommandService commands
#@ LogService log
#@ File (label = "Folder with label movies", style = "directory", description = "Every .tif is one movie") folder
#@ File (label = "Tissue mask for all (optional)", required = false) mask
#@ String (label = "Linking distance (unit of the images, or auto)", value = "auto", description = "auto: from the steps and the spacing of the cells") distance
#@ Double (label = "Minimum tracklet length (frames, 0 = off)", value = 0, min = 0) minimum
#@ Boolean (label = "Overwrite", value = false) overwrite
#@output Integer done
#@output Integer failed
"""Track every label movie of a folder; NAME.tif becomes NAME.xml beside it.

A movie that cannot be tracked is named in the log, and the next one is taken.
"""
import os

from io.github.btrackmate.trackmate import BatchCommand
from java.io import File

done = 0
failed = 0
path = folder.getAbsolutePath()
mask_path = mask.getAbsolutePath() if mask is not None and mask.getPath() else None
for name in sorted(os.listdir(path)):
    movie = os.path.join(path, name)
    stem, extension = os.path.splitext(movie)
    if extension.lower() not in (".tif", ".tiff") or movie == mask_path:
        continue
    inputs = {
        "image": File(movie),
        "linkingDistance": distance,
        "minTrackletLength": minimum,
        "output": File(stem + ".xml"),
        "overwrite": overwrite,
    }
    if mask_path:
        inputs["mask"] = mask
    command = commands.run(BatchCommand, True, inputs).get().getDelegateObject()
    if command.isCanceled():
        failed += 1
        log.error("%s: %s" % (name, command.getCancelReason()))
    else:
        done += 1
log.info("%d movies tracked, %d failed" % (done, failed))
