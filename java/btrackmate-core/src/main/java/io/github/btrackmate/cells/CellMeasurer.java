/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.type.numeric.RealType;

/**
 * Measures every cell of one frame: one {@link Cell} for each label, whatever
 * the labels are. Frames are independent of each other; see
 * {@link io.github.btrackmate.frames.Frames} for many at once.
 */
public final class CellMeasurer
{
	private CellMeasurer()
	{}

	/**
	 * Measures the cells of a label image.
	 *
	 * @param <T>
	 *            type of labels.
	 * @param labels
	 *            one frame, 2D or 3D.
	 * @param channels
	 *            images of the same size, in which intensities are taken; may be
	 *            empty.
	 * @param voxelSize
	 *            voxel size, of as many dimensions as the frame.
	 * @return the cells in order of label.
	 * @throws IllegalArgumentException
	 *             if the number of dimensions of frame and voxel size differ, or a
	 *             channel has another size, or a pixel is not a label; the message
	 *             names both.
	 */
	public static < T extends RealType< T > > List< Cell > measure( final RandomAccessibleInterval< T > labels, final List< ? extends RandomAccessibleInterval< ? extends RealType< ? > > > channels, final VoxelSize voxelSize )
	{
		return measure( LabelRuns.of( labels ), channels, voxelSize );
	}

	/**
	 * Measures the cells of a frame that was read before.
	 *
	 * @param runs
	 *            one frame.
	 * @param channels
	 *            images of the same size, in which intensities are taken; may be
	 *            empty.
	 * @param voxelSize
	 *            voxel size, of as many dimensions as the frame.
	 * @return the cells in order of label.
	 * @throws IllegalArgumentException
	 *             if the number of dimensions of frame and voxel size differ, or a
	 *             channel has another size; the message names both.
	 */
	public static List< Cell > measure( final LabelRuns runs, final List< ? extends RandomAccessibleInterval< ? extends RealType< ? > > > channels, final VoxelSize voxelSize )
	{
		if ( voxelSize.numDimensions() != runs.numDimensions() )
			throw new IllegalArgumentException( "The label image is " + runs.numDimensions() + "D, the voxel size " + voxelSize.numDimensions() + "D." );
		final CellShape[] shapes = measureShapes( runs );
		final IntensityStatistics[][] intensities = new IntensityStatistics[ runs.cellCount() ][ channels.size() ];
		for ( int channel = 0; channel < channels.size(); channel++ )
		{
			checkSize( runs, channels.get( channel ), channel );
			final double[][] values = collectValues( runs, shapes, channels.get( channel ) );
			for ( int c = 0; c < values.length; c++ )
				intensities[ c ][ channel ] = IntensityStatistics.of( values[ c ] );
		}
		final List< Cell > cells = new ArrayList<>( runs.cellCount() );
		for ( int c = 0; c < runs.cellCount(); c++ )
			cells.add( new Cell( runs.label( c ), shapes[ c ], voxelSize, intensities[ c ] ) );
		return cells;
	}

	private static void checkSize( final LabelRuns runs, final RandomAccessibleInterval< ? > channel, final int number )
	{
		if ( !Arrays.equals( channel.dimensionsAsLongArray(), runs.size() ) )
			throw new IllegalArgumentException( "Channel " + ( number + 1 ) + " has size " + Arrays.toString( channel.dimensionsAsLongArray() ) + ", the label image " + Arrays.toString( runs.size() ) + " (x, y[, z]); they must be equal." );
	}

	static CellShape[] measureShapes( final LabelRuns runs )
	{
		final CellShape[] shapes = new CellShape[ runs.cellCount() ];
		for ( int c = 0; c < shapes.length; c++ )
			shapes[ c ] = new CellShape( runs.numDimensions() );

		final long[] size = Arrays.copyOf( runs.size(), 3 );
		final int nx = ( int ) size[ 0 ];
		final int ny = ( int ) size[ 1 ];
		final int nz = runs.numDimensions() == 3 ? ( int ) size[ 2 ] : 1;
		final RunPieces pieces = new RunPieces( runs, shapes );
		for ( int z = 0; z < nz; z++ )
			for ( int y = 0; y < ny; y++ )
			{
				final int row = y + ny * z;
				final boolean border = isBorder( y, ny ) || isBorder( z, nz );
				for ( int r = runs.firstRun( row ); r < runs.firstRun( row + 1 ); r++ )
				{
					final boolean atBorder = border || nx > 1 && ( runs.start( r ) == 0 || runs.end( r ) == nx );
					shapes[ runs.cell( r ) ].addRun( runs.start( r ), runs.end( r ), y, z, atBorder );
				}
				if ( y > 0 )
					pieces.join( row, row - 1, 1 );
				if ( z > 0 )
				{
					pieces.join( row, row - ny, 2 );
					if ( y > 0 )
						pieces.join( row, row - ny - 1, RunPieces.NO_FACE );
					if ( y < ny - 1 )
						pieces.join( row, row - ny + 1, RunPieces.NO_FACE );
				}
			}
		pieces.count();
		return shapes;
	}

	/** An axis of size 1 has no border. */
	private static boolean isBorder( final int i, final int n )
	{
		return n > 1 && ( i == 0 || i == n - 1 );
	}

	private static double[][] collectValues( final LabelRuns runs, final CellShape[] shapes, final RandomAccessibleInterval< ? extends RealType< ? > > channel )
	{
		final double[][] values = new double[ shapes.length ][];
		for ( int c = 0; c < values.length; c++ )
			values[ c ] = new double[ Math.toIntExact( shapes[ c ].voxels() ) ];
		final int[] filled = new int[ values.length ];
		final RowReader reader = RowReader.of( channel );
		for ( int row = 0; row < runs.rowCount(); row++ )
		{
			if ( runs.firstRun( row ) == runs.firstRun( row + 1 ) )
				continue;
			final double[] pixels = reader.read( row );
			for ( int r = runs.firstRun( row ); r < runs.firstRun( row + 1 ); r++ )
			{
				final int c = runs.cell( r );
				final int length = runs.end( r ) - runs.start( r );
				System.arraycopy( pixels, runs.start( r ), values[ c ], filled[ c ], length );
				filled[ c ] += length;
			}
		}
		return values;
	}
}
