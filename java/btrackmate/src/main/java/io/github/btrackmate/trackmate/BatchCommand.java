/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.File;
import java.io.IOException;

import org.scijava.ItemIO;
import org.scijava.ItemVisibility;
import org.scijava.command.Command;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;
import org.scijava.widget.FileWidget;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.util.LogRecorder;
import ij.ImagePlus;
import ij.Prefs;
import io.github.btrackmate.trackmate.TrackInputs.Cells;
import io.github.btrackmate.trackmate.TrackInputs.Linking;
import io.github.btrackmate.trackmate.TrackInputs.TissueChoice;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Batch…: files in, TrackMate file
 * out; with or without a screen. Nothing is remembered from run to run: a mask
 * of last week must not slip into a script that names none.
 */
@Plugin( type = Command.class, menuPath = "Plugins>Tracking>BTrackMate>Batch...", headless = true )
public final class BatchCommand extends MenuCommand
{
	@Parameter( visibility = ItemVisibility.MESSAGE, required = false )
	private final String message = "Tracks the cells of a label image or a table, with TrackMate.";

	@Parameter( persist = false, required = false, label = "Image", description = "Image file that ImageJ opens as a hyperstack, calibrated" )
	private File image;

	@Parameter( persist = false, label = "Label image (empty: a channel of the image)", required = false, description = "File of the same size: 0 is background, every other whole number a cell" )
	private File labels;

	@Parameter( persist = false, required = false, label = "Label channel", min = "1", description = "Channel with the labels, from 1" )
	private int labelChannel = 1;

	@Parameter( persist = false, label = "Table instead of labels", required = false, description = "CSV file with one row a cell and frame" )
	private File table;

	@Parameter( persist = false, required = false, label = "Table is in", choices = { CsvDetectorFactory.PHYSICAL, CsvDetectorFactory.PIXELS }, description = "Units of the positions in the table: physical (those of the image) or pixels" )
	private String tableUnits = Defaults.TABLE_UNITS;

	@Parameter( persist = false, required = false, label = "Frames of the table are", choices = { TrackletLength.FRAMES, TrackletLength.TIME }, description = "What frame (or t) is in the table: frames from 0, or a time" )
	private String tableTime = Defaults.TABLE_TIME;

	@Parameter( persist = false, label = "Tissue mask", required = false, description = "File: 0 outside, else the tissue id; one plane or all, one frame or all" )
	private File mask;

	@Parameter( persist = false, required = false, label = "Cells to keep", choices = { "keep-touching", "centroid", "fraction", "clip" }, description = "Which cells of a label image the mask keeps; of a table always those with the centroid inside" )
	private String maskPolicy = Defaults.MASK_POLICY;

	@Parameter( persist = false, required = false, label = "Least fraction inside (0 to 1)", min = "0", max = "1", stepSize = "0.05", description = "For 'fraction': least part of the voxels of a cell in the tissue, without unit" )
	private double maskFraction = Defaults.MASK_FRACTION;

	@Parameter( persist = false, label = "Tissue ids (empty: all)", required = false, description = "Ids of the tissues that count, with commas between them" )
	private String tissues = "";

	@Parameter( persist = false, required = false, label = "Tracker", choices = { "LAP", "advanced Kalman", "overlap" }, description = "TrackMate's tracker" )
	private String tracker = "LAP";

	@Parameter( persist = false, required = false, label = "Linking distance (calibrated unit of the image, such as µm; or auto)", description = "auto: from the steps and the spacing of the cells; else the greatest distance from frame to frame, and over gaps and divisions, in the unit of the image, e.g. µm" )
	private String linkingDistance = Defaults.DISTANCE;

	@Parameter( persist = false, required = false, label = "Frame gap (frames)", min = "1", description = "Greatest difference of frames over a gap, in frames; 1: no gap closing" )
	private int frameGap = Defaults.FRAME_GAP;

	@Parameter( persist = false, required = false, label = "Cells divide", description = "Whether tracks may split" )
	private boolean splitting = Defaults.SPLITTING;

	@Parameter( persist = false, required = false, label = "Minimum tracklet length (0 = off)", min = "0", description = "Daughters that end sooner after a division are pruned; in frames or time units, see below" )
	private double minTrackletLength = Defaults.MIN_TRACKLET_LENGTH;

	@Parameter( persist = false, required = false, label = "Unit of that length", choices = { TrackletLength.FRAMES, TrackletLength.TIME }, description = "frames, or the time unit of the image" )
	private String minTrackletUnit = Defaults.MIN_TRACKLET_UNIT;

	@Parameter( persist = false, required = false, label = "Planes are frames", description = "For files that lost their dimensions: takes z as t" )
	private boolean planesAreFrames = false;

	@Parameter( persist = false, required = false, label = "Save as", style = FileWidget.SAVE_STYLE, description = "TrackMate file (.xml)" )
	private File output;

	@Parameter( persist = false, required = false, label = "Tables, too", description = "Whether dropped cells and pruned spots are listed in tables beside the TrackMate file: NAME.dropped.csv and NAME.pruned.csv" )
	private boolean tables = false;

	@Parameter( persist = false, required = false, label = "Overwrite", description = "Whether files of these names are replaced" )
	private boolean overwrite = false;

	@Parameter( type = ItemIO.OUTPUT, label = "Spots" )
	private int spotCount;

	@Parameter( type = ItemIO.OUTPUT, label = "Tracks" )
	private int trackCount;

	/** TrackMate at work; null before. */
	private volatile TrackMate working;

	/** Cancels TrackMate, too; no file is written then. */
	@Override
	public void cancel( final String reason )
	{
		super.cancel( reason );
		final TrackMate trackmate = working;
		if ( trackmate != null )
			trackmate.cancel( reason );
	}

	@Override
	void work() throws IOException
	{
		checkInput( image, "image" );
		checkOutput( output, "TrackMate file", overwrite );
		for ( final File file : tables ? new File[] { LeftOut.Kind.DROPPED.file( output ), LeftOut.Kind.PRUNED.file( output ) } : new File[ 0 ] )
			checkOutput( file, "table", overwrite );
		final TrackInputs inputs = inputs();
		final ImagePlus imp = open( image, "image" );
		final TrackInputs.Opened opened = new TrackInputs.Opened( imp, isGiven( labels ) && !isGiven( table ) ? open( labels, "label image" ) : null, isGiven( mask ) ? open( mask, "tissue mask" ) : null );
		final LogRecorder recorder = new LogRecorder( new ServiceLogger( log() ) );
		inputs.check( opened ).forEach( w -> recorder.error( "Warning: " + w + "\n" ) );
		final Model model = Jobs.model( imp, recorder );
		final SpotDetectorFactoryBase< ? > detector = isGiven( table ) ? new CsvDetectorFactory<>( model, opened.mask() ) : new LabelMaskDetectorFactory<>( model, opened.labels(), opened.mask() );
		final Settings settings = inputs.settings( imp, model, detector );
		final TrackMate trackmate = new TrackMate( model, settings );
		trackmate.setNumThreads( Prefs.getThreads() );
		working = trackmate;
		if ( isCanceled() )
			return;
		Jobs.run( trackmate );
		if ( isCanceled() )
			return;
		Jobs.save( trackmate, recorder.toString(), output );
		if ( tables )
			LeftOut.save( model, output );
		spotCount = model.getSpots().getNSpots( true );
		trackCount = model.getTrackModel().nTracks( true );
		done( spotCount + " spots, " + trackCount + " tracks, saved as " + output );
	}

	private TrackInputs inputs()
	{
		if ( isGiven( table ) )
			checkInput( table, "table" );
		else if ( isGiven( labels ) )
			checkInput( labels, "label image" );
		if ( isGiven( mask ) )
			checkInput( mask, "tissue mask" );
		return new TrackInputs(
				new Cells( path( labels ), labelChannel, path( table ), tableUnits, tableTime ),
				new TissueChoice( path( mask ), maskPolicy, maskFraction, tissues == null ? "" : tissues ),
				new Linking( tracker, Linking.parseDistance( linkingDistance ), frameGap, splitting, minTrackletLength, minTrackletUnit ) );
	}

	private ImagePlus open( final File file, final String role )
	{
		final ImagePlus imp = Images.openFile( file.getAbsolutePath(), role );
		if ( planesAreFrames && imp.getNFrames() == 1 )
			imp.setDimensions( imp.getNChannels(), 1, imp.getNSlices() );
		return imp;
	}
}
