/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.boundary;

import java.util.Arrays;

/**
 * Squared distance from every voxel centre to the nearest box of a set of
 * voxels, exact for anisotropic voxels.
 * <p>
 * Along one axis of spacing s, with f the result of the axes before, it is
 * <code>D(p) = min( f(p), min_q f(q) + s²(|p − q| − ½)² )</code>: straight above
 * a box there is nothing to add, beside it its nearer face counts. The second
 * term is the lower envelope of parabolas that stand on the faces, between the
 * voxels, each as high as the lower of its two neighbours.
 *
 * @see <a href="https://doi.org/10.4086/toc.2012.v008a019">Felzenszwalb and
 *      Huttenlocher, Distance transforms of sampled functions, Theory of
 *      Computing 8, 2012</a>
 */
final class BoxDistance
{
	private final int[] size;

	private final double[] spacing;

	private final boolean outsideCounts;

	private final double[] squared;

	/**
	 * Prepares distances to a set of voxels.
	 *
	 * @param inSet
	 *            the set; x is the fastest dimension.
	 * @param member
	 *            which value of it means that a voxel is in the set.
	 * @param outsideCounts
	 *            whether all voxels beyond the image are in the set as well.
	 */
	BoxDistance( final boolean[] inSet, final boolean member, final int[] size, final double[] spacing, final boolean outsideCounts )
	{
		this.size = size;
		this.spacing = spacing;
		this.outsideCounts = outsideCounts;
		squared = new double[ inSet.length ];
		for ( int i = 0; i < inSet.length; i++ )
			squared[ i ] = inSet[ i ] == member ? 0 : Double.POSITIVE_INFINITY;
	}

	/** Squared distances, infinite where the set is empty. */
	double[] compute()
	{
		int stride = 1;
		for ( int d = 0; d < size.length; d++ )
		{
			final LowerEnvelope envelope = new LowerEnvelope( size[ d ], spacing[ d ] );
			final boolean border = outsideCounts && size[ d ] > 1;
			final double[] line = new double[ size[ d ] ];
			final int block = stride * size[ d ];
			for ( int first = 0; first < squared.length; first += block )
				for ( int offset = first; offset < first + stride; offset++ )
				{
					for ( int i = 0; i < line.length; i++ )
						line[ i ] = squared[ offset + i * stride ];
					envelope.transform( line, border );
					for ( int i = 0; i < line.length; i++ )
						squared[ offset + i * stride ] = line[ i ];
				}
			stride = block;
		}
		return squared;
	}

	/** Works on one line after the other. */
	private static final class LowerEnvelope
	{
		private final double spacing;

		/** Height of the parabola on each face; face k lies at k − ½. */
		private final double[] height;

		/** Faces whose parabolas make up the envelope, from left to right. */
		private final int[] faces;

		/** Where the parabola of a face starts to be the lowest. */
		private final double[] from;

		LowerEnvelope( final int length, final double spacing )
		{
			this.spacing = spacing;
			height = new double[ length + 1 ];
			faces = new int[ length + 1 ];
			from = new double[ length + 1 ];
		}

		void transform( final double[] line, final boolean border )
		{
			final int n = line.length;
			Arrays.fill( height, Double.POSITIVE_INFINITY );
			for ( int i = 0; i < n; i++ )
			{
				height[ i ] = Math.min( height[ i ], line[ i ] );
				height[ i + 1 ] = line[ i ];
			}
			if ( border )
			{
				height[ 0 ] = 0;
				height[ n ] = 0;
			}

			int last = -1;
			for ( int k = 0; k <= n; k++ )
			{
				if ( height[ k ] == Double.POSITIVE_INFINITY )
					continue;
				double start = Double.NEGATIVE_INFINITY;
				while ( last >= 0 && ( start = crossing( faces[ last ], k ) ) <= from[ last ] )
					last--;
				faces[ ++last ] = k;
				from[ last ] = last == 0 ? Double.NEGATIVE_INFINITY : start;
			}
			if ( last < 0 )
				return;
			int current = 0;
			for ( int i = 0; i < n; i++ )
			{
				while ( current < last && from[ current + 1 ] <= i )
					current++;
				final double distance = ( i - ( faces[ current ] - 0.5 ) ) * spacing;
				line[ i ] = Math.min( line[ i ], height[ faces[ current ] ] + distance * distance );
			}
		}

		/** Where the parabola of a face b > a becomes lower than that of a. */
		private double crossing( final int a, final int b )
		{
			return ( a + b - 1 ) / 2.0 + ( height[ b ] - height[ a ] ) / ( 2 * spacing * spacing * ( b - a ) );
		}
	}
}
