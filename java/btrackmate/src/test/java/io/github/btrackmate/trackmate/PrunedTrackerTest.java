/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.detection.ManualDetectorFactory;
import fiji.plugin.trackmate.features.FeatureFilter;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.io.TmXmlWriter;
import fiji.plugin.trackmate.providers.TrackerProvider;
import fiji.plugin.trackmate.tracking.TrackerKeys;
import ij.IJ;
import ij.ImagePlus;

/**
 * TrackMate's trackers followed by pruning; frames run to the right:
 *
 * <pre>
 * frame  0  1  2  3  4  5  6  7  8  9
 *                /b--b
 *        a--a--a--a--a--a--a--a
 *                               (frames 8 and 9 are empty)
 * </pre>
 */
class PrunedTrackerTest
{
	private static final List< String > KEYS = List.of( "BTRACKMATE_PRUNED_SPARSE_LAP_TRACKER", "BTRACKMATE_PRUNED_ADVANCED_KALMAN_TRACKER", "BTRACKMATE_PRUNED_OVERLAP_TRACKER" );

	private final TextLogger log = new TextLogger();

	private final ImagePlus imp = IJ.createHyperStack( "movie", 32, 32, 1, 1, 10, 8 );

	private final Model model = new Model();

	PrunedTrackerTest()
	{
		imp.getCalibration().frameInterval = 30;
		model.setLogger( log );
		for ( int t = 0; t < 10; t++ )
			model.getSpots().put( t, List.of() );
		for ( int t = 0; t < 8; t++ )
			add( "a", 10, t );
		for ( int t = 3; t < 5; t++ )
			add( "b", 14, t );
		model.getSpots().setVisible( true );
	}

	private void add( final String name, final double x, final int frame )
	{
		final Spot spot = new Spot( x, 10, 0, 3, 1, name + frame );
		spot.putFeature( Spot.POSITION_T, 30.0 * frame );
		model.getSpots().add( spot, frame );
	}

	private TrackMate trackmate( final String key, final Map< String, Object > changes )
	{
		final Settings settings = new Settings( imp );
		settings.detectorFactory = new ManualDetectorFactory<>();
		settings.detectorSettings = settings.detectorFactory.getDefaultSettings();
		settings.trackerFactory = new TrackerProvider().getFactory( key );
		assertNotNull( settings.trackerFactory, key );
		settings.trackerSettings = new HashMap<>( settings.trackerFactory.getDefaultSettings() );
		if ( settings.trackerSettings.containsKey( TrackerKeys.KEY_ALLOW_TRACK_SPLITTING ) )
			settings.trackerSettings.put( TrackerKeys.KEY_ALLOW_TRACK_SPLITTING, true );
		settings.trackerSettings.put( TrackletLength.MINIMUM, 3.0 );
		settings.trackerSettings.putAll( changes );
		assertNull( settings.trackerFactory.checkSettings( settings.trackerSettings ) );
		settings.addAllAnalyzers();
		return new TrackMate( model, settings );
	}

	private void track( final String key, final Map< String, Object > changes )
	{
		final TrackMate trackmate = trackmate( key, changes );
		assertTrue( trackmate.execTracking(), trackmate.getErrorMessage() );
	}

	private void assertCounts( final int shown, final int links )
	{
		assertEquals( shown, model.getSpots().getNSpots( true ), "visible spots" );
		assertEquals( 10, model.getSpots().getNSpots( false ), "all spots" );
		assertEquals( links, model.getTrackModel().edgeSet().size(), "links" );
	}

	/** Of the LAP: the short daughter goes, and its spots are hidden. */
	@Test
	void shortDaughterIsPruned()
	{
		track( KEYS.get( 0 ), Map.of() );
		assertCounts( 8, 7 );
		assertTrue( log.text.toString().contains( "Pruned short tracklets: 2 spots and 2 links" ), log.text.toString() );
		model.getSpots().iterable( true ).forEach( s -> assertTrue( s.getName().startsWith( "a" ), s.getName() ) );
	}

	@Test
	void kalmanIsPrunedToo()
	{
		track( KEYS.get( 1 ), Map.of() );
		assertCounts( 8, 7 );
	}

	/** With an overlap of 3 % b3 is linked to a2 too. */
	@Test
	void overlapIsPrunedToo()
	{
		track( KEYS.get( 2 ), Map.of( "MIN_IOU", 0.03, TrackletLength.MINIMUM, 0.0 ) );
		assertCounts( 10, 9 );
		track( KEYS.get( 2 ), Map.of( "MIN_IOU", 0.03 ) );
		assertCounts( 8, 7 );
	}

	/** What one run hides, the next one sees again. */
	@Test
	void trackingAgainStartsAnew()
	{
		track( KEYS.get( 0 ), Map.of() );
		track( KEYS.get( 0 ), Map.of( TrackletLength.MINIMUM, 0.0 ) );
		assertCounts( 10, 9 );
	}

	/** A spot filter that was run in between stays: b4 (x = 14) is hidden by it. */
	@Test
	void filteredSpotsStayHidden()
	{
		track( KEYS.get( 0 ), Map.of() );
		model.getSpots().filter( new FeatureFilter( Spot.POSITION_X, 12, false ) );
		track( KEYS.get( 0 ), Map.of( TrackletLength.MINIMUM, 0.0 ) );
		assertCounts( 8, 7 );
	}

	/** Length 2 frames of 30 s. */
	@Test
	void minimumInTimeUnits()
	{
		track( KEYS.get( 0 ), Map.of( TrackletLength.MINIMUM, 60.0, TrackletLength.UNIT, "time" ) );
		assertCounts( 10, 9 );
		track( KEYS.get( 0 ), Map.of( TrackletLength.MINIMUM, 61.0, TrackletLength.UNIT, "time" ) );
		assertCounts( 8, 7 );
	}

	/** Daughter a is 5 frames long and ends before the last frame, so that it can be short. */
	@Test
	void emptyLastFramesCount()
	{
		track( KEYS.get( 0 ), Map.of( TrackletLength.MINIMUM, 6.0 ) );
		assertCounts( 8, 7 );
	}

	@Test
	void badSettingsAreNamed()
	{
		final TrackMate trackmate = trackmate( KEYS.get( 0 ), Map.of() );
		for ( final Map< String, Object > bad : List.< Map< String, Object > >of( Map.of( TrackletLength.MINIMUM, -1.0 ), Map.of( TrackletLength.UNIT, "days" ), Map.of( TrackletLength.CENSORED, "no" ) ) )
		{
			final Map< String, Object > settings = new HashMap<>( trackmate.getSettings().trackerSettings );
			settings.putAll( bad );
			assertTrue( trackmate.getSettings().trackerFactory.checkSettings( settings ).contains( bad.keySet().iterator().next() ) );
		}
	}

	@Test
	void settingsThroughAFile( @TempDir final Path folder ) throws IOException
	{
		for ( final String key : KEYS )
		{
			final TrackMate trackmate = trackmate( key, Map.of( TrackletLength.MINIMUM, 45.5, TrackletLength.UNIT, "time", TrackletLength.CENSORED, true ) );
			final Map< String, Object > settings = trackmate.getSettings().trackerSettings;
			if ( settings.containsKey( TrackerKeys.KEY_LINKING_FEATURE_PENALTIES ) )
				settings.put( TrackerKeys.KEY_LINKING_FEATURE_PENALTIES, Map.of( "VOLUME", 1.5 ) );
			final File file = folder.resolve( key + ".xml" ).toFile();
			final TmXmlWriter writer = new TmXmlWriter( file, Logger.VOID_LOGGER );
			writer.appendModel( model );
			writer.appendSettings( trackmate.getSettings() );
			writer.writeToFile();
			final TmXmlReader reader = new TmXmlReader( file );
			final Settings reloaded = reader.readSettings( imp );
			assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
			assertEquals( settings, reloaded.trackerSettings );
			assertEquals( key, reloaded.trackerFactory.getKey() );
			assertInstanceOf( PrunedTrackerFactory.class, reloaded.trackerFactory.copy() );
		}
	}

	/** The wizard's panel gives back what it was given; nulls become defaults. */
	@Test
	void panelKeepsSettings()
	{
		final TrackMate trackmate = trackmate( KEYS.get( 0 ), Map.of( TrackletLength.MINIMUM, 4.0, TrackletLength.UNIT, "time", TrackletLength.CENSORED, true ) );
		final var panel = trackmate.getSettings().trackerFactory.getTrackerConfigurationPanel( model );
		panel.setSettings( trackmate.getSettings().trackerSettings );
		final Map< String, Object > settings = panel.getSettings();
		for ( final String key : TrackletLength.defaults().keySet() )
			assertEquals( trackmate.getSettings().trackerSettings.get( key ), settings.get( key ) );
		assertNull( trackmate.getSettings().trackerFactory.checkSettings( settings ) );
		final Map< String, Object > nulls = new HashMap<>();
		settings.keySet().forEach( k -> nulls.put( k, null ) );
		panel.setSettings( nulls );
		assertEquals( 0.0, panel.getSettings().get( TrackletLength.MINIMUM ) );
		assertFalse( ( Boolean ) panel.getSettings().get( TrackletLength.CENSORED ) );
	}

	/** The defaults of the command line; a script's numbers count, since the data are asked only where that is set. */
	@Test
	void defaultsAreTheSharedOnes()
	{
		final Map< String, Object > lap = new PrunedTrackerFactory.Lap().getDefaultSettings();
		assertEquals( 0.0, lap.get( TrackletLength.MINIMUM ) );
		assertEquals( true, lap.get( TrackerKeys.KEY_ALLOW_TRACK_SPLITTING ) );
		assertEquals( 2, lap.get( TrackerKeys.KEY_GAP_CLOSING_MAX_FRAME_GAP ) );
		assertEquals( false, lap.get( AutoDistances.KEY ) );
		assertFalse( new PrunedTrackerFactory.Overlap().getDefaultSettings().containsKey( AutoDistances.KEY ) );
	}

	/** What the data told replaces what stood there, in the settings that are saved. */
	@Test
	void distancesFromTheDataStandInTheSettings()
	{
		final TrackMate trackmate = trackmate( KEYS.get( 0 ), Map.of( AutoDistances.KEY, true, TrackerKeys.KEY_LINKING_MAX_DISTANCE, 5000.0 ) );
		assertTrue( trackmate.execTracking(), trackmate.getErrorMessage() );
		final Map< String, Object > settings = trackmate.getSettings().trackerSettings;
		assertEquals( false, settings.get( AutoDistances.KEY ) );
		final double linking = ( Double ) settings.get( TrackerKeys.KEY_LINKING_MAX_DISTANCE );
		assertTrue( linking < 5000, "linking distance " + linking );
		assertEquals( linking, settings.get( TrackerKeys.KEY_GAP_CLOSING_MAX_DISTANCE ) );
		assertTrue( ( Double ) settings.get( TrackerKeys.KEY_SPLITTING_MAX_DISTANCE ) >= linking );
	}

	/** A script gives one distance; the data tell the others. */
	@Test
	void distancesThatAreGivenStay()
	{
		final TrackMate trackmate = trackmate( KEYS.get( 0 ), Map.of( AutoDistances.KEY, true, TrackerKeys.KEY_LINKING_MAX_DISTANCE, 5000.0 ) );
		( ( PrunedTrackerFactory ) trackmate.getSettings().trackerFactory ).keepDistances( Map.of( TrackerKeys.KEY_LINKING_MAX_DISTANCE, 4321.0 ) );
		assertTrue( trackmate.execTracking(), trackmate.getErrorMessage() );
		final Map< String, Object > settings = trackmate.getSettings().trackerSettings;
		assertEquals( 4321.0, settings.get( TrackerKeys.KEY_LINKING_MAX_DISTANCE ) );
		assertTrue( ( Double ) settings.get( TrackerKeys.KEY_GAP_CLOSING_MAX_DISTANCE ) < 500 );
	}
}
