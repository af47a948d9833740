/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import java.util.Arrays;
import java.util.List;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.type.numeric.RealType;

/**
 * Mean intensity around every cell of one frame, for contrast and
 * signal-to-noise. The shell of a cell is what lies within twice its radius of
 * its centroid and is not the cell itself: other cells count, since that is what
 * it has to be told from.
 */
public final class CellShells
{
	/** Outer radius of the shell, in radii of the cell; TrackMate's. */
	private static final double OUTER = 2;

	private final LabelRuns runs;

	private final List< Cell > cells;

	private final VoxelSize voxelSize;

	private final int nx;

	private final int ny;

	/** Sums and counts in the shells so far. */
	private final double[] sum;

	private final long[] count;

	/** The row of the plane: sums and counts of the pixels before x; NaN is left out. */
	private final double[] sumBefore;

	private final int[] countBefore;

	private CellShells( final LabelRuns runs, final List< Cell > cells, final VoxelSize voxelSize )
	{
		this.runs = runs;
		this.cells = cells;
		this.voxelSize = voxelSize;
		nx = ( int ) runs.size()[ 0 ];
		ny = ( int ) runs.size()[ 1 ];
		sum = new double[ cells.size() ];
		count = new long[ cells.size() ];
		sumBefore = new double[ nx + 1 ];
		countBefore = new int[ nx + 1 ];
	}

	/**
	 * Measures the shells in one channel.
	 *
	 * @param runs
	 *            one frame.
	 * @param cells
	 *            its cells, as {@link CellMeasurer} gives them.
	 * @param channel
	 *            image of the same size.
	 * @param voxelSize
	 *            voxel size, of as many dimensions as the frame.
	 * @return mean intensity of each shell; NaN for a cell without one (the
	 *         image ends at the cell).
	 * @throws IllegalArgumentException
	 *             if the cells are not those of the frame, or a size or number
	 *             of dimensions differs.
	 */
	public static double[] means( final LabelRuns runs, final List< Cell > cells, final RandomAccessibleInterval< ? extends RealType< ? > > channel, final VoxelSize voxelSize )
	{
		if ( cells.size() != runs.cellCount() )
			throw new IllegalArgumentException( "The frame has " + runs.cellCount() + " cells, " + cells.size() + " were given." );
		if ( voxelSize.numDimensions() != runs.numDimensions() || !Arrays.equals( channel.dimensionsAsLongArray(), runs.size() ) )
			throw new IllegalArgumentException( "The channel has size " + Arrays.toString( channel.dimensionsAsLongArray() ) + ", the voxel size " + voxelSize.numDimensions() + " dimensions; the label image is " + Arrays.toString( runs.size() ) + " (x, y[, z])." );
		return new CellShells( runs, cells, voxelSize ).measure( channel );
	}

	private double[] measure( final RandomAccessibleInterval< ? extends RealType< ? > > channel )
	{
		final RowReader reader = RowReader.of( channel );
		final CellsByRow byRow = new CellsByRow();
		for ( int row = 0; row < runs.rowCount(); row++ )
		{
			final int near = byRow.find( row );
			if ( near == 0 )
				continue;
			sumUp( reader.read( row ) );
			for ( int i = 0; i < near; i++ )
				add( byRow.cell[ i ], byRow.first[ byRow.cell[ i ] ], byRow.last[ byRow.cell[ i ] ], 1 );
			takeOwnAway( byRow, row );
		}
		final double[] means = new double[ cells.size() ];
		for ( int c = 0; c < means.length; c++ )
			means[ c ] = count[ c ] > 0 ? sum[ c ] / count[ c ] : Double.NaN;
		return means;
	}

	private void sumUp( final double[] row )
	{
		for ( int x = 0; x < nx; x++ )
		{
			final boolean missing = Double.isNaN( row[ x ] );
			sumBefore[ x + 1 ] = sumBefore[ x ] + ( missing ? 0 : row[ x ] );
			countBefore[ x + 1 ] = countBefore[ x ] + ( missing ? 0 : 1 );
		}
	}

	private void add( final int c, final int from, final int to, final int sign )
	{
		sum[ c ] += sign * ( sumBefore[ to ] - sumBefore[ from ] );
		count[ c ] += sign * ( countBefore[ to ] - countBefore[ from ] );
	}

	private void takeOwnAway( final CellsByRow byRow, final int row )
	{
		for ( int r = runs.firstRun( row ); r < runs.firstRun( row + 1 ); r++ )
		{
			final int c = runs.cell( r );
			final int from = Math.max( runs.start( r ), byRow.first[ c ] );
			final int to = Math.min( runs.end( r ), byRow.last[ c ] );
			if ( byRow.row[ c ] == row && from < to )
				add( c, from, to, -1 );
		}
	}

	/** Which balls a row runs through, and from where to where; rows are asked for in order. */
	private final class CellsByRow
	{
		/** The balls found last, by place and by cell. */
		final int[] cell = new int[ cells.size() ];

		final int[] first = new int[ cells.size() ];

		final int[] last = new int[ cells.size() ];

		/** Row that first and last of a cell hold for. */
		final int[] row = new int[ cells.size() ];

		/** Squared radius of the disc that a ball is in the present plane. */
		private final double[] disc = new double[ cells.size() ];

		/** Where the disc ends along y. */
		private final int[] lastRow = new int[ cells.size() ];

		/** The discs that begin in a row are a chain, -1 at its end. */
		private final int[] beginsIn = new int[ ny ];

		private final int[] next = new int[ cells.size() ];

		private int found;

		CellsByRow()
		{
			Arrays.fill( row, -1 );
		}

		private void startPlane( final int z )
		{
			Arrays.fill( beginsIn, -1 );
			found = 0;
			for ( int c = 0; c < disc.length; c++ )
			{
				final double radius = OUTER * cells.get( c ).radius();
				final double dz = runs.numDimensions() == 3 ? z * voxelSize.get( 2 ) - cells.get( c ).position( 2 ) : 0;
				disc[ c ] = radius * radius - dz * dz;
				if ( disc[ c ] < 0 )
					continue;
				final double middle = cells.get( c ).position( 1 ) / voxelSize.get( 1 );
				final double half = Math.sqrt( disc[ c ] ) / voxelSize.get( 1 );
				final int begin = Math.max( 0, ( int ) Math.ceil( middle - half ) );
				lastRow[ c ] = Math.min( ny - 1, ( int ) Math.floor( middle + half ) );
				if ( begin > lastRow[ c ] )
					continue;
				next[ c ] = beginsIn[ begin ];
				beginsIn[ begin ] = c;
			}
		}

		/** Fills the arrays; returns how many balls there are. */
		int find( final int r )
		{
			final int y = r % ny;
			if ( y == 0 )
				startPlane( r / ny );
			int kept = 0;
			for ( int i = 0; i < found; i++ )
				if ( lastRow[ cell[ i ] ] >= y )
					cell[ kept++ ] = cell[ i ];
			for ( int c = beginsIn[ y ]; c >= 0; c = next[ c ] )
				cell[ kept++ ] = c;
			found = kept;
			for ( int i = 0; i < found; i++ )
				measureChord( cell[ i ], r );
			return found;
		}

		private void measureChord( final int c, final int r )
		{
			final double dy = r % ny * voxelSize.get( 1 ) - cells.get( c ).position( 1 );
			final double middle = cells.get( c ).position( 0 ) / voxelSize.get( 0 );
			final double half = Math.sqrt( Math.max( 0, disc[ c ] - dy * dy ) ) / voxelSize.get( 0 );
			first[ c ] = Math.max( 0, ( int ) Math.ceil( middle - half ) );
			last[ c ] = Math.max( first[ c ], Math.min( nx, ( int ) Math.floor( middle + half ) + 1 ) );
			row[ c ] = r;
		}
	}
}
