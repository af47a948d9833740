/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.GraphicsEnvironment;
import java.io.File;
import java.util.LinkedHashMap;
import java.util.Map;

import org.scijava.command.Command;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;

import ij.IJ;
import ij.ImagePlus;
import ij.plugin.frame.Recorder;
import io.github.btrackmate.trackmate.TrackInputs.Cells;
import io.github.btrackmate.trackmate.TrackInputs.Linking;
import io.github.btrackmate.trackmate.TrackInputs.Opened;
import io.github.btrackmate.trackmate.TrackInputs.TissueChoice;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Track…: asks for image, labels or
 * table, and tissue mask, finds the cells, and opens TrackMate's wizard with all
 * of it set. From a macro it asks nothing.
 */
@Plugin( type = Command.class, menuPath = "Plugins>Tracking>BTrackMate>Track..." )
public final class TrackCommand extends MenuCommand
{
	@Parameter( persist = false, required = false, label = "Image", description = "Title of an open image, or a file; empty: the active image" )
	private String image = "";

	@Parameter( persist = false, required = false, label = "Label image", description = "Title of an open image, or a file; empty: a channel of the image" )
	private String labels = "";

	@Parameter( persist = false, required = false, label = "Label channel", min = "1", description = "Channel with the labels, from 1" )
	private int labelChannel = 1;

	@Parameter( persist = false, required = false, label = "Table instead of labels", description = "CSV file with one row a cell and frame" )
	private File table;

	@Parameter( persist = false, required = false, label = "Table is in", choices = { CsvDetectorFactory.PHYSICAL, CsvDetectorFactory.PIXELS }, description = "Units of the positions in the table" )
	private String tableUnits = Defaults.TABLE_UNITS;

	@Parameter( persist = false, required = false, label = "Frames of the table are", choices = { TrackletLength.FRAMES, TrackletLength.TIME }, description = "What frame (or t) is in the table: frames from 0, or a time" )
	private String tableTime = Defaults.TABLE_TIME;

	@Parameter( persist = false, required = false, label = "Tissue mask", description = "Title of an open image, or a file" )
	private String mask = "";

	@Parameter( persist = false, required = false, label = "Cells to keep", choices = { "keep-touching", "centroid", "fraction", "clip" }, description = "Which cells of a label image the mask keeps" )
	private String maskPolicy = Defaults.MASK_POLICY;

	@Parameter( persist = false, required = false, label = "Least fraction inside (0 to 1)", description = "For 'fraction', without unit" )
	private double maskFraction = Defaults.MASK_FRACTION;

	@Parameter( persist = false, required = false, label = "Tissue ids (empty: all)", description = "Ids of the tissues that count, with commas between them" )
	private String tissues = "";

	@Parameter( persist = false, required = false, label = "Tracker", choices = { "LAP", "advanced Kalman", "overlap" }, description = "TrackMate's tracker" )
	private String tracker = "LAP";

	@Parameter( persist = false, required = false, label = "Linking distance", description = "auto: from the steps and the spacing of the cells; else the greatest distance from frame to frame, and over gaps and divisions, in the unit of the image, e.g. µm" )
	private String linkingDistance = Defaults.DISTANCE;

	@Parameter( persist = false, required = false, label = "Frame gap (frames)", description = "Greatest difference of frames over a gap, in frames; 1: no gap closing" )
	private int frameGap = Defaults.FRAME_GAP;

	@Parameter( persist = false, required = false, label = "Cells divide", description = "Whether tracks may split" )
	private boolean splitting = Defaults.SPLITTING;

	@Parameter( persist = false, required = false, label = "Minimum tracklet length (0 = off)", description = "Daughters that end sooner after a division are pruned" )
	private double minTrackletLength = Defaults.MIN_TRACKLET_LENGTH;

	@Parameter( persist = false, required = false, label = "Unit of that length", choices = { TrackletLength.FRAMES, TrackletLength.TIME }, description = "frames, or the time unit of the image" )
	private String minTrackletUnit = Defaults.MIN_TRACKLET_UNIT;

	/** The dialog is our own. */
	@Override
	boolean hasDialog()
	{
		return false;
	}

	@Override
	void work()
	{
		if ( GraphicsEnvironment.isHeadless() )
			throw new IllegalArgumentException( "Track… opens TrackMate's wizard, which needs a screen. Without one, run Batch…" );
		if ( isScripted() )
			open( Images.getOrActive( image ), inputs() );
		else
			TrackDialog.ask().ifPresent( answer -> {
				record( answer );
				open( answer.image(), answer.inputs() );
			} );
	}

	private TrackInputs inputs()
	{
		return new TrackInputs(
				new Cells( labels, labelChannel, path( table ), tableUnits, tableTime ),
				new TissueChoice( mask, maskPolicy, maskFraction, tissues ),
				new Linking( tracker, Linking.parseDistance( linkingDistance ), frameGap, splitting, minTrackletLength, minTrackletUnit ) );
	}

	private void open( final ImagePlus imp, final TrackInputs inputs )
	{
		final Opened opened = inputs.open( imp );
		if ( isScripted() )
			inputs.check( opened ).forEach( w -> IJ.log( "BTrackMate: " + w ) );
		final Wizard wizard = new Wizard( imp );
		wizard.openWithCells( inputs.settings( imp, wizard.model(), inputs.detector( wizard.model() ) ) );
	}

	/** What a macro has to say to do the same. */
	private static void record( final TrackDialog.Answer answer )
	{
		if ( !Recorder.record )
			return;
		final TrackInputs inputs = answer.inputs();
		final Map< String, Object > options = new LinkedHashMap<>();
		options.put( "image", answer.image().getTitle() );
		options.put( "labels", inputs.cells().labels() );
		options.put( "labelChannel", inputs.cells().channel() );
		options.put( "table", inputs.cells().table() );
		options.put( "tableUnits", inputs.cells().tableUnits() );
		options.put( "tableTime", inputs.cells().tableTime() );
		options.put( "mask", inputs.tissue().mask() );
		options.put( "maskPolicy", inputs.tissue().policy() );
		options.put( "maskFraction", inputs.tissue().fraction() );
		options.put( "tissues", inputs.tissue().ids() );
		options.put( "tracker", inputs.linking().tracker() );
		options.put( "linkingDistance", inputs.linking().distanceText() );
		options.put( "frameGap", inputs.linking().frameGap() );
		options.put( "splitting", inputs.linking().splitting() );
		options.put( "minTrackletLength", inputs.linking().minimum() );
		options.put( "minTrackletUnit", inputs.linking().unit() );
		options.forEach( ( name, value ) -> {
			final String text = String.valueOf( value ).replace( "\\", "\\\\" ).replace( "\"", "\\\"" );
			if ( !text.isBlank() )
				Recorder.recordOption( name, text );
		} );
	}
}
