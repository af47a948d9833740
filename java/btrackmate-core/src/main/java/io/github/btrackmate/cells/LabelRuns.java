package io.github.btrackmate.cells;

import java.util.Arrays;
import java.util.function.LongPredicate;
import java.util.stream.IntStream;

import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.type.numeric.IntegerType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

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
		final RandomAccess< T > access = Views.zeroMin( image ).randomAccess();
		final LabelReader reader = LabelReader.of( access );
		final int nx = ( int ) size[ 0 ];
		for ( int row = 0; row < builder.rows(); row++ )
		{
			access.setPosition( 0, 0 );
			access.setPosition( row % size[ 1 ], 1 );
			if ( n == 3 )
				access.setPosition( row / size[ 1 ], 2 );
			builder.startRow();
			long label = 0;
			int first = 0;
			for ( int x = 0; x < nx; x++ )
			{
				final long value = reader.read();
				if ( value != label )
				{
					builder.add( label, first, x );
					label = value;
					first = x;
				}
				access.fwd( 0 );
			}
			builder.add( label, first, nx );
		}
		return builder.build();
	}

	/** Reads the label at the present position of an access. */
	private interface LabelReader
	{
		long read();

		static < T extends RealType< T > > LabelReader of( final RandomAccess< T > access )
		{
			if ( access.get() instanceof IntegerType )
			{
				final RandomAccess< ? extends IntegerType< ? > > integers = Cast.unchecked( access );
				return () -> check( integers.get().getIntegerLong(), access );
			}
			final long highest = access.get() instanceof FloatType ? MAX_FLOAT_LABEL : MAX_LABEL;
			return () -> {
				final double value = access.get().getRealDouble();
				if ( value != Math.rint( value ) || value < 0 || value > highest )
					throw new IllegalArgumentException( "Pixel " + access.positionAsPoint() + " of the label image is " + value + "; whole numbers from 0 to " + highest + " were expected of its type." + ( value > highest ? " Give such labels as 32-bit integers." : " Is this the label image?" ) );
				return ( long ) value;
			};
		}

		static long check( final long value, final RandomAccess< ? > access )
		{
			if ( value < 0 || value > MAX_LABEL )
				throw new IllegalArgumentException( "Pixel " + access.positionAsPoint() + " of the label image is " + value + "; whole numbers from 0 to " + MAX_LABEL + " were expected." );
			return value;
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
	 */
	public int cellAt( final int x, final int y, final int z )
	{
		final int row = y + ( size.length == 3 ? z * ( int ) size[ 1 ] : 0 );
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
