/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.GraphicsEnvironment;
import java.io.File;
import java.io.IOException;

import org.scijava.ItemIO;
import org.scijava.command.Command;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;
import org.scijava.widget.FileWidget;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.io.TmXmlReader;
import ij.IJ;
import ij.ImagePlus;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Relabel Image by Track…: the tracks
 * of a TrackMate file, as edited, as a label image.
 */
@Plugin( type = Command.class, menuPath = "Plugins>Tracking>BTrackMate>Relabel Image by Track...", headless = true )
public final class RelabelCommand extends MenuCommand
{
	@Parameter( persist = false, required = false, label = "TrackMate file", description = "File (.xml) with spots of BTrackMate's label image detector; save your edits first" )
	private File tracks;

	@Parameter( persist = false, required = false, label = "Label image", description = "File with the label image that the spots were made of" )
	private File labels;

	@Parameter( persist = false, required = false, label = "Label channel", min = "1", description = "Channel with the labels, from 1" )
	private int labelChannel = 1;

	@Parameter( persist = false, required = false, label = "Save as", style = FileWidget.SAVE_STYLE, description = "TIFF file, 32 bit; every cell has the id of its track + 1" )
	private File output;

	@Parameter( persist = false, required = false, label = "Overwrite", description = "Whether a file of that name is replaced" )
	private boolean overwrite = false;

	@Parameter( type = ItemIO.OUTPUT, label = "Tracks" )
	private int trackCount;

	@Override
	void work() throws IOException
	{
		checkInput( tracks, "TrackMate file" );
		checkInput( labels, "label image" );
		checkOutput( output, "painted image", overwrite );
		final Model model = read();
		final ImagePlus painted = Relabeller.paint( model, Images.get( labels.getAbsolutePath(), "label image" ), labelChannel );
		if ( !IJ.saveAsTiff( painted, output.getAbsolutePath() ) )
			throw new IOException( "The file '" + output + "' cannot be written." );
		trackCount = model.getTrackModel().nTracks( true );
		done( trackCount + " tracks painted, saved as " + output );
		if ( !GraphicsEnvironment.isHeadless() && !IJ.isMacro() )
			painted.show();
	}

	private Model read()
	{
		final TmXmlReader reader = new TmXmlReader( tracks );
		final Model model = reader.isReadingOk() ? reader.getModel() : null;
		if ( model == null || !reader.isReadingOk() )
			throw new IllegalArgumentException( "The file '" + tracks + "' is no TrackMate file that can be read: " + reader.getErrorMessage().trim() );
		return model;
	}
}
