/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import net.imglib2.RandomAccess;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.blocks.PrimitiveBlocks;
import net.imglib2.blocks.PrimitiveBlocks.OnFallback;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.util.Cast;
import net.imglib2.view.Views;

/**
 * Reads one frame row by row, as numbers. Images of ImageJ's types are copied
 * plane by plane as they are needed, so that a pixel costs little, whatever
 * views the image is made of; others are read pixel by pixel.
 */
final class RowReader
{
	/** Gives the pixels of a row. */
	private interface Source
	{
		void read( int y, int z, double[] row );
	}

	private final Source source;

	private final int ny;

	private final double[] row;

	private RowReader( final Source source, final RandomAccessibleInterval< ? > frame )
	{
		this.source = source;
		ny = ( int ) frame.dimension( 1 );
		row = new double[ ( int ) frame.dimension( 0 ) ];
	}

	/**
	 * Creates a reader.
	 *
	 * @param image
	 *            one frame, 2D or 3D.
	 * @return new reader, for one thread.
	 */
	static RowReader of( final RandomAccessibleInterval< ? extends RealType< ? > > image )
	{
		final RandomAccessibleInterval< ? extends RealType< ? > > frame = Views.zeroMin( image );
		final Source copying = frame.dimension( 0 ) * frame.dimension( 1 ) > Integer.MAX_VALUE ? null : copying( frame );
		return new RowReader( copying == null ? inPlace( frame ) : copying, frame );
	}

	/**
	 * Reads a row.
	 *
	 * @param number
	 *            number of the row, y + ny · z.
	 * @return its pixels; the same array every time.
	 */
	double[] read( final int number )
	{
		source.read( number % ny, number / ny, row );
		return row;
	}

	private static Source inPlace( final RandomAccessibleInterval< ? extends RealType< ? > > frame )
	{
		final RandomAccess< ? extends RealType< ? > > access = frame.randomAccess();
		return ( y, z, row ) -> {
			access.setPosition( 0, 0 );
			access.setPosition( y, 1 );
			if ( access.numDimensions() == 3 )
				access.setPosition( z, 2 );
			for ( int x = 0; x < row.length; x++ )
			{
				row[ x ] = access.get().getRealDouble();
				access.fwd( 0 );
			}
		};
	}

	/** Null for other types. */
	private static Source copying( final RandomAccessibleInterval< ? extends RealType< ? > > frame )
	{
		final Object type = frame.getType();
		final int nx = ( int ) frame.dimension( 0 );
		final int n = nx * ( int ) frame.dimension( 1 );
		if ( type instanceof UnsignedByteType )
		{
			final byte[] pixels = new byte[ n ];
			return new Plane( frame, pixels, ( from, row ) -> {
				for ( int x = 0; x < nx; x++ )
					row[ x ] = pixels[ from + x ] & 0xff;
			} );
		}
		if ( type instanceof UnsignedShortType )
		{
			final short[] pixels = new short[ n ];
			return new Plane( frame, pixels, ( from, row ) -> {
				for ( int x = 0; x < nx; x++ )
					row[ x ] = pixels[ from + x ] & 0xffff;
			} );
		}
		if ( type instanceof FloatType )
		{
			final float[] pixels = new float[ n ];
			return new Plane( frame, pixels, ( from, row ) -> {
				for ( int x = 0; x < nx; x++ )
					row[ x ] = pixels[ from + x ];
			} );
		}
		return null;
	}

	/** Makes numbers of the pixels from an index on. */
	private interface Decoder
	{
		void decode( int from, double[] row );
	}

	/** A copy of the plane that was read last. */
	private static final class Plane implements Source
	{
		private final PrimitiveBlocks< ? > blocks;

		private final Object pixels;

		private final Decoder decoder;

		private final int[] size;

		private int plane = -1;

		Plane( final RandomAccessibleInterval< ? > frame, final Object pixels, final Decoder decoder )
		{
			blocks = blocks( Cast.unchecked( frame.numDimensions() == 3 ? frame : Views.addDimension( frame, 0, 0 ) ) );
			this.pixels = pixels;
			this.decoder = decoder;
			size = new int[] { ( int ) frame.dimension( 0 ), ( int ) frame.dimension( 1 ), 1 };
		}

		private static < T extends NativeType< T > > PrimitiveBlocks< T > blocks( final RandomAccessibleInterval< T > frame )
		{
			return PrimitiveBlocks.of( frame, OnFallback.ACCEPT );
		}

		@Override
		public void read( final int y, final int z, final double[] row )
		{
			if ( z != plane )
				blocks.copy( new long[] { 0, 0, z }, pixels, size );
			plane = z;
			decoder.decode( y * size[ 0 ], row );
		}
	}
}
