/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.HashMap;
import java.util.Map;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import ij.ImagePlus;
import ij.ImageStack;
import ij.process.FloatProcessor;
import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Paints every cell of a label image with its track: track id + 1, so that 0 is
 * background. A cell is found by frame and label id, not by position. Cells
 * without a visible track become background.
 */
final class Relabeller
{
	private Relabeller()
	{}

	/**
	 * Paints.
	 *
	 * @param model
	 *            tracks; spots must have label ids.
	 * @param labels
	 *            label image that the spots were made of.
	 * @param channel
	 *            its channel, from 1.
	 * @return new 32-bit image with one channel.
	 * @throws IllegalArgumentException
	 *             if spots have no label ids, or the labels are not there.
	 */
	static ImagePlus paint( final Model model, final ImagePlus labels, final int channel )
	{
		final Movie movie = Movie.of( labels, channel );
		final int nx = labels.getWidth();
		final int ny = labels.getHeight();
		final int nz = labels.getNSlices();
		final ImageStack stack = new ImageStack( nx, ny );
		for ( int t = 0; t < movie.frameCount(); t++ )
		{
			final Map< Long, Float > tracks = tracksOfLabels( model, t );
			final LabelRuns runs = movie.labels( t );
			checkLabels( movie, runs, tracks, t );
			final float[][] planes = new float[ nz ][ nx * ny ];
			runs.forEachRun( ( cell, row, from, to ) -> {
				final float value = tracks.getOrDefault( runs.label( cell ), 0f );
				for ( int x = from; x < to; x++ )
					planes[ row / ny ][ row % ny * nx + x ] = value;
			} );
			for ( final float[] plane : planes )
				stack.addSlice( new FloatProcessor( nx, ny, plane ) );
		}
		final ImagePlus result = new ImagePlus( "Tracks of " + labels.getTitle(), stack );
		result.setDimensions( 1, nz, movie.frameCount() );
		result.setOpenAsHyperStack( true );
		result.setCalibration( labels.getCalibration().copy() );
		result.setDisplayRange( 0, Math.max( 1, highest( model ) + 1 ) );
		return result;
	}

	private static int highest( final Model model )
	{
		return model.getTrackModel().trackIDs( true ).stream().mapToInt( Integer::intValue ).max().orElse( 0 );
	}

	private static Map< Long, Float > tracksOfLabels( final Model model, final int t )
	{
		final Map< Long, Float > tracks = new HashMap<>();
		final SpotCollection spots = model.getSpots();
		if ( !spots.keySet().contains( t ) )
			return tracks;
		for ( final Spot spot : spots.iterable( t, true ) )
		{
			final Integer track = model.getTrackModel().trackIDOf( spot );
			if ( track == null || !model.getTrackModel().isVisible( track ) )
				continue;
			final Double label = spot.getFeature( SpotColumn.LABEL.key() );
			if ( label == null )
				throw new IllegalArgumentException( "Spot " + spot.ID() + " in frame " + t + " has no label id (" + SpotColumn.LABEL.key() + "). Only spots of BTrackMate's detectors can be found in a label image; delete those that were added by hand." );
			final Float other = tracks.put( label.longValue(), track + 1f );
			if ( other != null && other != track + 1f )
				throw new IllegalArgumentException( "Frame " + t + ": two spots of different tracks have the label id " + label.longValue() + "." );
		}
		return tracks;
	}

	private static void checkLabels( final Movie movie, final LabelRuns runs, final Map< Long, Float > tracks, final int t )
	{
		final Map< Long, Float > missing = new HashMap<>( tracks );
		for ( int c = 0; c < runs.cellCount(); c++ )
			missing.remove( runs.label( c ) );
		if ( !missing.isEmpty() )
			throw new IllegalArgumentException( "Image '" + movie.name() + "' has no label " + missing.keySet().iterator().next() + " in frame " + t + ", where the tracks have one. Is this the label image that the tracks were made of?" );
	}
}
