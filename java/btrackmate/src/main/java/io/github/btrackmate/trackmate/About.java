/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.IOException;

import javax.swing.ImageIcon;

import ij.IJ;
import ij.plugin.BrowserLauncher;

/**
 * What BTrackMate says of itself in TrackMate's panels: documentation, citation,
 * icon.
 */
final class About
{
	/** The tutorial. */
	static final String URL = "https://github.com/btrackmate/btrackmate/blob/main/docs/fiji.md";

	static final ImageIcon ICON = new ImageIcon( About.class.getResource( "btrackmate-16.png" ) );

	private static final String CITATION = "<p>If you use it, please cite TrackMate, and Kapoor and Carabaña, "
			+ "<i>Cell Tracking in 3D using deep learning segmentations</i>, Proc. of the 20th Python in Science Conf. (2021), "
			+ "<a href=\"https://doi.org/10.25080/majora-1b6fd038-014\">doi:10.25080/majora-1b6fd038-014</a>.";

	private About()
	{}

	/** An information text of TrackMate with the citation at its end. */
	static String withCitation( final String html )
	{
		return html.replace( "</html>", CITATION + "</html>" );
	}

	/** Shows the documentation in the browser. */
	static void openHelp()
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
