/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.scijava.object.ObjectService;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.TrackMatePlugIn;
import fiji.plugin.trackmate.detection.ManualDetectorFactory;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.io.TmXmlWriter;
import fiji.plugin.trackmate.tracking.SpotTrackerFactory;
import fiji.plugin.trackmate.tracking.jaqaman.SimpleSparseLAPTrackerFactory;
import fiji.plugin.trackmate.tracking.jaqaman.SparseLAPTrackerFactory;
import fiji.plugin.trackmate.util.TMUtils;
import ij.ImagePlus;

/**
 * A file of the Python package names TrackMate's detector and tracker, and ours in
 * an element that TrackMate passes over. Opened with the plugin, it has ours.
 */
class FileSettingsTest
{
	private static final String ELEMENT = "<BTrackMatePlugin>"
			+ "<DetectorSettings DETECTOR_NAME=\"BTRACKMATE_LABEL_MASK_DETECTOR\" LABEL_IMAGE=\"l.tif\" TARGET_CHANNEL=\"1\" MASK_IMAGE=\"m.tif\" MASK_CHANNEL=\"0\" MASK_TISSUES=\"1,2\" MASK_POLICY=\"fraction\" MASK_FRACTION=\"0.25\" SIMPLIFY_CONTOURS=\"true\"/>"
			+ "<TrackerSettings TRACKER_NAME=\"BTRACKMATE_PRUNED_SPARSE_LAP_TRACKER\" CUTOFF_PERCENTILE=\"0.9\" ALTERNATIVE_LINKING_COST_FACTOR=\"1.05\" BLOCKING_VALUE=\"Infinity\" MIN_TRACKLET_LENGTH=\"4.0\" MIN_TRACKLET_UNIT=\"time\" PRUNE_CENSORED=\"true\" PRUNE_INTERNAL=\"true\" PRUNE_SHORT_TRACKS=\"false\">"
			+ "<Linking LINKING_MAX_DISTANCE=\"8.5\"><FeaturePenalties RADIUS=\"0.5\"/></Linking>"
			+ "<GapClosing ALLOW_GAP_CLOSING=\"true\" GAP_CLOSING_MAX_DISTANCE=\"8.5\" MAX_FRAME_GAP=\"3\"><FeaturePenalties/></GapClosing>"
			+ "<TrackSplitting ALLOW_TRACK_SPLITTING=\"true\" SPLITTING_MAX_DISTANCE=\"8.5\"><FeaturePenalties/></TrackSplitting>"
			+ "<TrackMerging ALLOW_TRACK_MERGING=\"false\" MERGING_MAX_DISTANCE=\"15.0\"><FeaturePenalties/></TrackMerging>"
			+ "</TrackerSettings></BTrackMatePlugin>";

	@TempDir
	Path folder;

	private final ImagePlus imp = TestImages.movie2D( "movie", 8, 1, new int[ 4 ][ 4 ], new int[ 4 ][ 4 ] );

	@AfterEach
	void forget()
	{
		TrackMatePlugIn.lastLoadedFile = null;
	}

	private Path write( final SpotTrackerFactory tracker, final String element ) throws IOException
	{
		final Settings settings = new Settings( imp );
		settings.detectorFactory = new ManualDetectorFactory<>();
		settings.detectorSettings = settings.detectorFactory.getDefaultSettings();
		settings.trackerFactory = tracker;
		settings.trackerSettings = tracker.getDefaultSettings();
		final Model model = new Model();
		model.addSpotTo( new Spot( 1, 1, 0, 1, 1 ), 0 );
		final Path file = folder.resolve( "tracks.xml" );
		final TmXmlWriter writer = new TmXmlWriter( file.toFile(), Logger.VOID_LOGGER );
		writer.appendModel( model );
		writer.appendSettings( settings );
		writer.writeToFile();
		Files.writeString( file, Files.readString( file ).replace( "</Settings>", element + "</Settings>" ) );
		return file;
	}

	/** As TrackMate's own menu entry does it. */
	private Settings open( final Path file )
	{
		final TmXmlReader reader = new TmXmlReader( file.toFile() );
		final Model model = reader.getModel();
		final Settings settings = reader.readSettings( imp );
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		TrackMatePlugIn.lastLoadedFile = file.toFile();
		TMUtils.getContext().service( ObjectService.class ).addObject( new TrackMate( model, settings ) );
		return settings;
	}

	@Test
	void oursAreTakenOver() throws IOException
	{
		final Settings settings = open( write( new SparseLAPTrackerFactory(), ELEMENT ) );
		assertEquals( LabelMaskDetectorFactory.KEY, settings.detectorFactory.getKey() );
		assertEquals( "m.tif", settings.detectorSettings.get( "MASK_IMAGE" ) );
		assertEquals( 0.25, settings.detectorSettings.get( "MASK_FRACTION" ) );
		assertEquals( "1,2", settings.detectorSettings.get( "MASK_TISSUES" ) );
		assertEquals( "BTRACKMATE_PRUNED_SPARSE_LAP_TRACKER", settings.trackerFactory.getKey() );
		final Map< String, Object > expected = new HashMap<>( Map.of( "MIN_TRACKLET_LENGTH", 4.0, "MIN_TRACKLET_UNIT", "time", "PRUNE_CENSORED", true, "PRUNE_INTERNAL", true, "PRUNE_SHORT_TRACKS", false, "LINKING_MAX_DISTANCE", 8.5, "MAX_FRAME_GAP", 3, "ALLOW_TRACK_SPLITTING", true ) );
		final Map< String, Object > found = new HashMap<>( settings.trackerSettings );
		found.keySet().retainAll( expected.keySet() );
		assertEquals( expected, found );
		assertEquals( Map.of( "RADIUS", 0.5 ), settings.trackerSettings.get( "LINKING_FEATURE_PENALTIES" ) );
	}

	/** Where TrackMate's tracker was changed by hand, or there is no such element, TrackMate's stand. */
	@Test
	void othersStay() throws IOException
	{
		assertEquals( new SimpleSparseLAPTrackerFactory().getKey(), open( write( new SimpleSparseLAPTrackerFactory(), ELEMENT ) ).trackerFactory.getKey() );
		final Settings plain = open( write( new SparseLAPTrackerFactory(), "" ) );
		assertEquals( new SparseLAPTrackerFactory().getKey(), plain.trackerFactory.getKey() );
		assertEquals( new ManualDetectorFactory<>().getKey(), plain.detectorFactory.getKey() );
	}
}
