/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Color;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import javax.swing.SwingUtilities;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.gui.components.LogPanel;
import fiji.plugin.trackmate.providers.ActionProvider;
import fiji.plugin.trackmate.tracking.jaqaman.SparseLAPTrackerFactory;
import ij.ImagePlus;
import io.github.btrackmate.prune.PruneSettings;

/**
 * What was dropped or pruned: a line in the log, whatever there is, and a table
 * with all of it. TrackMate's panel fails at one message over 10,000 characters.
 */
class LeftOutTest
{
	private static final int CELLS = 400;

	/** Keeps messages apart. */
	private static final class Messages extends Logger
	{
		private final List< String > all = new ArrayList<>();

		@Override
		public void log( final String message, final Color color )
		{
			all.add( message );
		}

		@Override
		public void error( final String message )
		{
			all.add( message );
		}

		@Override
		public void setProgress( final double value )
		{}

		@Override
		public void setStatus( final String status )
		{}

		int longest()
		{
			return all.stream().mapToInt( String::length ).max().orElse( 0 );
		}

		long lines( final String part )
		{
			return all.stream().filter( m -> m.contains( part ) ).count();
		}
	}

	private final Messages log = new Messages();

	/** Cells of a pixel, every second one; the mask holds but the first. */
	private TrackMate detect( final Model model, final SpotsFrom from ) throws IOException
	{
		final int[][] labels = new int[ 2 ][ 2 * CELLS ];
		final int[][] mask = new int[ 2 ][ 2 * CELLS ];
		mask[ 0 ][ 0 ] = 1;
		for ( int i = 0; i < CELLS; i++ )
			labels[ 0 ][ 2 * i ] = i + 1;
		final ImagePlus image = TestImages.movie2D( "labels", 16, 1, labels, labels );
		model.setLogger( log );
		final Settings settings = new Settings( image );
		final ImagePlus tissue = TestImages.movie2D( "mask", 8, 1, mask );
		settings.detectorFactory = from == SpotsFrom.LABELS ? new LabelMaskDetectorFactory<>( model, null, tissue ) : new CsvDetectorFactory<>( model, tissue );
		settings.detectorSettings = settings.detectorFactory.getDefaultSettings();
		if ( from == SpotsFrom.TABLE )
			settings.detectorSettings.put( CsvDetectorFactory.CSV_FILE, table().toString() );
		settings.trackerFactory = new SparseLAPTrackerFactory();
		settings.trackerSettings = settings.trackerFactory.getDefaultSettings();
		final TrackMate trackmate = new TrackMate( model, settings );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		return trackmate;
	}

	private enum SpotsFrom
	{
		LABELS, TABLE
	}

	@TempDir
	Path folder;

	private Path table() throws IOException
	{
		final StringBuilder rows = new StringBuilder( "frame,x,y\n" );
		for ( int i = 0; i < CELLS; i++ )
			rows.append( "0," + 2 * i + ",0\n1," + 2 * i + ",0\n" );
		return Files.writeString( folder.resolve( "cells.csv" ), rows );
	}

	@Test
	void manyDroppedLabelsAreALineAndATable() throws IOException
	{
		final Model model = new Model();
		detect( model, SpotsFrom.LABELS );
		assertTrue( log.longest() < 200, log.longest() + " characters" );
		assertEquals( 2, log.lines( "399 cells are dropped (399 outside), 1 kept" ) );
		assertEquals( 2 * ( CELLS - 1 ), LeftOut.find( model, LeftOut.Kind.DROPPED ).orElseThrow().size() );
		final File xml = folder.resolve( "my.tracks.xml" ).toFile();
		LeftOut.save( model, xml );
		final List< String > lines = Files.readAllLines( folder.resolve( "my.tracks.dropped.csv" ) );
		assertEquals( "frame,label,line,voxels,tissue,tissue_fraction,reason", lines.get( 0 ) );
		assertEquals( "0,2,,1,0,0.0,outside", lines.get( 1 ) );
		assertEquals( 1 + 2 * ( CELLS - 1 ), lines.size() );
		assertEquals( List.of( "what,id,frame,label,source,target,cost,rule" ), Files.readAllLines( folder.resolve( "my.tracks.pruned.csv" ) ) );
	}

	@Test
	void manyDroppedRowsAreALineAndATable() throws IOException
	{
		final Model model = new Model();
		detect( model, SpotsFrom.TABLE );
		assertTrue( log.longest() < 200, log.longest() + " characters" );
		assertEquals( 2, log.lines( "399 cells are dropped" ) );
		assertEquals( 2 * ( CELLS - 1 ), LeftOut.find( model, LeftOut.Kind.DROPPED ).orElseThrow().size() );
	}

	/** A later detection replaces the table. */
	@Test
	void theTableIsThatOfTheLastDetection() throws IOException
	{
		final Model model = new Model();
		detect( model, SpotsFrom.LABELS );
		detect( model, SpotsFrom.TABLE );
		assertEquals( 1, model.getModelChangeListener().stream().filter( LeftOut.class::isInstance ).count() );
	}

	/** Whole short tracks: 400 tracks of two frames. */
	@Test
	void manyPrunedSpotsAreATableAndTheirFirstLines()
	{
		final Model model = new Model();
		model.beginUpdate();
		for ( int i = 0; i < CELLS; i++ )
		{
			final Spot a = new Spot( i, 0, 0, 1, 1 );
			final Spot b = new Spot( i, 0, 0, 1, 1 );
			model.addSpotTo( a, 0 );
			model.addSpotTo( b, 1 );
			model.addEdge( a, b, 2.5 );
		}
		model.addSpotTo( new Spot( 0, 0, 0, 1, 1 ), 9 );
		model.endUpdate();
		final PruneTrackletsAction action = new PruneTrackletsAction( PruneSettings.inFrames( 3 ).withShortTracks( true ), false );
		action.setLogger( log );
		action.execute( new TrackMate( model, new Settings( TestImages.movie2D( "m", 8, 1, new int[ 1 ][ 1 ] ) ) ), null, null, null );
		assertTrue( log.longest() < 2_000, log.longest() + " characters" );
		assertEquals( 1, log.lines( "and 1180 more; the action 'Show pruned spots and links' lists all." ) );
		final LeftOut table = LeftOut.find( model, LeftOut.Kind.PRUNED ).orElseThrow();
		assertEquals( 3 * CELLS, table.size() );
	}

	/** TrackMate's own panel, which threw. */
	@Test
	void trackMatesPanelTakesIt() throws IOException, InterruptedException, InvocationTargetException
	{
		final LogPanel panel = new LogPanel();
		final Model model = new Model();
		detect( model, SpotsFrom.LABELS );
		for ( final String message : log.all )
			panel.getLogger().log( message );
		SwingUtilities.invokeAndWait( () -> assertTrue( panel.getTextContent().contains( "Frame 1: 399 cells are dropped" ) ) );
	}

	/** In the wizard's list of actions, with its text; without a table it says so. */
	@Test
	void actions() throws IOException
	{
		final ActionProvider actions = new ActionProvider();
		for ( final LeftOut.Kind kind : LeftOut.Kind.values() )
		{
			final var factory = actions.getFactory( "BTRACKMATE_SHOW_" + kind );
			assertTrue( factory.getInfoText().startsWith( "<html>" ) );
			final var action = factory.create();
			action.setLogger( log );
			action.execute( new TrackMate( new Model(), new Settings( null ) ), null, null, null );
			assertEquals( 1, log.lines( kind.title() + ": none in this session" ) );
		}
	}
}
