/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.scijava.Cancelable;
import org.scijava.Context;
import org.scijava.command.Command;
import org.scijava.command.CommandService;
import org.scijava.module.Module;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.features.ModelFeatureUpdater;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.io.TmXmlWriter;
import ij.IJ;
import ij.ImagePlus;
import io.github.btrackmate.schema.SpotColumn;

/**
 * The commands of the Plugins menu, run without a screen. Two cells in three
 * frames: 70000 moves right by a pixel a frame, 9 stays.
 */
class CommandsTest
{
	@TempDir
	Path folder;

	private Context context;

	private File image;

	@BeforeEach
	void saveMovie()
	{
		context = new Context( CommandService.class );
		final int[][][] frames = new int[ 3 ][ 6 ][ 10 ];
		for ( int t = 0; t < 3; t++ )
			for ( int y = 1; y < 3; y++ )
				for ( int x = 1; x < 3; x++ )
				{
					frames[ t ][ y ][ x + t ] = 70000;
					frames[ t ][ y + 2 ][ x + 6 ] = 9;
				}
		image = save( TestImages.movie2D( "labels", 32, 0.5, frames ) );
	}

	@AfterEach
	void dispose()
	{
		context.dispose();
	}

	private File save( final ImagePlus imp )
	{
		final File file = folder.resolve( imp.getTitle() + ".tif" ).toFile();
		assertTrue( IJ.saveAsTiff( imp, file.getPath() ) );
		return file;
	}

	private Module run( final Class< ? extends Command > command, final Map< String, Object > inputs ) throws InterruptedException, ExecutionException
	{
		return context.service( CommandService.class ).run( command, true, inputs ).get();
	}

	private Map< String, Object > inputs( final Map< String, Object > changes )
	{
		final Map< String, Object > inputs = new HashMap<>( Map.of( "image", image, "output", folder.resolve( "tracks.xml" ).toFile(), "linkingDistance", 2.0 ) );
		inputs.putAll( changes );
		return inputs;
	}

	private Model read()
	{
		final TmXmlReader reader = new TmXmlReader( folder.resolve( "tracks.xml" ).toFile() );
		final Model model = reader.getModel();
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		return model;
	}

	@Test
	void menu()
	{
		for ( final Class< ? extends Command > command : List.of( TrackCommand.class, BatchCommand.class, RelabelCommand.class ) )
		{
			assertNotNull( context.service( CommandService.class ).getCommand( command ) );
			assertTrue( context.service( CommandService.class ).getCommand( command ).getMenuPath().getMenuString().startsWith( "Plugins > Tracking > BTrackMate > " ) );
		}
	}

	@Test
	void batchFromLabels() throws Exception
	{
		final Module module = run( BatchCommand.class, inputs( Map.of() ) );
		assertFalse( module instanceof Cancelable c && c.isCanceled() );
		assertEquals( 6, module.getOutput( "spotCount" ) );
		assertEquals( 2, module.getOutput( "trackCount" ) );
		final Model model = read();
		assertEquals( 4, model.getTrackModel().edgeSet().size() );
		assertEquals( "µm", model.getSpaceUnits() );
		final TmXmlReader reader = new TmXmlReader( folder.resolve( "tracks.xml" ).toFile() );
		final Settings settings = reader.readSettings( reader.readImage() );
		assertEquals( 3, settings.nframes );
		assertEquals( new PrunedTrackerFactory.Lap().getKey(), settings.trackerFactory.getKey() );
	}

	/** The mask holds the left half: the cell 9 is dropped. */
	@Test
	void batchWithMask() throws Exception
	{
		final int[][] mask = new int[ 6 ][ 10 ];
		for ( final int[] row : mask )
			Arrays.fill( row, 0, 6, 1 );
		assertEquals( 1, run( BatchCommand.class, inputs( Map.of( "mask", save( TestImages.movie2D( "mask", 8, 0.5, mask ) ) ) ) ).getOutput( "trackCount" ) );
	}

	@Test
	void batchFromTable() throws Exception
	{
		final Path table = folder.resolve( "cells.csv" );
		Files.writeString( table, "frame,x,y,area2\n0,1,1,5\n1,2,1,6\n2,3,1,7\n" );
		assertEquals( 1, run( BatchCommand.class, inputs( Map.of( "table", table.toFile(), "tableUnits", "pixels", "tracker", "advanced Kalman" ) ) ).getOutput( "trackCount" ) );
		assertTrue( read().getFeatureModel().getSpotFeatures().contains( "area2" ) );
	}

	/** A file that is too large for the memory is opened plane by plane, and gives the same. */
	@Test
	void largeFilesAreReadPlaneByPlane() throws IOException
	{
		final ImagePlus whole = Images.openFile( image.getPath(), "image", Long.MAX_VALUE );
		final ImagePlus virtual = Images.openFile( image.getPath(), "image", 0 );
		assertFalse( whole.getStack().isVirtual() );
		assertTrue( virtual.getStack().isVirtual() );
		assertEquals( List.of( 1, 1, 3 ), List.of( virtual.getNChannels(), virtual.getNSlices(), virtual.getNFrames() ) );
		assertEquals( "µm", virtual.getCalibration().getUnit() );
		assertEquals( 0.5, virtual.getCalibration().pixelWidth );
		for ( int t = 0; t < 3; t++ )
			assertEquals( 2, Movie.of( virtual, 1 ).labels( t ).cellCount() );
		assertEquals( 70000, Movie.of( virtual, 1 ).labels( 2 ).label( 1 ) );
	}

	private String refusal( final Class< ? extends Command > command, final Map< String, Object > inputs ) throws Exception
	{
		final Cancelable module = ( Cancelable ) run( command, inputs ).getDelegateObject();
		assertTrue( module.isCanceled() );
		return module.getCancelReason();
	}

	@Test
	void mistakesAreOneLine() throws Exception
	{
		assertTrue( refusal( BatchCommand.class, inputs( Map.of( "image", new File( "nowhere.tif" ) ) ) ).contains( "There is no file 'nowhere.tif'" ) );
		assertTrue( refusal( BatchCommand.class, inputs( Map.of( "labelChannel", 2 ) ) ).contains( "has 1 channel(s), channel 2" ) );
		run( BatchCommand.class, inputs( Map.of() ) );
		assertTrue( refusal( BatchCommand.class, inputs( Map.of() ) ).contains( "exists already" ) );
		final File flat = save( TestImages.stack3D( "flat", 8, new double[] { 1, 1, 1 }, new int[ 2 ][ 2 ], new int[ 2 ][ 2 ] ) );
		assertTrue( refusal( BatchCommand.class, inputs( Map.of( "image", flat, "overwrite", true ) ) ).contains( "1 frame and 2 planes" ) );
	}

	/**
	 * As TrackScheme does it, with features computed at every change: the link of
	 * cell 70000 between frames 0 and 1 is cut, and its last spot linked to cell
	 * 9 of frame 1. Every cell is found by its label, after saving too.
	 */
	@Test
	void relabelledAfterAnEdit() throws Exception
	{
		run( BatchCommand.class, inputs( Map.of() ) );
		final File file = folder.resolve( "tracks.xml" ).toFile();
		final TmXmlReader reader = new TmXmlReader( file );
		final Model model = reader.getModel();
		final Settings settings = reader.readSettings( reader.readImage() );
		final ModelFeatureUpdater updater = new ModelFeatureUpdater( model, settings );
		edit( model, () -> model.removeEdge( spot( model, 70000, 0 ), spot( model, 70000, 1 ) ) );
		edit( model, () -> model.removeEdge( spot( model, 9, 1 ), spot( model, 9, 2 ) ) );
		edit( model, () -> model.addEdge( spot( model, 9, 1 ), spot( model, 70000, 2 ), -1 ) );
		updater.quit();
		assertTrue( new TrackMate( model, settings ).computeSpotFeatures( false ) );
		final TmXmlWriter writer = new TmXmlWriter( file, Logger.VOID_LOGGER );
		writer.appendModel( model );
		writer.appendSettings( settings );
		writer.writeToFile();

		final File output = folder.resolve( "painted.tif" ).toFile();
		run( RelabelCommand.class, Map.of( "tracks", file, "labels", image, "output", output ) );
		final ImagePlus painted = IJ.openImage( output.getPath() );
		final Model edited = read();
		assertEquals( 3, painted.getNFrames() );
		assertEquals( 0.5, painted.getCalibration().pixelWidth );
		assertEquals( 1.0, spot( edited, 70000, 2 ).getFeature( SpotColumn.VOLUME.key() ), 1e-12 );
		// One track left: 9 - 9 - 70000, with 70000 of frame 1 as a branch.
		assertEquals( 1, edited.getTrackModel().nTracks( false ) );
		assertEquals( 3, edited.getTrackModel().edgeSet().size() );
		final float track = edited.getTrackModel().trackIDOf( spot( edited, 70000, 2 ) ) + 1f;
		assertEquals( 0f, painted.getStack().getProcessor( 1 ).getf( 1, 1 ), "70000 in frame 0 has no track" );
		assertEquals( track, painted.getStack().getProcessor( 1 ).getf( 7, 3 ) );
		assertEquals( track, painted.getStack().getProcessor( 2 ).getf( 2, 1 ) );
		assertEquals( track, painted.getStack().getProcessor( 3 ).getf( 4, 2 ) );
		assertEquals( 0f, painted.getStack().getProcessor( 3 ).getf( 7, 3 ), "9 in frame 2 has no track" );
	}

	private static void edit( final Model model, final Runnable change )
	{
		model.beginUpdate();
		change.run();
		model.endUpdate();
	}

	private static Spot spot( final Model model, final int label, final int frame )
	{
		for ( final Spot spot : model.getSpots().iterable( frame, false ) )
			if ( spot.getFeature( SpotColumn.LABEL.key() ) == label )
				return spot;
		throw new AssertionError( "no cell " + label + " in frame " + frame );
	}

	@Test
	void relabelRefusesOtherLabels() throws Exception
	{
		run( BatchCommand.class, inputs( Map.of() ) );
		final File other = save( TestImages.movie2D( "other", 8, 0.5, new int[ 6 ][ 10 ], new int[ 6 ][ 10 ], new int[ 6 ][ 10 ] ) );
		assertTrue( refusal( RelabelCommand.class, Map.of( "tracks", folder.resolve( "tracks.xml" ).toFile(), "labels", other, "output", folder.resolve( "p.tif" ).toFile() ) ).contains( "'other.tif' has no label" ) );
	}

	private static TrackInputs inputs( final String labels, final TrackInputs.TissueChoice tissue, final TrackInputs.Linking linking )
	{
		return new TrackInputs( TrackInputs.Cells.ofLabels( labels, 1 ), tissue, linking );
	}

	private static final TrackInputs.Linking LINKING = new TrackInputs.Linking( "LAP", OptionalDouble.of( 4.5 ), 1, true, 7, "frames" );

	/** What the dialog chose arrives in TrackMate's settings; images that do not fit are refused before the wizard opens. */
	@Test
	void dialogSetsTheWizard() throws IOException
	{
		final ImagePlus imp = IJ.openImage( image.getPath() );
		final int[][] tissue = new int[ 6 ][ 10 ];
		tissue[ 0 ][ 0 ] = 3;
		final File mask = save( TestImages.movie2D( "mask", 8, 0.5, tissue ) );
		final TrackInputs inputs = inputs( "", new TrackInputs.TissueChoice( mask.getPath(), "clip", 0.5, "3" ), LINKING );
		assertEquals( List.of(), inputs.check( inputs.open( imp ) ) );
		final Settings settings = inputs.settings( imp, new Model(), inputs.detector( new Model() ) );
		assertEquals( LabelMaskDetectorFactory.KEY, settings.detectorFactory.getKey() );
		assertEquals( "clip", settings.detectorSettings.get( "MASK_POLICY" ) );
		assertEquals( mask.getPath(), settings.detectorSettings.get( "MASK_IMAGE" ) );
		assertEquals( 7.0, settings.trackerSettings.get( TrackletLength.MINIMUM ) );
		assertEquals( true, settings.trackerSettings.get( "ALLOW_TRACK_SPLITTING" ) );
		assertEquals( 4.5, settings.trackerSettings.get( "LINKING_MAX_DISTANCE" ) );
		assertEquals( 4.5, settings.trackerSettings.get( "SPLITTING_MAX_DISTANCE" ) );
		assertEquals( false, settings.trackerSettings.get( "ALLOW_GAP_CLOSING" ) );
	}

	private static String fault( final ImagePlus imp, final TrackInputs inputs )
	{
		return assertThrows( IllegalArgumentException.class, () -> inputs.check( inputs.open( imp ) ) ).getMessage();
	}

	/** Each is one sentence that says what was got and what was expected, before anything is done. */
	@Test
	void wrongInputsAreSaidAtOnce() throws IOException
	{
		final ImagePlus imp = IJ.openImage( image.getPath() );
		final File small = save( TestImages.movie2D( "small", 8, 0.5, new int[ 2 ][ 2 ] ) );
		final File mask = save( TestImages.movie2D( "mask", 8, 0.5, new int[][] { { 1, 2, 0, 0, 0, 0, 0, 0, 0, 0 }, new int[ 10 ], new int[ 10 ], new int[ 10 ], new int[ 10 ], new int[ 10 ] } ) );
		final TrackInputs.TissueChoice none = TrackInputs.TissueChoice.NONE;
		assertTrue( fault( imp, inputs( small.getPath(), none, LINKING ) ).contains( "'small.tif' is 2 x 2" ) );
		assertTrue( fault( imp, inputs( "", new TrackInputs.TissueChoice( mask.getPath(), "centroid", 0.5, "1,7" ), LINKING ) ).contains( "has no tissue 7; it has 1, 2" ) );
		assertTrue( fault( imp, inputs( "", new TrackInputs.TissueChoice( mask.getPath(), "fraction", 1.7, "" ), LINKING ) ).contains( "1.7" ) );
		assertTrue( fault( imp, inputs( "", new TrackInputs.TissueChoice( "", "centroid", 0.5, "1" ), LINKING ) ).contains( "there is no tissue mask" ) );
		for ( final double distance : new double[] { -3, 0, Double.NaN } )
			assertTrue( fault( imp, inputs( "", none, new TrackInputs.Linking( "LAP", OptionalDouble.of( distance ), 1, true, 7, "frames" ) ) ).contains( "a number of µm above 0, or auto, was expected" ) );
		assertTrue( fault( imp, inputs( "", none, new TrackInputs.Linking( "LAP", OptionalDouble.of( 5 ), 0, true, 7, "frames" ) ) ).contains( "The frame gap is 0" ) );
		assertTrue( fault( imp, inputs( "", none, new TrackInputs.Linking( "LAP", OptionalDouble.of( 5 ), 1, true, -1, "frames" ) ) ).contains( "-1.0; a number from 0 on" ) );
		assertTrue( fault( imp, inputs( "", none, new TrackInputs.Linking( "LAPP", OptionalDouble.of( 5 ), 1, true, 1, "frames" ) ) ).contains( "no tracker 'LAPP'" ) );
		final Path table = folder.resolve( "cells.csv" );
		final TrackInputs fromTable = new TrackInputs( new TrackInputs.Cells( "", 1, table.toString(), "physical", "frames" ), none, LINKING );
		assertTrue( fault( imp, fromTable ).contains( "There is no file" ) );
		Files.writeString( table, "frame,x,y\n" );
		assertTrue( fault( imp, fromTable ).contains( "has no cells" ) );
		Files.writeString( table, "frame,x,y\n5,1,1\n" );
		assertTrue( fault( imp, fromTable ).contains( "frame 5 does not exist" ) );
	}

	/** Grey values as labels are questioned, in the dialog and in the log. */
	@Test
	void greyValuesAreQuestioned()
	{
		final int[][][] noise = new int[ 2 ][ 40 ][ 40 ];
		final Random random = new Random( 1 );
		for ( final int[][] frame : noise )
			for ( final int[] row : frame )
				Arrays.setAll( row, x -> 100 + random.nextInt( 60 ) );
		final ImagePlus grey = TestImages.movie2D( "grey", 8, 0.5, noise );
		final TrackInputs inputs = inputs( "", TrackInputs.TissueChoice.NONE, LINKING );
		final List< String > doubts = inputs.check( inputs.open( grey ) );
		assertEquals( 1, doubts.size() );
		assertTrue( doubts.get( 0 ).contains( "'grey' looks like intensities" ), doubts.get( 0 ) );
	}
}
