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
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.detection.DetectorKeys;
import fiji.plugin.trackmate.features.FeatureFilter;
import fiji.plugin.trackmate.gui.components.ConfigurationPanel;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.io.TmXmlWriter;
import fiji.plugin.trackmate.providers.DetectorProvider;
import fiji.plugin.trackmate.providers.SpotAnalyzerProvider;
import fiji.plugin.trackmate.tracking.jaqaman.SparseLAPTrackerFactory;
import ij.IJ;
import ij.ImagePlus;
import ij.VirtualStack;
import ij.process.ImageProcessor;
import ij.process.ShortProcessor;
import io.github.btrackmate.schema.IntensityColumn;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Label images through the real TrackMate.
 */
class LabelMaskDetectorTest
{
	/**
	 * Cell 70000 moves by one pixel; cell 5 is a row of three pixels.
	 */
	private static final int[][] FRAME_0 = {
			{ 0, 0, 0, 0, 0, 0 },
			{ 0, 70000, 70000, 0, 5, 0 },
			{ 0, 70000, 70000, 0, 5, 0 },
			{ 0, 0, 0, 0, 5, 0 } };

	private static final int[][] FRAME_1 = {
			{ 0, 0, 0, 0, 0, 0 },
			{ 0, 0, 70000, 70000, 5, 0 },
			{ 0, 0, 70000, 70000, 5, 0 },
			{ 0, 0, 0, 0, 5, 0 } };

	/** Tissue 2 on the left, columns 0 to 2. */
	private static final int[][] LEFT = {
			{ 2, 2, 2, 0, 0, 0 },
			{ 2, 2, 2, 0, 0, 0 },
			{ 2, 2, 2, 0, 0, 0 },
			{ 2, 2, 2, 0, 0, 0 } };

	private final TextLogger log = new TextLogger();

	private final ImagePlus movie = TestImages.movie2D( "cells", 32, 0.5, FRAME_0, FRAME_1 );

	private TrackMate trackmate( final ImagePlus image, final ImagePlus labels, final ImagePlus mask, final Map< String, Object > changes )
	{
		final Settings settings = new Settings( image );
		settings.detectorFactory = new LabelMaskDetectorFactory<>( labels, mask );
		settings.detectorSettings = settings.detectorFactory.getDefaultSettings();
		settings.detectorSettings.putAll( changes );
		assertNull( settings.detectorFactory.checkSettings( settings.detectorSettings ) );
		settings.trackerFactory = new SparseLAPTrackerFactory();
		settings.trackerSettings = settings.trackerFactory.getDefaultSettings();
		settings.addAllAnalyzers();
		final Model model = new Model();
		model.setPhysicalUnits( "µm", "sec" );
		model.setLogger( log );
		final TrackMate trackmate = new TrackMate( model, settings );
		trackmate.setNumThreads( 2 );
		return trackmate;
	}

	private List< Spot > detect( final ImagePlus labels, final ImagePlus mask, final Map< String, Object > changes )
	{
		final TrackMate trackmate = trackmate( labels, null, mask, changes );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		return spots( trackmate.getModel() );
	}

	private static List< Spot > spots( final Model model )
	{
		final List< Spot > spots = new ArrayList<>();
		model.getSpots().iterable( false ).forEach( spots::add );
		spots.sort( Comparator.comparing( Spot::ID ) );
		return spots;
	}

	private static double value( final Spot spot, final SpotColumn column )
	{
		return spot.getFeature( column.key() );
	}

	private String failure( final ImagePlus image, final ImagePlus labels, final ImagePlus mask, final Map< String, Object > changes )
	{
		final TrackMate trackmate = trackmate( image, labels, mask, changes );
		assertFalse( trackmate.execDetection() );
		return trackmate.getErrorMessage();
	}

	/** Without the index of @Plugin classes, TrackMate has neither. */
	@Test
	void trackMateFindsDetectorAndFeatures()
	{
		assertNotNull( new DetectorProvider().getFactory( LabelMaskDetectorFactory.KEY ) );
		assertNotNull( new SpotAnalyzerProvider( 1 ).getFactory( SpotFeatures.KEY ) );
	}

	/**
	 * The hand-computed cells that core and pytest have too, in both frames of a
	 * movie; ids that no float image holds are refused, with the image's name.
	 * (One plane of a 3D image is left out: ImageJ cannot tell it from 2D.)
	 */
	@TestFactory
	List< DynamicTest > handComputedCells() throws IOException
	{
		try (Stream< Path > files = Files.list( Paths.get( System.getProperty( "golden.dir" ), "measure" ) ))
		{
			return files.filter( f -> f.toString().endsWith( ".json" ) && !f.endsWith( "single_plane_3d.json" ) ).sorted().map( f -> DynamicTest.dynamicTest( f.getFileName().toString(), () -> checkCells( f ) ) ).collect( Collectors.toList() );
		}
	}

	private void checkCells( final Path file ) throws IOException
	{
		final JsonObject golden = JsonParser.parseString( Files.readString( file ) ).getAsJsonObject();
		final String name = golden.get( "name" ).getAsString();
		final ImagePlus labels = TestImages.twice( name, List.of( golden.getAsJsonArray( "labels" ) ), golden.getAsJsonArray( "spacing" ) );
		final List< JsonElement > cells = golden.getAsJsonArray( "cells" ).asList();
		if ( cells.stream().anyMatch( c -> c.getAsJsonObject().get( "label" ).getAsLong() > 1L << 24 ) )
		{
			final String message = failure( labels, null, null, Map.of() );
			assertTrue( message.contains( "'" + name + "'" ) && message.contains( "16777216" ), message );
			return;
		}
		final List< JsonArray > channels = golden.getAsJsonArray( "channels" ).asList().stream().map( JsonElement::getAsJsonArray ).collect( Collectors.toList() );
		final ImagePlus image = channels.isEmpty() ? labels : TestImages.twice( name, channels, golden.getAsJsonArray( "spacing" ) );
		final TrackMate trackmate = trackmate( image, labels, null, Map.of() );
		assertTrue( trackmate.execDetection() && trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		final List< Spot > spots = spots( trackmate.getModel() );
		assertEquals( 2 * cells.size(), spots.size() );
		for ( int i = 0; i < spots.size(); i++ )
		{
			final JsonObject cell = cells.get( i % cells.size() ).getAsJsonObject();
			assertEquals( i / cells.size(), spots.get( i ).getFeature( Spot.FRAME ).intValue() );
			assertEquals( 30.0 * ( i / cells.size() ), spots.get( i ).getFeature( Spot.POSITION_T ) );
			check( cell, spots.get( i ), image.getNSlices() > 1 );
			checkIntensities( cell, spots.get( i ) );
		}
	}

	/** TrackMate's own keys have what the voxels of the label give, also after it computed its features. */
	private static void checkIntensities( final JsonObject cell, final Spot spot )
	{
		cell.keySet().stream().filter( n -> n.contains( "_intensity_ch" ) ).forEach( name -> {
			final Double value = spot.getFeature( IntensityColumn.key( name ) );
			if ( cell.get( name ).isJsonNull() )
				assertNull( value, name );
			else
				assertEquals( cell.get( name ).getAsDouble(), value, Math.max( 1e-9, 1e-6 * Math.abs( cell.get( name ).getAsDouble() ) ), name );
		} );
	}

	private static void check( final JsonObject cell, final Spot spot, final boolean is3D )
	{
		for ( final String name : List.of( "label", "voxels", "volume", "x", "y", "z", "radius", "ellipsoid_a", "ellipsoid_b", "components" ) )
			checkValue( cell, spot, name );
		assertEquals( cell.get( "voxels" ).getAsDouble(), spot.getFeature( Spot.QUALITY ) );
		assertEquals( cell.get( "touches_border" ).getAsBoolean() ? 1.0 : 0.0, value( spot, SpotColumn.TOUCHES_BORDER ) );
		assertEquals( is3D, spot.getRoi() == null );
		if ( is3D )
		{
			checkValue( cell, spot, "ellipsoid_c" );
			checkValue( cell, spot, "surface" );
		}
	}

	private static void checkValue( final JsonObject cell, final Spot spot, final String name )
	{
		final double expected = cell.get( name ).getAsDouble();
		assertEquals( expected, spot.getFeature( SpotColumn.find( name ).get().key() ), Math.max( 1e-9, 1e-6 * Math.abs( expected ) ), name );
	}

	/** 2 × 2 pixels of 0.5 around (0.75, 0.75): corners 0.5 to both sides. */
	@Test
	void contourFollowsThePixelEdges()
	{
		final Spot spot = detect( movie, null, Map.of( "SIMPLIFY_CONTOURS", false ) ).get( 1 );
		assertEquals( 70000, value( spot, SpotColumn.LABEL ) );
		assertEquals( 4 * 0.25, spot.getRoi().area(), 1e-12 );
		for ( final double x : spot.getRoi().x )
			assertEquals( 0.5, Math.abs( x ), 1e-12 );
		for ( final double y : spot.getRoi().y )
			assertEquals( 0.5, Math.abs( y ), 1e-12 );
	}

	/** Of a label in two pieces, the larger one is outlined; it is still one spot, and the log says so. */
	@Test
	void disconnectedLabelIsOneSpot()
	{
		final List< Spot > spots = detect( TestImages.movie2D( "pieces", 8, 1, new int[][] { { 3, 0, 3, 3 }, { 0, 0, 3, 3 } } ), null, Map.of( "SIMPLIFY_CONTOURS", false ) );
		assertEquals( 1, spots.size() );
		assertEquals( 4.0, spots.get( 0 ).getRoi().area(), 1e-12 );
		assertEquals( 5.0, value( spots.get( 0 ), SpotColumn.VOXELS ) );
		assertEquals( 2.0, spots.get( 0 ).getFeature( Spot.POSITION_X ), 1e-12 );
		assertTrue( log.text.toString().contains( "label 3 is in 2 pieces" ), log.text.toString() );
	}

	/**
	 * Tissue is columns 0 to 2, its surface at x = 1.25 (column 2.5). Cell 70000
	 * is inside, then half inside; cell 5 is outside.
	 */
	@Test
	void tissueMaskDropsAndMeasures()
	{
		final List< Spot > spots = detect( movie, TestImages.movie2D( "mask", 8, 0.5, LEFT ), Map.of() );
		assertEquals( 2, spots.size() );
		assertEquals( 0.5, value( spots.get( 0 ), SpotColumn.BOUNDARY_DISTANCE ), 1e-9 );
		assertEquals( 0.0, value( spots.get( 1 ), SpotColumn.BOUNDARY_DISTANCE ), 1e-9 );
		assertEquals( 1.0, value( spots.get( 0 ), SpotColumn.TISSUE_FRACTION ) );
		assertEquals( 0.5, value( spots.get( 1 ), SpotColumn.TISSUE_FRACTION ) );
		assertEquals( 2.0, value( spots.get( 1 ), SpotColumn.TISSUE ) );
		assertTrue( log.text.toString().contains( "Frame 1: label 5 is dropped (1 outside), 1 kept." ), log.text.toString() );
	}

	/** In frame 1 two of four pixels of cell 70000 are inside. */
	@Test
	void policies()
	{
		final ImagePlus mask = TestImages.movie2D( "mask", 8, 0.5, LEFT );
		assertEquals( 1, detect( movie, mask, Map.of( "MASK_POLICY", "fraction", "MASK_FRACTION", 0.75 ) ).size() );
		final List< Spot > clipped = detect( movie, mask, Map.of( "MASK_POLICY", "clip" ) );
		assertEquals( 2.0, value( clipped.get( 1 ), SpotColumn.VOXELS ) );
		assertEquals( 1.0, clipped.get( 1 ).getFeature( Spot.POSITION_X ), 1e-12 );
		assertEquals( 0, detect( movie, mask, Map.of( "MASK_TISSUES", "1, 3" ) ).size() );
		assertTrue( log.text.toString().contains( "ERROR No cell was found in the label image 'cells' and the tissue mask" ), log.text.toString() );
	}

	/** Channel 1 has intensities, 2 labels, 3 the mask. */
	@Test
	void labelsAndMaskAreChannels()
	{
		final ImagePlus image = IJ.createHyperStack( "channels", 6, 4, 3, 1, 2, 32 );
		for ( int t = 1; t <= 2; t++ )
		{
			image.getStack().setProcessor( movie.getStack().getProcessor( t ), image.getStackIndex( 2, 1, t ) );
			image.getStack().setProcessor( TestImages.movie2D( "", 32, 1, LEFT ).getProcessor(), image.getStackIndex( 3, 1, t ) );
		}
		final List< Spot > spots = detect( image, null, Map.of( DetectorKeys.KEY_TARGET_CHANNEL, 2, "MASK_CHANNEL", 3 ) );
		assertEquals( List.of( 70000.0, 70000.0 ), spots.stream().map( s -> value( s, SpotColumn.LABEL ) ).collect( Collectors.toList() ) );
	}

	/** Three planes of 2 µm: the cell reaches from plane 0 to 2, its centroid is in plane 1. Cropped to plane 0 it is not there, to plane 1 it is whole. */
	@Test
	void croppedCellsAreMeasuredWhole()
	{
		final int[][] plane = { { 0, 7, 0 }, { 0, 7, 0 } };
		final TrackMate trackmate = trackmate( TestImages.stack3D( "stack", 16, new double[] { 1, 1, 2 }, plane, plane, plane ), null, null, Map.of() );
		trackmate.getSettings().zend = 0;
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertEquals( 0, spots( trackmate.getModel() ).size() );
		trackmate.getSettings().zstart = 1;
		trackmate.getSettings().zend = 1;
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertEquals( 6.0, value( spots( trackmate.getModel() ).get( 0 ), SpotColumn.VOXELS ) );
	}

	/** TrackMate's ROI crop: cell 5 lies outside; cell 70000 stays whole where the ROI cuts it. */
	@Test
	void croppedToARoi()
	{
		movie.setRoi( 0, 0, 3, 3 );
		final TrackMate trackmate = trackmate( movie, null, null, Map.of() );
		trackmate.getSettings().setRoi( movie.getRoi() );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		final List< Spot > spots = spots( trackmate.getModel() );
		assertEquals( List.of( 70000.0 ), spots.stream().map( s -> value( s, SpotColumn.LABEL ) ).distinct().collect( Collectors.toList() ) );
		assertEquals( 4.0, value( spots.get( 0 ), SpotColumn.VOXELS ) );
	}

	/** 2.7 GB that are in no memory: planes that are made as they are asked for, two cells in the last one of each frame. */
	@Test
	void virtualStackOverTwoGigabytes()
	{
		final int size = 4096;
		final int planes = 40;
		final ShortProcessor empty = new ShortProcessor( size, size );
		final ShortProcessor full = new ShortProcessor( size, size );
		for ( int x = 0; x < 3; x++ )
		{
			full.set( 10 + x, 20, 65000 );
			full.set( size - 1, size - 1 - x, 7 );
		}
		final VirtualStack stack = new VirtualStack( size, size, null, null )
		{
			@Override
			public int getSize()
			{
				return 2 * planes;
			}

			@Override
			public ImageProcessor getProcessor( final int n )
			{
				return n % planes == 0 ? full : empty;
			}

			@Override
			public int getBitDepth()
			{
				return 16;
			}

			@Override
			public String getSliceLabel( final int n )
			{
				return null;
			}
		};
		final ImagePlus image = new ImagePlus( "large", stack );
		image.setDimensions( 1, planes, 2 );
		assertTrue( ( long ) size * size * 2 * stack.getSize() > 2L << 30 );
		final List< Spot > spots = detect( image, null, Map.of() );
		assertEquals( List.of( 7.0, 65000.0, 7.0, 65000.0 ), spots.stream().map( s -> value( s, SpotColumn.LABEL ) ).collect( Collectors.toList() ) );
		assertEquals( 11.0, spots.get( 1 ).getFeature( Spot.POSITION_X ), 1e-9 );
		assertEquals( planes - 1.0, spots.get( 1 ).getFeature( Spot.POSITION_Z ), 1e-9 );
		assertEquals( 65000.0, spots.get( 3 ).getFeature( "MEAN_INTENSITY_CH1" ), 1e-9 );
	}

	/** Only frame 1 is asked for. */
	@Test
	void croppedInTime()
	{
		final TrackMate trackmate = trackmate( movie, null, null, Map.of() );
		trackmate.getSettings().tstart = 1;
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertEquals( List.of( 1, 1 ), spots( trackmate.getModel() ).stream().map( s -> s.getFeature( Spot.FRAME ).intValue() ).collect( Collectors.toList() ) );
	}

	/** What TrackMate computes again leaves label id and volume alone; filters know them; the file has them. */
	@Test
	void featuresSurviveComputingAndSaving( @TempDir final Path folder ) throws IOException
	{
		final TrackMate trackmate = trackmate( movie, null, TestImages.movie2D( "mask", 8, 0.5, LEFT ), Map.of( "MASK_POLICY", "centroid", "MASK_TISSUES", "2" ) );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertTrue( trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		trackmate.getSettings().addSpotFilter( new FeatureFilter( SpotColumn.LABEL.key(), 69999.5, true ) );
		assertTrue( trackmate.execSpotFiltering( false ), trackmate.getErrorMessage() );

		final File file = folder.resolve( "spots.xml" ).toFile();
		final TmXmlWriter writer = new TmXmlWriter( file, Logger.VOID_LOGGER );
		writer.appendModel( trackmate.getModel() );
		writer.appendSettings( trackmate.getSettings() );
		writer.writeToFile();
		final TmXmlReader reader = new TmXmlReader( file );
		final Model reloaded = reader.getModel();
		final Settings settings = reader.readSettings( movie );
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		assertEquals( LabelMaskDetectorFactory.KEY, settings.detectorFactory.getKey() );
		assertEquals( trackmate.getSettings().detectorSettings, settings.detectorSettings );

		assertEquals( 1, reloaded.getSpots().getNSpots( 0, true ) );
		final TrackMate again = new TrackMate( reloaded, settings );
		assertTrue( again.computeSpotFeatures( false ), again.getErrorMessage() );
		final Spot spot = spots( reloaded ).get( 0 );
		assertEquals( 70000.0, value( spot, SpotColumn.LABEL ) );
		assertEquals( 1.0, value( spot, SpotColumn.VOLUME ), 1e-12 );
		assertEquals( 0.5, value( spot, SpotColumn.BOUNDARY_DISTANCE ), 1e-9 );
		assertNotNull( spot.getRoi() );
		for ( final SpotColumn column : SpotFeatures.columns() )
			assertTrue( reloaded.getFeatureModel().getSpotFeatures().contains( column.key() ), column.key() );
	}

	/**
	 * Cell 70000, 2 × 2 pixels of 0.5 µm, has an outline of 4 µm, TrackMate's
	 * PERIMETER; ours is an estimate, π/4 of it, and has a key of its own.
	 */
	@Test
	void perimetersHaveOneMeaningAKey()
	{
		final TrackMate trackmate = trackmate( movie, null, null, Map.of( "SIMPLIFY_CONTOURS", false ) );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertTrue( trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		final Spot spot = spots( trackmate.getModel() ).stream().filter( s -> value( s, SpotColumn.LABEL ) == 70000 ).findFirst().orElseThrow();
		assertEquals( 4, spot.getFeature( "PERIMETER" ), 1e-9 );
		assertEquals( Math.PI, value( spot, SpotColumn.PERIMETER ), 1e-9 );
	}

	/** What TrackMate measures of a spot has keys that are not ours; intensities of a label are ours on purpose. */
	@Test
	void noKeyIsAlsoTrackMates()
	{
		final Set< String > theirs = SpotFeatures.trackMates( 2 );
		assertTrue( theirs.contains( "PERIMETER" ) && theirs.contains( "AREA" ) && theirs.contains( "MEAN_INTENSITY_CH2" ), theirs.toString() );
		for ( final SpotColumn column : SpotFeatures.columns() )
			assertFalse( theirs.contains( column.key() ), column.key() );
	}

	/** TrackMate writes whole-number features as int: a higher id would become 2147483647. */
	@Test
	void highestIdSurvivesSaving( @TempDir final Path folder ) throws IOException
	{
		final TrackMate trackmate = trackmate( movie, null, null, Map.of() );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertTrue( trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		spots( trackmate.getModel() ).get( 0 ).putFeature( SpotColumn.LABEL.key(), 4294967295.0 );
		final File file = folder.resolve( "spots.xml" ).toFile();
		final TmXmlWriter writer = new TmXmlWriter( file, Logger.VOID_LOGGER );
		writer.appendModel( trackmate.getModel() );
		writer.writeToFile();
		assertEquals( 4294967295.0, value( spots( new TmXmlReader( file ).getModel() ).get( 0 ), SpotColumn.LABEL ) );
	}

	/** The wizard's panel gives back what it was given. */
	@Test
	void panelKeepsSettings()
	{
		final TrackMate trackmate = trackmate( movie, null, null, Map.of( LabelMaskDetectorFactory.LABEL_IMAGE, "labels.tif", "MASK_IMAGE", "mask", "MASK_CHANNEL", 2, "MASK_POLICY", "clip", "MASK_FRACTION", 0.25, "MASK_TISSUES", "1,2", "SIMPLIFY_CONTOURS", false ) );
		final ConfigurationPanel panel = trackmate.getSettings().detectorFactory.getDetectorConfigurationPanel( trackmate.getSettings(), trackmate.getModel() );
		panel.setSettings( trackmate.getSettings().detectorSettings );
		assertEquals( trackmate.getSettings().detectorSettings, panel.getSettings() );
	}

	@Test
	void faultsNameTheImage()
	{
		final ImagePlus small = TestImages.movie2D( "small", 8, 0.5, new int[][] { { 1, 0 } } );
		assertTrue( failure( movie, small, null, Map.of() ).contains( "Image 'small' is 2 x 1, 1 plane(s), 1 frame(s), 'cells' is 6 x 4" ) );
		assertTrue( failure( movie, null, small, Map.of() ).contains( "Image 'small'" ) );
		final ImagePlus real = TestImages.movie2D( "real", 32, 0.5, FRAME_0, FRAME_1 );
		real.getStack().getProcessor( 2 ).setf( 3, 1, 1.5f );
		assertTrue( failure( real, null, null, Map.of() ).matches( "(?s)Frame 1: Image 'real': Pixel .*1\\.5.*" ) );
		assertTrue( failure( movie, null, null, Map.of( DetectorKeys.KEY_TARGET_CHANNEL, 3 ) ).contains( "'cells' has 1 channel(s), channel 3" ) );
		assertTrue( failure( movie, null, null, Map.of( LabelMaskDetectorFactory.LABEL_IMAGE, "nowhere.tif" ) ).contains( "'nowhere.tif' is neither" ) );
		assertTrue( failure( movie, null, null, Map.of( "MASK_CHANNEL", 1, "MASK_TISSUES", "x" ) ).contains( "Tissue ids are 'x'" ) );
	}

	/** 2 frames of 1 plane against 2 planes of 1 frame. */
	@Test
	void swappedAxesAreNamed()
	{
		final ImagePlus swapped = TestImages.stack3D( "swapped", 32, new double[] { 0.5, 0.5, 1 }, FRAME_0, FRAME_1 );
		assertTrue( failure( movie, swapped, null, Map.of() ).contains( "Z and t look swapped" ) );
	}

	@Test
	void otherCalibrationIsAWarning()
	{
		final TrackMate trackmate = trackmate( movie, TestImages.movie2D( "labels", 32, 0.7, FRAME_0, FRAME_1 ), null, Map.of() );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertTrue( log.text.toString().contains( "Warning: image 'labels' has another voxel size" ), log.text.toString() );
		assertEquals( 1.0, value( spots( trackmate.getModel() ).get( 1 ), SpotColumn.VOLUME ), 1e-12 );
	}
}
