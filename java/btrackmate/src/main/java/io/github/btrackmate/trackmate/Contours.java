/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.Arrays;

import fiji.plugin.trackmate.SpotRoi;
import fiji.plugin.trackmate.detection.MaskUtils;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.Wand;
import ij.process.ByteProcessor;
import ij.process.FloatPolygon;
import io.github.btrackmate.cells.Cell;
import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.cells.VoxelSize;

/**
 * Outlines of the cells of a 2D frame, traced by ImageJ's wand.
 */
final class Contours
{
	/** What TrackMate's own detectors use, in pixels. */
	private static final double SMOOTH_INTERVAL = 2;

	private static final double SIMPLIFY_DISTANCE = 0.5;

	private final VoxelSize pixelSize;

	private final boolean simplify;

	/** x, y of the first pixel, x, y after the last one, for each cell. */
	private final int[][] boxes;

	private final ByteProcessor[] masks;

	/**
	 * Prepares the outlines of a frame.
	 *
	 * @param runs
	 *            2D frame.
	 * @param pixelSize
	 *            pixel size.
	 * @param simplify
	 *            whether to smooth, for fewer points.
	 */
	Contours( final LabelRuns runs, final VoxelSize pixelSize, final boolean simplify )
	{
		this.pixelSize = pixelSize;
		this.simplify = simplify;
		boxes = new int[ runs.cellCount() ][];
		runs.forEachRun( ( c, y, from, to ) -> {
			if ( boxes[ c ] == null )
				boxes[ c ] = new int[] { from, y, to, y + 1 };
			boxes[ c ][ 0 ] = Math.min( boxes[ c ][ 0 ], from );
			boxes[ c ][ 2 ] = Math.max( boxes[ c ][ 2 ], to );
			boxes[ c ][ 3 ] = y + 1;
		} );
		masks = Arrays.stream( boxes ).map( b -> new ByteProcessor( b[ 2 ] - b[ 0 ], b[ 3 ] - b[ 1 ] ) ).toArray( ByteProcessor[]::new );
		runs.forEachRun( ( c, y, from, to ) -> {
			for ( int x = from; x < to; x++ )
				masks[ c ].set( x - boxes[ c ][ 0 ], y - boxes[ c ][ 1 ], 255 );
		} );
	}

	/**
	 * Traces a cell; of a disconnected one, its largest piece.
	 *
	 * @param c
	 *            number of the cell.
	 * @param cell
	 *            the cell.
	 * @return outline, relative to the centroid.
	 */
	SpotRoi trace( final int c, final Cell cell )
	{
		final PolygonRoi outline = largestOutline( masks[ c ] );
		final PolygonRoi simple = simplify ? MaskUtils.simplify( outline, SMOOTH_INTERVAL, SIMPLIFY_DISTANCE ) : outline;
		final FloatPolygon polygon = isArea( simple ) ? simple.getFloatPolygon() : outline.getFloatPolygon();
		final double[] x = new double[ polygon.npoints ];
		final double[] y = new double[ polygon.npoints ];
		for ( int i = 0; i < x.length; i++ )
		{
			// The centre of pixel i is at i, its corner half a pixel before.
			x[ i ] = ( boxes[ c ][ 0 ] + polygon.xpoints[ i ] - 0.5 ) * pixelSize.get( 0 ) - cell.position( 0 );
			y[ i ] = ( boxes[ c ][ 1 ] + polygon.ypoints[ i ] - 0.5 ) * pixelSize.get( 1 ) - cell.position( 1 );
		}
		return new SpotRoi( x, y );
	}

	/** A cell of few pixels may be smoothed away. */
	private static boolean isArea( final PolygonRoi roi )
	{
		return roi.getNCoordinates() >= 3 && roi.getStatistics().area > 0;
	}

	private static PolygonRoi largestOutline( final ByteProcessor mask )
	{
		PolygonRoi largest = null;
		double most = 0;
		for ( int y = 0; y < mask.getHeight(); y++ )
			for ( int x = 0; x < mask.getWidth(); x++ )
			{
				if ( mask.get( x, y ) == 0 )
					continue;
				final Wand wand = new Wand( mask );
				wand.autoOutline( x, y, 255, 255, Wand.EIGHT_CONNECTED );
				final PolygonRoi roi = new PolygonRoi( wand.xpoints, wand.ypoints, wand.npoints, Roi.TRACED_ROI );
				mask.setValue( 0 );
				mask.fill( roi );
				final double area = roi.getStatistics().pixelCount;
				if ( area > most )
				{
					largest = roi;
					most = area;
				}
			}
		return largest;
	}
}
