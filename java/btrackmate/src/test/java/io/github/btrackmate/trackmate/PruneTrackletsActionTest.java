/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.action.TrackMateActionFactory;
import fiji.plugin.trackmate.detection.ManualDetectorFactory;
import fiji.plugin.trackmate.features.track.TrackBranchingAnalyzer;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.io.TmXmlWriter;
import fiji.plugin.trackmate.providers.ActionProvider;
import fiji.plugin.trackmate.tracking.TrackerKeys;
import fiji.plugin.trackmate.tracking.jaqaman.SparseLAPTrackerFactory;
import ij.IJ;
import ij.ImagePlus;
import io.github.btrackmate.prune.PruneSettings;

/**
 * The real TrackMate links these spots; frames run to the right, a is mother
 * and one daughter, b the other one, too short to be a cell:
 *
 * <pre>
 * frame  0  1  2  3  4  5  6  7  8  9
 *                /b--b
 *        a--a--a--a--a--a--a--a          (the movie has 10 frames)
 * </pre>
 */
class PruneTrackletsActionTest
{
	@TempDir
	Path folder;

	private final TextLogger log = new TextLogger();

	private TrackMate trackmate;

	private Model model;

	@BeforeEach
	void track()
	{
		final ImagePlus imp = IJ.createHyperStack( "movie", 32, 32, 1, 4, 10, 8 );
		imp.getCalibration().frameInterval = 30;
		imp.getCalibration().setTimeUnit( "sec" );
		final Settings settings = new Settings( imp );
		settings.detectorFactory = new ManualDetectorFactory<>();
		settings.detectorSettings = settings.detectorFactory.getDefaultSettings();
		settings.trackerFactory = new SparseLAPTrackerFactory();
		settings.trackerSettings = settings.trackerFactory.getDefaultSettings();
		settings.trackerSettings.put( TrackerKeys.KEY_ALLOW_TRACK_SPLITTING, true );
		settings.addAllAnalyzers();

		model = new Model();
		model.setLogger( Logger.VOID_LOGGER );
		model.setPhysicalUnits( "µm", "sec" );
		for ( int t = 0; t < 8; t++ )
			addSpot( "a" + t, 10, t );
		for ( int t = 3; t < 5; t++ )
			addSpot( "b" + t, 14, t );
		model.getSpots().setVisible( true );
		trackmate = new TrackMate( model, settings );
		assertTrue( trackmate.execTracking(), trackmate.getErrorMessage() );
		assertTrue( trackmate.computeEdgeFeatures( false ), trackmate.getErrorMessage() );
		assertTrue( trackmate.computeTrackFeatures( false ), trackmate.getErrorMessage() );
		assertCounts( model, 10, 9, 1 );
	}

	private void addSpot( final String name, final double x, final int frame )
	{
		final Spot spot = new Spot( x, 10, 2, 3, 1, name );
		spot.putFeature( Spot.POSITION_T, 30.0 * frame );
		model.getSpots().add( spot, frame );
	}

	private static void assertCounts( final Model model, final int spots, final int links, final double splits )
	{
		assertEquals( spots, model.getSpots().getNSpots( false ), "spots" );
		assertEquals( links, model.getTrackModel().edgeSet().size(), "links" );
		assertEquals( 1, model.getTrackModel().nTracks( false ), "tracks" );
		final Integer track = model.getTrackModel().trackIDs( false ).iterator().next();
		assertEquals( splits, model.getFeatureModel().getTrackFeature( track, TrackBranchingAnalyzer.NUMBER_SPLITS ), "splits" );
	}

	private void prune( final PruneSettings settings, final boolean dryRun )
	{
		final PruneTrackletsAction action = new PruneTrackletsAction( settings, dryRun );
		action.setLogger( log );
		action.execute( trackmate, null, null, null );
	}

	/** Without the index of @Plugin classes, TrackMate shows no such action. */
	@Test
	void trackMateFindsTheAction()
	{
		final TrackMateActionFactory factory = new ActionProvider().getFactory( PruneTrackletsAction.KEY );
		assertNotNull( factory );
		assertInstanceOf( PruneTrackletsAction.class, factory.create() );
		assertNotNull( factory.getIcon() );
	}

	@Test
	void shortDaughterGoes()
	{
		prune( PruneSettings.inFrames( 3 ), false );
		assertCounts( model, 8, 7, 0 );
		assertTrue( model.getSpots().iterable( false ).iterator().hasNext() );
		model.getSpots().iterable( false ).forEach( s -> assertTrue( s.getName().startsWith( "a" ), s.getName() ) );
		assertTrue( log.text.toString().contains( "removed 2 spots and 2 links" ), log.text.toString() );
		assertTrue( log.text.toString().contains( "in frame 4: short_leaf" ), log.text.toString() );
	}

	/** Length 2 frames of 30 s: not below 60 s, below 61 s. */
	@Test
	void minimumInTimeUnits()
	{
		prune( PruneSettings.inTime( 60, trackmate.getSettings().dt ), false );
		assertCounts( model, 10, 9, 1 );
		prune( PruneSettings.inTime( 61, trackmate.getSettings().dt ), false );
		assertCounts( model, 8, 7, 0 );
	}

	@Test
	void dryRunChangesNothing()
	{
		prune( PruneSettings.inFrames( 3 ), true );
		assertCounts( model, 10, 9, 1 );
		assertTrue( log.text.toString().contains( "would remove 2 spots and 2 links" ), log.text.toString() );
	}

	/**
	 * The movie ends in frame 9, so that b4 is no censored end; tracked up to
	 * frame 4 only, it is one.
	 */
	@Test
	void lastFrameIsThatOfTheTrackedPart()
	{
		assertEquals( 9, ModelPruner.lastFrame( model, trackmate.getSettings() ) );
		assertEquals( 7, ModelPruner.lastFrame( model, null ) );
	}

	/** No screen and no settings: a message, and nothing is changed. */
	@Test
	void headlessWithoutSettings()
	{
		prune( null, false );
		assertTrue( log.text.toString().startsWith( "ERROR" ), log.text.toString() );
		assertCounts( model, 10, 9, 1 );
	}

	/** No orphans in the file: what was removed is not there after reloading. */
	@Test
	void savedAndReloaded() throws IOException
	{
		prune( PruneSettings.inFrames( 3 ), false );
		final File file = folder.resolve( "tracks.xml" ).toFile();
		final TmXmlWriter writer = new TmXmlWriter( file, Logger.VOID_LOGGER );
		writer.appendModel( model );
		writer.appendSettings( trackmate.getSettings() );
		writer.writeToFile();

		final TmXmlReader reader = new TmXmlReader( file );
		final Model reloaded = reader.getModel();
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		assertCounts( reloaded, 8, 7, 0 );
		final Map< String, Double > features = reloaded.getSpots().iterator( 0, false ).next().getFeatures();
		assertEquals( 10.0, features.get( Spot.POSITION_X ) );
	}

	private void restore()
	{
		final RestorePrunedAction action = ( RestorePrunedAction ) new ActionProvider().getFactory( RestorePrunedAction.KEY ).create();
		action.setLogger( log );
		action.execute( trackmate, null, null, null );
	}

	/** Links as ids and cost; spots as id, frame, all features. */
	private String contents()
	{
		final List< String > lines = new ArrayList<>();
		model.getTrackModel().edgeSet().forEach( e -> lines.add( model.getTrackModel().getEdgeSource( e ).ID() + "-" + model.getTrackModel().getEdgeTarget( e ).ID() + " " + model.getTrackModel().getEdgeWeight( e ) ) );
		model.getSpots().iterable( false ).forEach( s -> lines.add( s.ID() + s.getName() + new TreeMap<>( s.getFeatures() ) ) );
		lines.sort( null );
		return String.join( "\n", lines );
	}

	/** Spots, ids, features, visibility, links and costs are as before. */
	@Test
	void restoredExactly()
	{
		model.getSpots().iterator( 4, false ).next().putFeature( SpotCollection.VISIBILITY, SpotCollection.ZERO );
		assertTrue( trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		final String before = contents();
		prune( PruneSettings.inFrames( 3 ), false );
		restore();
		assertEquals( before, contents() );
		assertCounts( model, 10, 9, 1 );
		assertTrue( log.text.toString().contains( "put back 2 spots and 2 links" ), log.text.toString() );
		restore();
		assertTrue( log.text.toString().contains( "ERROR Restore pruned: nothing was pruned" ), log.text.toString() );
	}

	/** a2 is the mother; without her the link to b3 cannot come back. */
	@Test
	void restoredAroundLaterEdits()
	{
		prune( PruneSettings.inFrames( 3 ), false );
		model.beginUpdate();
		model.removeSpot( model.getSpots().iterator( 2, false ).next() );
		model.endUpdate();
		restore();
		assertEquals( 9, model.getSpots().getNSpots( false ) );
		assertEquals( 6, model.getTrackModel().edgeSet().size() );
		assertTrue( log.text.toString().contains( "one of its spots was deleted" ), log.text.toString() );
	}

	/** Only the last pruning is put back. */
	@Test
	void lastPruningCounts()
	{
		prune( PruneSettings.inFrames( 3 ), false );
		prune( PruneSettings.inFrames( 20 ).withShortTracks( true ), false );
		assertEquals( 0, model.getSpots().getNSpots( false ) );
		restore();
		assertCounts( model, 8, 7, 0 );
	}
}
