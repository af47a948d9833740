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

import java.awt.Window;
import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

import javax.swing.JFrame;
import javax.swing.SwingUtilities;

import org.jgrapht.graph.DefaultWeightedEdge;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.python.core.PySystemState;
import org.python.util.PythonInterpreter;
import org.scijava.Cancelable;
import org.scijava.Context;
import org.scijava.command.Command;
import org.scijava.command.CommandService;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.SelectionModel;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.features.ModelFeatureUpdater;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.visualization.trackscheme.TrackScheme;
import fiji.plugin.trackmate.visualization.trackscheme.TrackSchemeFrame;
import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.process.FloatProcessor;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Tracks are edited in TrackScheme, saved, loaded, measured again and painted.
 * Two cells of 2 × 2 × 2 voxels of 0.5 × 0.5 × 2 µm (4 µm³) in 3 frames; in
 * TrackScheme the first link of 70000 goes, and 70000 becomes a daughter of 9:
 *
 * <pre>
 * tracked      A--A--A      edited     A  A--A        (A = 70000, B = 9)
 *              B--B--B                   /
 *                                      B--B--B
 * </pre>
 */
@Tag( "screen" )
class TrackSchemeTest
{
	private static final long A = 70000;

	private static final long B = 9;

	@TempDir
	Path folder;

	private Context context;

	private File labels;

	@BeforeEach
	void saveMovie()
	{
		Screen.assumeThereIsOne();
		context = new Context( CommandService.class );
		final ImageStack stack = new ImageStack( 12, 8 );
		for ( int t = 0; t < 3; t++ )
			for ( int z = 0; z < 3; z++ )
			{
				final FloatProcessor plane = new FloatProcessor( 12, 8 );
				for ( int i = 0; z < 2 && i < 4; i++ )
				{
					plane.setf( 1 + t + i % 2, 1 + i / 2, A );
					plane.setf( 8 + i % 2, 4 + i / 2, B );
				}
				stack.addSlice( plane );
			}
		final ImagePlus imp = new ImagePlus( "labels", stack );
		imp.setDimensions( 1, 3, 3 );
		imp.setOpenAsHyperStack( true );
		imp.getCalibration().pixelWidth = 0.5;
		imp.getCalibration().pixelHeight = 0.5;
		imp.getCalibration().pixelDepth = 2;
		imp.getCalibration().setUnit( "µm" );
		labels = folder.resolve( "labels.tif" ).toFile();
		assertTrue( IJ.saveAsTiff( imp, labels.getPath() ) );
	}

	@AfterEach
	void dispose()
	{
		if ( context == null )
			return;
		context.dispose();
		Arrays.stream( Window.getWindows() ).forEach( Window::dispose );
	}

	private void run( final Class< ? extends Command > command, final Map< String, Object > inputs ) throws InterruptedException, ExecutionException
	{
		final Cancelable ran = ( Cancelable ) context.service( CommandService.class ).run( command, true, inputs ).get().getDelegateObject();
		assertFalse( ran.isCanceled(), ran.getCancelReason() );
	}

	private static TrackMate load( final File xml )
	{
		final TmXmlReader reader = new TmXmlReader( xml );
		final Model model = reader.getModel();
		final Settings settings = reader.readSettings( reader.readImage() );
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		return new TrackMate( model, settings );
	}

	private static Spot spot( final Model model, final long label, final int frame )
	{
		for ( final Spot spot : model.getSpots().iterable( frame, false ) )
			if ( spot.getFeature( SpotColumn.LABEL.key() ) == label )
				return spot;
		throw new AssertionError( "no spot of label " + label + " in frame " + frame );
	}

	private static DefaultWeightedEdge link( final Model model, final long label, final int frame, final long next )
	{
		return model.getTrackModel().getEdge( spot( model, label, frame ), spot( model, next, frame + 1 ) );
	}

	@Test
	void editsSurvive() throws Exception
	{
		final File tracked = folder.resolve( "tracks.xml" ).toFile();
		run( BatchCommand.class, Map.of( "image", labels, "output", tracked, "linkingDistance", 1.5 ) );
		final TrackMate trackmate = load( tracked );
		edit( trackmate );
		final File edited = folder.resolve( "edited.xml" ).toFile();
		Jobs.save( trackmate, "", edited );

		final TrackMate reloaded = load( edited );
		check( reloaded.getModel() );
		assertTrue( reloaded.computeSpotFeatures( true ) && reloaded.computeEdgeFeatures( true ) && reloaded.computeTrackFeatures( true ) );
		check( reloaded.getModel() );
		Jobs.save( reloaded, "", edited );
		check( load( edited ).getModel() );

		final File painted = folder.resolve( "painted.tif" ).toFile();
		run( RelabelCommand.class, Map.of( "tracks", edited, "labels", labels, "output", painted ) );
		final ImagePlus result = IJ.openImage( painted.getPath() );
		assertEquals( 0, pixel( result, 1, 1, 0 ), "A in frame 0 is alone" );
		final int track = pixel( result, 8, 4, 0 );
		assertTrue( track > 0 );
		assertEquals( track, pixel( result, 8, 4, 2 ) );
		assertEquals( track, pixel( result, 2, 1, 1 ), "A is in B's track" );
		assertEquals( track, pixel( result, 3, 1, 2 ) );
		assertEquals( 0, pixel( result, 11, 0, 1 ) );
	}

	/** The script for Fiji's script editor opens the file, with its image, in the wizard. */
	@Test
	void scriptOpensTheWizard() throws Exception
	{
		final File tracked = folder.resolve( "tracks.xml" ).toFile();
		run( BatchCommand.class, Map.of( "image", labels, "output", tracked, "linkingDistance", 1.5 ) );
		try (PythonInterpreter python = new PythonInterpreter( null, new PySystemState() ))
		{
			python.set( "tracks", tracked );
			python.execfile( Path.of( System.getProperty( "scripts.dir" ), "edit_in_trackscheme.py" ).toString() );
		}
		final JFrame wizard = Screen.awaitWindow( JFrame.class, "TrackMate on labels" );
		Screen.press( wizard, "TrackScheme" );
		Screen.awaitWindow( TrackSchemeFrame.class, "" );
		Screen.shoot( "script-trackscheme" );
	}

	private static int pixel( final ImagePlus imp, final int x, final int y, final int frame )
	{
		return ( int ) imp.getStack().getProcessor( imp.getStackIndex( 1, 1, frame + 1 ) ).getf( x, y );
	}

	private static void edit( final TrackMate trackmate ) throws Exception
	{
		final Model model = trackmate.getModel();
		new ModelFeatureUpdater( model, trackmate.getSettings() );
		final SelectionModel selection = new SelectionModel( model );
		final TrackScheme scheme = new TrackScheme( model, selection, DisplaySettings.defaultStyle() );
		scheme.render();
		final DefaultWeightedEdge first = link( model, A, 0, A );
		assertNotNull( first );
		Screen.await( "TrackScheme", () -> scheme.getGUI() != null && scheme.getGUI().isShowing() && scheme.getGraph().getCellFor( first ) != null ? Optional.of( true ) : Optional.empty() );
		Screen.shoot( "trackscheme-before" );
		SwingUtilities.invokeAndWait( () -> {
			scheme.getGraph().setSelectionCell( scheme.getGraph().getCellFor( first ) );
			scheme.removeSelectedLinkCells();
			selection.clearSelection();
			selection.addSpotToSelection( List.of( spot( model, B, 0 ), spot( model, A, 1 ) ) );
			scheme.linkSpots();
		} );
		Screen.shoot( "trackscheme-after" );
	}

	private static void check( final Model model )
	{
		assertEquals( 4, model.getTrackModel().edgeSet().size() );
		assertNull( link( model, A, 0, A ) );
		assertNotNull( link( model, B, 0, A ) );
		assertNotNull( link( model, B, 0, B ) );
		assertEquals( 6, model.getSpots().getNSpots( false ) );
		for ( int t = 0; t < 3; t++ )
			for ( final long label : new long[] { A, B } )
			{
				assertEquals( 8.0, spot( model, label, t ).getFeature( SpotColumn.VOXELS.key() ) );
				assertEquals( 4.0, spot( model, label, t ).getFeature( SpotColumn.VOLUME.key() ), 1e-12 );
			}
	}
}
