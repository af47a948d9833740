/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.GraphicsEnvironment;
import java.util.Optional;

import org.scijava.command.Command;
import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Settings;
import ij.ImagePlus;
import ij.WindowManager;
import io.github.btrackmate.cells.LabelLook;
import io.github.btrackmate.trackmate.TrackInputs.Cells;
import io.github.btrackmate.trackmate.TrackInputs.Linking;
import io.github.btrackmate.trackmate.TrackInputs.TissueChoice;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Quick Track: tracks the cells of the
 * active label image, with distances from the data, and shows the tracks. Asks
 * nothing.
 */
@Plugin( type = Command.class, menuPath = "Plugins>Tracking>BTrackMate>Quick Track" )
public final class QuickTrackCommand extends MenuCommand
{
	@Override
	boolean hasDialog()
	{
		return false;
	}

	@Override
	void work()
	{
		if ( GraphicsEnvironment.isHeadless() )
			throw new IllegalArgumentException( "Quick Track opens TrackMate's wizard, which needs a screen. Without one, run Batch…" );
		final ImagePlus imp = Images.getOrActive( "" );
		final TrackInputs inputs = new TrackInputs( cells( imp ), TissueChoice.NONE, Linking.DEFAULT );
		inputs.check( inputs.open( imp ) );
		final Wizard wizard = new Wizard( imp );
		final Settings settings = inputs.settings( imp, wizard.model(), inputs.detector( wizard.model() ) );
		wizard.openWithTracks( settings );
	}

	/** The active image has the labels, or another open one that belongs to it. */
	private static Cells cells( final ImagePlus imp )
	{
		final ImageGuess guess = new ImageGuess( Images.open() );
		final Optional< Integer > channel = guess.labelChannel( imp );
		if ( channel.isPresent() )
			return Cells.ofLabels( "", channel.get() );
		final Optional< ImagePlus > labels = guess.labels( imp );
		if ( labels.isPresent() )
			return Cells.ofLabels( Images.nameOf( labels.get() ), 1 );
		final String what = guess.look( imp, 1 ) == LabelLook.INTENSITIES ? "looks like intensities" : "looks like a mask, or is empty";
		throw new IllegalArgumentException( "The active image '" + imp.getTitle() + "' " + what + ", and no open image looks like its labels. Open or activate the label image (every cell has a number of its own), or use Track…; " + WindowManager.getImageCount() + " image(s) are open." );
	}
}
