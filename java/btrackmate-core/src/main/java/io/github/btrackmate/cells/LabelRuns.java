/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.LongPredicate;
import java.util.stream.IntStream;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.real.FloatType;

/**
 * One frame of a label image as runs: stretches of one label along x. Labels
 * are whole numbers from 1 to 2³²−1, in any order and with any holes between
 * them; 0 is background. Immutable, and independent of the image it was made
 * from.
 */
public final class LabelRuns
{
	/** Highest label. */
	public static final long MAX_LABEL = 0xFFFFFFFFL;

	/** Highest whole number up to which a 32-bit float holds all of them. */
	private static final long MAX_FLOAT_LABEL = 1L << 24;

	private final long[] size;

	private final long[] labels;

	/** Runs of row y + ny · z are those from rowStart[ row ] on. */
	private final int[] rowStart;

	private final int[] start;

	private final int[] end;

	private final int[] cell;

	private LabelRuns( final long[] size, final long[] labels, final int[] rowStart, final int[] start, final int[] end, final int[] cell )
	{
		this.size = size;
		this.labels = labels;
		this.rowStart = rowStart;
		this.start = start;
		this.end = end;
		this.cell = cell;
	}

	/**
	 * Reads a label image.
	 *
	 * @param <T>
	 *            pixel type: any integer type, or a floating-point type with
	 *            whole numbers in it.
	 * @param image
	 *            one frame, 2D (x, y) or 3D (x, y, z).
	 * @return its runs.
	 * @throws IllegalArgumentException
	 *             if the image has another number of dimensions, or a pixel is
	 *             not a label; the message names value and position.
	 */
	public static < T extends RealType< T > > LabelRuns of( final RandomAccessibleInterval< T > image )
	{
		final int n = image.numDimensions();
		if ( n != 2 && n != 3 )
			throw new IllegalArgumentException( "Label image has " + n + " dimensions; one frame of 2 (x, y) or 3 (x, y, z) was expected." );
		final long[] size = image.dimensionsAsLongArray();
		final Builder builder = new Builder( size );
		final RowReader reader = RowReader.of( image );
		final LabelType type = LabelType.of( image.getType() );
		for ( int row = 0; row < builder.rows(); row++ )
		{
			final double[] pixels = reader.read( row );
			builder.startRow();
			int first = 0;
			for ( int x = 1; x <= pixels.length; x++ )
				if ( x == pixels.length || pixels[ x ] != pixels[ first ] )
				{
					if ( pixels[ first ] != 0 )
						builder.add( type.check( pixels[ first ], first, row, size ), first, x );
					first = x;
				}
		}
		return builder.build();
	}

	/** What labels a pixel type can hold. */
	private enum LabelType
	{
		/** All up to 2³²−1. */
		WHOLE( MAX_LABEL, "" ),

		/** A wider floating-point type; all up to 2³²−1 are exact. */
		REAL( MAX_LABEL, " of its type" ),

		/** Not all above 2²⁴ are exact. */
		FLOAT( MAX_FLOAT_LABEL, " of its type" );

		private final long highest;

		private final String note;

		private LabelType( final long highest, final String note )
		{
			this.highest = highest;
			this.note = note;
		}

		static LabelType of( final Object type )
		{
			return type instanceof IntegerType ? WHOLE : type instanceof FloatType ? FLOAT : REAL;
		}

		long check( final double value, final int x, final int row, final long[] size )
		{
			if ( value == Math.rint( value ) && value >= 0 && value <= highest )
				return ( long ) value;
			final long y = row % size[ 1 ];
			final String position = "(" + x + "," + y + ( size.length == 3 ? "," + row / size[ 1 ] : "" ) + ")";
			final String got = this == WHOLE ? String.valueOf( ( long ) value ) : String.valueOf( value );
			final String advice = this == WHOLE ? "" : value > highest ? " Give such labels as 32-bit integers." : " Is this the label image?";
			throw new IllegalArgumentException( "Pixel " + position + " of the label image is " + got + "; whole numbers from 0 to " + highest + " were expected" + note + "." + advice );
		}
	}

	/** Collects runs row by row; background is skipped. */
	private static final class Builder
	{
		private final long[] size;

		private final LabelIndex index = new LabelIndex();

		private final int[] rowStart;

		private int[] start = new int[ 1024 ];

		private int[] end = new int[ 1024 ];

		private int[] cell = new int[ 1024 ];

		private int row;

		private int runs;

		Builder( final long[] size )
		{
			this.size = size;
			final long rows = size[ 1 ] * ( size.length == 3 ? size[ 2 ] : 1 );
			if ( rows >= Integer.MAX_VALUE || size[ 0 ] >= Integer.MAX_VALUE )
				throw new IllegalArgumentException( "Label image of size " + Arrays.toString( size ) + " is too large for one frame." );
			rowStart = new int[ ( int ) rows + 1 ];
		}

		int rows()
		{
			return rowStart.length - 1;
		}

		void startRow()
		{
			rowStart[ row++ ] = runs;
		}

		void add( final long label, final int from, final int to )
		{
			if ( label == 0 || from == to )
				return;
			if ( runs == start.length )
			{
				final int larger = runs + ( runs >> 1 );
				start = Arrays.copyOf( start, larger );
				end = Arrays.copyOf( end, larger );
				cell = Arrays.copyOf( cell, larger );
			}
			start[ runs ] = from;
			end[ runs ] = to;
			cell[ runs++ ] = runs > 1 && index.label( cell[ runs - 2 ] ) == label ? cell[ runs - 2 ] : index.numberOf( label );
		}

		/** Renumbers the cells in order of label. */
		LabelRuns build()
		{
			rowStart[ row ] = runs;
			final int[] order = IntStream.range( 0, index.size() ).boxed()
					.sorted( ( a, b ) -> Long.compare( index.label( a ), index.label( b ) ) )
					.mapToInt( Integer::intValue ).toArray();
			final long[] labels = new long[ order.length ];
			final int[] rank = new int[ order.length ];
			for ( int c = 0; c < order.length; c++ )
			{
				labels[ c ] = index.label( order[ c ] );
				rank[ order[ c ] ] = c;
			}
			for ( int r = 0; r < runs; r++ )
				cell[ r ] = rank[ cell[ r ] ];
			return new LabelRuns( size, labels, rowStart, Arrays.copyOf( start, runs ), Arrays.copyOf( end, runs ), Arrays.copyOf( cell, runs ) );
		}
	}

	/**
	 * Keeps some of the labels.
	 *
	 * @param keep
	 *            whether to keep a label.
	 * @return runs of the labels kept.
	 */
	public LabelRuns filter( final LongPredicate keep )
	{
		final boolean[] kept = new boolean[ labels.length ];
		for ( int c = 0; c < labels.length; c++ )
			kept[ c ] = keep.test( labels[ c ] );
		final Builder builder = new Builder( size );
		for ( int row = 0; row < builder.rows(); row++ )
		{
			builder.startRow();
			for ( int r = rowStart[ row ]; r < rowStart[ row + 1 ]; r++ )
				if ( kept[ cell[ r ] ] )
					builder.add( labels[ cell[ r ] ], start[ r ], end[ r ] );
		}
		return builder.build();
	}

	/**
	 * Takes away every voxel that is background in another label image.
	 *
	 * @param mask
	 *            image of the same size; a 2D one holds for every plane.
	 * @return runs of what is left.
	 * @throws IllegalArgumentException
	 *             if the mask has not the same size, and is not 2D with the same x and
	 *             y.
	 */
	public LabelRuns clip( final LabelRuns mask )
	{
		final Builder builder = new Builder( size );
		for ( int row = 0; row < builder.rows(); row++ )
		{
			builder.startRow();
			forEachOverlapInRow( row, mask, ( own, other, from, to ) -> builder.add( labels[ own ], from, to ) );
		}
		return builder.build();
	}

	/** Gets runs. */
	@FunctionalInterface
	public interface RunConsumer
	{
		/**
		 * Takes one run.
		 *
		 * @param cell
		 *            number of the cell.
		 * @param row
		 *            row of the run, y + ny × z.
		 * @param from
		 *            first x.
		 * @param to
		 *            last x + 1.
		 */
		void accept( int cell, int row, int from, int to );
	}

	/**
	 * Goes through all runs in order of z, y, x.
	 *
	 * @param consumer
	 *            gets the runs.
	 */
	public void forEachRun( final RunConsumer consumer )
	{
		for ( int row = 0; row < rowStart.length - 1; row++ )
			for ( int r = rowStart[ row ]; r < rowStart[ row + 1 ]; r++ )
				consumer.accept( cell[ r ], row, start[ r ], end[ r ] );
	}

	/** Gets the stretches where two label images are both not background. */
	@FunctionalInterface
	public interface OverlapConsumer
	{
		/**
		 * Takes one stretch of one row.
		 *
		 * @param cell
		 *            number of the cell in this image.
		 * @param other
		 *            number of the cell in the other image.
		 * @param from
		 *            first x.
		 * @param to
		 *            last x + 1.
		 */
		void accept( int cell, int other, int from, int to );
	}

	/**
	 * Goes through all stretches where this and another label image are both
	 * not background, in order of z, y, x.
	 *
	 * @param mask
	 *            image of the same size; a 2D one holds for every plane.
	 * @param consumer
	 *            gets the stretches.
	 * @throws IllegalArgumentException
	 *             if the mask has not the same size, and is not 2D with the same x and
	 *             y.
	 */
	public void forEachOverlap( final LabelRuns mask, final OverlapConsumer consumer )
	{
		for ( int row = 0; row < rowStart.length - 1; row++ )
			forEachOverlapInRow( row, mask, consumer );
	}

	private void forEachOverlapInRow( final int row, final LabelRuns mask, final OverlapConsumer consumer )
	{
		final int maskRow = mask.rowFor( row, size );
		int a = rowStart[ row ];
		int b = mask.rowStart[ maskRow ];
		while ( a < rowStart[ row + 1 ] && b < mask.rowStart[ maskRow + 1 ] )
		{
			final int from = Math.max( start[ a ], mask.start[ b ] );
			final int to = Math.min( end[ a ], mask.end[ b ] );
			if ( from < to )
				consumer.accept( cell[ a ], mask.cell[ b ], from, to );
			if ( end[ a ] < mask.end[ b ] )
				a++;
			else
				b++;
		}
	}

	private int rowFor( final int row, final long[] otherSize )
	{
		if ( !coversFrame( otherSize ) )
			throw new IllegalArgumentException( "The mask has size " + Arrays.toString( size ) + ", the label image " + Arrays.toString( otherSize ) + " (x, y[, z]); the mask must have the same size, or be 2D with the same x and y." );
		return size.length == otherSize.length ? row : row % ( int ) size[ 1 ];
	}

	/**
	 * Tests whether this image, used as a mask, fits frames of a size.
	 *
	 * @param frameSize
	 *            size along x, y[, z].
	 * @return {@code true} if the sizes are equal, or this is 2D and equal along
	 *         x and y.
	 */
	public boolean coversFrame( final long[] frameSize )
	{
		return Arrays.equals( size, size.length == 2 ? Arrays.copyOf( frameSize, 2 ) : frameSize );
	}

	/**
	 * Returns the cell at a voxel.
	 *
	 * @param x
	 *            position along x.
	 * @param y
	 *            position along y.
	 * @param z
	 *            position along z; ignored in 2D.
	 * @return number of the cell, or -1 for background.
	 * @throws IndexOutOfBoundsException
	 *             if the voxel lies outside the image.
	 */
	public int cellAt( final int x, final int y, final int z )
	{
		Objects.checkIndex( x, ( int ) size[ 0 ] );
		Objects.checkIndex( y, ( int ) size[ 1 ] );
		final int row = y + ( size.length == 3 ? Objects.checkIndex( z, ( int ) size[ 2 ] ) * ( int ) size[ 1 ] : 0 );
		final int found = Arrays.binarySearch( start, rowStart[ row ], rowStart[ row + 1 ], x );
		final int run = found >= 0 ? found : -found - 2;
		return run >= rowStart[ row ] && x < end[ run ] ? cell[ run ] : -1;
	}

	/**
	 * Returns the number of dimensions.
	 *
	 * @return 2 or 3.
	 */
	public int numDimensions()
	{
		return size.length;
	}

	/**
	 * Returns the size of the frame along x, y[, z].
	 *
	 * @return a copy.
	 */
	public long[] size()
	{
		return size.clone();
	}

	/**
	 * Returns the number of different labels.
	 *
	 * @return number of cells; they are numbered from 0 in order of label.
	 */
	public int cellCount()
	{
		return labels.length;
	}

	/**
	 * Returns the label of a cell.
	 *
	 * @param c
	 *            number of the cell.
	 * @return its label.
	 * @throws IndexOutOfBoundsException
	 *             if there is no such cell.
	 */
	public long label( final int c )
	{
		return labels[ c ];
	}

	int runCount()
	{
		return start.length;
	}

	int rowCount()
	{
		return rowStart.length - 1;
	}

	int firstRun( final int row )
	{
		return rowStart[ row ];
	}

	int start( final int run )
	{
		return start[ run ];
	}

	int end( final int run )
	{
		return end[ run ];
	}

	int cell( final int run )
	{
		return cell[ run ];
	}
}
