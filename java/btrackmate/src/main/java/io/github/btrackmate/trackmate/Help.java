/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.IOException;

import ij.IJ;
import ij.plugin.BrowserLauncher;

/**
 * Where the documentation is.
 */
final class Help
{
	/** The tutorial. */
	static final String URL = "https://github.com/btrackmate/btrackmate/blob/main/docs/fiji.md";

	private Help()
	{}

	/** Shows it in the browser. */
	static void open()
	{
		try
		{
			BrowserLauncher.openURL( URL );
		}
		catch ( final IOException e )
		{
			IJ.log( "The help is at " + URL );
		}
	}
}
