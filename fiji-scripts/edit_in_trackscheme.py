# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026, the BTrackMate developers
#@ File (label = "TrackMate file (.xml)") tracks
"""Open a TrackMate file with its image in TrackMate's wizard, ready to be edited.

TrackScheme opens from the wizard's panel; save from the wizard when you are done.
"""
from fiji.plugin.trackmate import LoadTrackMatePlugIn
from java.awt import GraphicsEnvironment

if GraphicsEnvironment.isHeadless():
    raise ValueError("Editing needs a screen; start Fiji without --headless.")
if not tracks.isFile():
    raise ValueError("There is no file '%s'; a TrackMate file was expected." % tracks)
LoadTrackMatePlugIn().run(tracks.getAbsolutePath())
