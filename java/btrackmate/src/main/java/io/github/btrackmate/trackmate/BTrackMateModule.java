/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import javax.swing.ImageIcon;

import fiji.plugin.trackmate.TrackMateModule;

/**
 * A module of TrackMate that is ours: with our icon and documentation.
 */
interface BTrackMateModule extends TrackMateModule
{
	@Override
	default ImageIcon getIcon()
	{
		return About.ICON;
	}

	@Override
	default String getUrl()
	{
		return About.URL;
	}
}
