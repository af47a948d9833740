/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.Test;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;
import ij.IJ;
import ij.ImagePlus;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.mask.MaskPolicy;
import io.github.btrackmate.schema.SpotColumn;

/**
 * The tissue as an image of signed distance: the mask is the columns 2 and 3 of
 * six, in one plane for all; pixels of 2 µm, three planes, two frames.
 */
class TissueViewTest
{
	private static final int[][] MASK = { { 0, 0, 1, 1, 0, 0 }, { 0, 0, 1, 1, 0, 0 } };

	private final ImagePlus mask = TestImages.movie2D( "mask", 8, 2, MASK );

	private final ImagePlus image = new ImagePlus( "movie", IJ.createHyperStack( "movie", 6, 2, 1, 3, 2, 8 ).getStack() );

	TissueViewTest()
	{
		image.setDimensions( 1, 3, 2 );
		image.getCalibration().pixelWidth = 2;
		image.getCalibration().pixelHeight = 2;
		image.getCalibration().pixelDepth = 5;
		image.getCalibration().setUnit( "µm" );
	}

	/** From centre to face: 1 µm beside it, 3 µm one further. */
	@Test
	void distanceOfEveryVoxel()
	{
		final Tissue tissue = new Tissue( Movie.of( mask, 1 ), MaskPolicy.CENTROID, Set.of(), VoxelSize.of( 2, 2, 5 ) );
		final ImagePlus view = DistanceStack.image( image, tissue );
		assertEquals( 3, view.getNSlices() );
		assertEquals( 2, view.getNFrames() );
		assertEquals( "µm", view.getCalibration().getUnit() );
		final double[] expected = { -3, -1, 1, 1, -1, -3 };
		for ( int n = 1; n <= view.getStackSize(); n++ )
			for ( int x = 0; x < 6; x++ )
				assertEquals( expected[ x ], view.getStack().getProcessor( n ).getf( x, 1 ), 1e-6 );
		assertEquals( -3, view.getDisplayRangeMin(), 1e-6 );
		assertEquals( 3, view.getDisplayRangeMax(), 1e-6 );
	}

	/** The surface is in the middle of the colours. */
	@Test
	void spotsAreColouredByDistance()
	{
		final Model model = new Model();
		for ( final double distance : new double[] { -2, 7.5 } )
		{
			final Spot spot = new Spot( 1, 1, 0, 1, 1 );
			spot.putFeature( SpotColumn.BOUNDARY_DISTANCE.key(), distance );
			model.addSpotTo( spot, 0 );
		}
		model.getSpots().setVisible( true );
		final DisplaySettings display = DisplaySettings.defaultStyle().copy();
		TissueViewAction.colour( model, display );
		assertEquals( SpotColumn.BOUNDARY_DISTANCE.key(), display.getSpotColorByFeature() );
		assertEquals( -7.5, display.getSpotMin() );
		assertEquals( 7.5, display.getSpotMax() );
	}

	@Test
	void withoutAMaskItSaysSo()
	{
		final TextLogger log = new TextLogger();
		final TissueViewAction action = new TissueViewAction();
		action.setLogger( log );
		final Settings settings = new Settings( image );
		settings.detectorSettings = new LabelMaskDetectorFactory<>().getDefaultSettings();
		action.execute( new TrackMate( new Model(), settings ), null, null, null );
		settings.detectorSettings = Map.of();
		action.execute( new TrackMate( new Model(), settings ), null, null, null );
		assertEquals( 2, log.text.toString().split( "name no tissue mask", -1 ).length - 1 );
		assertTrue( new TissueViewAction.Factory().getInfoText().startsWith( "<html>" ) );
	}
}
