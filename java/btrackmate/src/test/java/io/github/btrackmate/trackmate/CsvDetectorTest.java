/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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
import fiji.plugin.trackmate.gui.components.ConfigurationPanel;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.io.TmXmlWriter;
import fiji.plugin.trackmate.providers.DetectorProvider;
import fiji.plugin.trackmate.tracking.jaqaman.SparseLAPTrackerFactory;
import ij.ImagePlus;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Tables through the real TrackMate. The image has 3 frames of 8 × 6 pixels of
 * 0.5 µm, 30 s apart.
 */
class CsvDetectorTest
{
	private static final String TABLE = "T,X,Y,Label,Mean speed (µm/s),note\n"
			+ "0,2,4,70000,1.5,a\n"
			+ "2,3.5,4,4294967295,,b\n";

	@TempDir
	Path folder;

	private final TextLogger log = new TextLogger();

	private TrackMate trackmate;

	/** Of the image, in seconds; 0 where it states none. */
	private double frameInterval = 30;

	private boolean run( final String table, final ImagePlus mask, final Map< String, Object > changes ) throws IOException
	{
		final Path file = folder.resolve( "cells.csv" );
		Files.writeString( file, table );
		final ImagePlus image = image( 3 );
		image.getCalibration().frameInterval = frameInterval;
		final Settings settings = new Settings( image );
		final Model model = new Model();
		model.setLogger( log );
		settings.detectorFactory = new CsvDetectorFactory<>( model, mask );
		final Map< String, Object > detectorSettings = new HashMap<>( settings.detectorFactory.getDefaultSettings() );
		detectorSettings.put( CsvDetectorFactory.CSV_FILE, file.toString() );
		detectorSettings.putAll( changes );
		assertNull( settings.detectorFactory.checkSettings( detectorSettings ) );
		settings.detectorSettings = detectorSettings;
		settings.trackerFactory = new SparseLAPTrackerFactory();
		settings.trackerSettings = settings.trackerFactory.getDefaultSettings();
		settings.addAllAnalyzers();
		trackmate = new TrackMate( model, settings );
		return trackmate.execDetection();
	}

	private static ImagePlus image( final int frames )
	{
		return TestImages.movie2D( "movie", 8, 0.5, new int[ frames ][ 6 ][ 8 ] );
	}

	private List< Spot > detect( final String table, final ImagePlus mask, final Map< String, Object > changes ) throws IOException
	{
		assertTrue( run( table, mask, changes ), trackmate.getErrorMessage() );
		return spots( trackmate.getModel() );
	}

	private static List< Spot > spots( final Model model )
	{
		final List< Spot > spots = new ArrayList<>();
		model.getSpots().iterable( false ).forEach( spots::add );
		spots.sort( null );
		return spots;
	}

	private String failure( final String table, final Map< String, Object > changes ) throws IOException
	{
		assertFalse( run( table, null, changes ) );
		return trackmate.getErrorMessage();
	}

	private static final Map< String, Object > PIXELS = Map.of( CsvDetectorFactory.CSV_UNITS, "pixels" );

	@Test
	void trackMateFindsTheDetector()
	{
		assertNotNull( new DetectorProvider().getFactory( CsvDetectorFactory.KEY ) );
	}

	/** Pixels of 0.5 µm; positions stay fractions, frame 1 is empty, the id of 32 bits is whole. */
	@Test
	void rowsInPixels() throws IOException
	{
		final List< Spot > spots = detect( TABLE, null, PIXELS );
		assertEquals( 2, spots.size() );
		assertEquals( 1.75, spots.get( 1 ).getFeature( Spot.POSITION_X ) );
		assertEquals( 2.0, spots.get( 1 ).getFeature( Spot.POSITION_Y ) );
		assertEquals( 2.0, spots.get( 1 ).getFeature( Spot.FRAME ) );
		assertEquals( 60.0, spots.get( 1 ).getFeature( Spot.POSITION_T ) );
		assertEquals( 5.0, spots.get( 1 ).getFeature( Spot.RADIUS ) );
		assertEquals( 4294967295.0, spots.get( 1 ).getFeature( SpotColumn.LABEL.key() ) );
		assertTrue( log.text.toString().contains( "Columns that are not read: note" ), log.text.toString() );
	}

	@Test
	void rowsInPhysicalUnits() throws IOException
	{
		assertEquals( 3.5, detect( TABLE, null, Map.of() ).get( 1 ).getFeature( Spot.POSITION_X ) );
	}

	/** The column's name is no XML name; the value of the second row is missing and stays so, through a file too. */
	@Test
	void furtherColumnsAreFeatures() throws IOException
	{
		detect( TABLE, null, PIXELS );
		assertTrue( trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		final File file = folder.resolve( "spots.xml" ).toFile();
		final TmXmlWriter writer = new TmXmlWriter( file, Logger.VOID_LOGGER );
		writer.appendModel( trackmate.getModel() );
		writer.appendSettings( trackmate.getSettings() );
		writer.writeToFile();
		final TmXmlReader reader = new TmXmlReader( file );
		final Model reloaded = reader.getModel();
		final Settings settings = reader.readSettings( image( 3 ) );
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		final String key = "Mean_speed___m_s_";
		assertEquals( "Mean speed (µm/s)", reloaded.getFeatureModel().getSpotFeatureNames().get( key ) );
		assertEquals( 1.5, spots( reloaded ).get( 0 ).getFeature( key ) );
		assertNull( spots( reloaded ).get( 1 ).getFeature( key ) );
		assertEquals( trackmate.getSettings().detectorSettings, settings.detectorSettings );
		assertEquals( CsvDetectorFactory.KEY, settings.detectorFactory.getKey() );
	}

	/** TrackMate's AREA and PERIMETER are those of an outline, or of a disc; the table's get keys of their own. */
	@Test
	void featuresOfTheTableAreNotMeasuredAnew() throws IOException
	{
		final List< Spot > spots = detect( "frame,x,y,AREA,Perimeter,perimeter,PERIMETER\n0,1,1,70,80,90,95\n", null, Map.of() );
		assertTrue( trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		assertEquals( 70.0, spots.get( 0 ).getFeature( "AREA_2" ) );
		assertEquals( "AREA", trackmate.getModel().getFeatureModel().getSpotFeatureNames().get( "AREA_2" ) );
		assertEquals( 80.0, spots.get( 0 ).getFeature( "Perimeter" ) );
		assertEquals( 90.0, spots.get( 0 ).getFeature( "LABEL_PERIMETER" ) );
		assertEquals( 95.0, spots.get( 0 ).getFeature( "PERIMETER_2" ) );
	}

	/** The image states no interval: the times count frames by the step that is found in them. */
	@Test
	void timesOfAnImageWithoutInterval() throws IOException
	{
		frameInterval = 0;
		final List< Spot > spots = detect( "t,x,y\n0,1,1\n24,1,1\n48,1,1\n", null, Map.of( CsvDetectorFactory.CSV_TIME, "time" ) );
		assertEquals( List.of( 0.0, 1.0, 2.0 ), spots.stream().map( s -> s.getFeature( Spot.FRAME ) ).toList() );
		assertTrue( log.text.toString().contains( "from the times of the table it is 24 sec" ), log.text.toString() );
	}

	@Test
	void idsAreKept() throws IOException
	{
		final List< Spot > spots = detect( "id,frame,x,y,radius\n12,0,1,1,0.7\n5,1,1,1,0.8\n", null, Map.of() );
		assertEquals( List.of( 5, 12 ), List.of( spots.get( 0 ).ID(), spots.get( 1 ).ID() ) );
		assertEquals( 0.8, spots.get( 0 ).getFeature( Spot.RADIUS ) );
		assertEquals( "ID5", spots.get( 0 ).getName() );
	}

	@Test
	void idsTooLargeForTrackMate() throws IOException
	{
		assertEquals( 1, detect( "id,frame,x,y\n3000000000,0,1,1\n", null, Map.of() ).size() );
		assertTrue( log.text.toString().contains( "numbered anew" ), log.text.toString() );
	}

	@Test
	void columnsByName() throws IOException
	{
		final List< Spot > spots = detect( "slice,cx,y\n1,2,1\n", null, Map.of( CsvDetectorFactory.CSV_COLUMNS, "x=cx, frame=slice" ) );
		assertEquals( 2.0, spots.get( 0 ).getFeature( Spot.POSITION_X ) );
		assertEquals( 1.0, spots.get( 0 ).getFeature( Spot.FRAME ) );
	}

	/** Time only: 60 s are frame 2. */
	@Test
	void timeInsteadOfFrame() throws IOException
	{
		assertEquals( 2.0, detect( "time,x,y\n60,2,1\n", null, Map.of() ).get( 0 ).getFeature( Spot.FRAME ) );
	}

	/** Tissue 3 is columns 0 to 3, its surface at 3.5 pixels = 1.75 µm. */
	@Test
	void tissueMask() throws IOException
	{
		final int[][] rows = new int[ 6 ][ 8 ];
		for ( final int[] row : rows )
			Arrays.fill( row, 0, 4, 3 );
		final ImagePlus mask = TestImages.movie2D( "mask", 8, 0.5, rows );
		final List< Spot > spots = detect( "frame,x,y\n0,1,1\n0,2,1\n1,99,1\n", mask, Map.of() );
		assertEquals( 1, spots.size() );
		assertEquals( 0.75, spots.get( 0 ).getFeature( SpotColumn.BOUNDARY_DISTANCE.key() ), 1e-9 );
		assertEquals( 3.0, spots.get( 0 ).getFeature( SpotColumn.TISSUE.key() ) );
		assertTrue( log.text.toString().contains( "line 3 is dropped (centroid_outside)" ), log.text.toString() );
		assertTrue( log.text.toString().contains( "line 4 is dropped (outside_image)" ), log.text.toString() );
	}

	/** The wizard's panel gives back what it was given, and its model has the features of the table. */
	@Test
	void panelKeepsSettings() throws IOException
	{
		detect( TABLE, null, Map.of( CsvDetectorFactory.CSV_UNITS, "pixels", CsvDetectorFactory.DEFAULT_RADIUS, 2.5, CsvDetectorFactory.SKIP_BAD_ROWS, true, CsvDetectorFactory.CSV_COLUMNS, "x=X" ) );
		final Settings settings = trackmate.getSettings();
		settings.detectorFactory = new CsvDetectorFactory<>();
		final Model model = new Model();
		final ConfigurationPanel panel = settings.detectorFactory.getDetectorConfigurationPanel( settings, model );
		panel.setSettings( settings.detectorSettings );
		assertEquals( settings.detectorSettings, panel.getSettings() );
		final TrackMate wizard = new TrackMate( model, settings );
		assertTrue( wizard.execDetection(), wizard.getErrorMessage() );
		assertTrue( model.getFeatureModel().getSpotFeatures().contains( "Mean_speed___m_s_" ) );
	}

	@Test
	void faultsNameFileAndLine() throws IOException
	{
		assertTrue( failure( "frame,y\n0,1\n", Map.of() ).contains( "there is no column x" ) );
		assertTrue( failure( "frame,x,y\n3,1,1\n", Map.of() ).contains( "cells.csv, line 2: frame 3 does not exist; image 'movie' has the frames 0 to 2" ) );
		assertTrue( failure( "frame,x,y\n0,1,a\n", Map.of() ).contains( "cells.csv, line 2" ) );
		assertTrue( failure( TABLE, Map.of( CsvDetectorFactory.CSV_COLUMNS, "cx" ) ).contains( "Columns are 'cx'" ) );
		assertTrue( failure( TABLE, Map.of( CsvDetectorFactory.CSV_FILE, "nowhere.csv" ) ).contains( "There is no file 'nowhere.csv'" ) );
	}

	@Test
	void badRowsAreSkippedAndListed() throws IOException
	{
		assertEquals( 1, detect( "frame,x,y\n0,1,a\n0,1,1\n", null, Map.of( CsvDetectorFactory.SKIP_BAD_ROWS, true ) ).size() );
		assertTrue( log.text.toString().contains( "ERROR Warning: cells.csv: 1 bad rows of 2 are left out: lines 2. The first: cells.csv, line 2" ), log.text.toString() );
	}

	/** Pixels taken for micrometres. */
	@Test
	void positionsOutsideTheImageAreAWarning() throws IOException
	{
		detect( "frame,x,y\n0,7,1\n", null, Map.of() );
		assertTrue( log.text.toString().contains( "1 spots of cells.csv lie outside image 'movie'" ), log.text.toString() );
	}
}
