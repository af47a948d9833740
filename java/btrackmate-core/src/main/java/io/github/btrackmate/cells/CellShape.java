/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

/**
 * Sums over the voxels of one cell. Positions count from the first voxel met,
 * so that the moments keep their digits far from the origin.
 */
final class CellShape
{
	private static final int[][] PAIRS = { { 0, 1 }, { 0, 2 }, { 1, 2 } };

	private final int numDimensions;

	private final long[] reference = new long[ 3 ];

	private long voxels;

	private final double[] sums = new double[ 3 ];

	private final double[] squares = new double[ 3 ];

	private final double[] products = new double[ 3 ];

	/** Pairs of voxels that share a face, by axis. */
	private final long[] innerFaces = new long[ 3 ];

	private boolean touchesBorder;

	private int components;

	CellShape( final int numDimensions )
	{
		this.numDimensions = numDimensions;
	}

	void addRun( final int from, final int to, final int y, final int z, final boolean atBorder )
	{
		if ( voxels == 0 )
		{
			reference[ 0 ] = from;
			reference[ 1 ] = y;
			reference[ 2 ] = z;
		}
		final double n = to - from;
		final double a = from - reference[ 0 ];
		final double dy = y - reference[ 1 ];
		final double dz = z - reference[ 2 ];
		final double sumX = n * a + n * ( n - 1 ) / 2;
		voxels += to - from;
		sums[ 0 ] += sumX;
		sums[ 1 ] += n * dy;
		sums[ 2 ] += n * dz;
		squares[ 0 ] += n * a * a + a * n * ( n - 1 ) + ( n - 1 ) * n * ( 2 * n - 1 ) / 6;
		squares[ 1 ] += n * dy * dy;
		squares[ 2 ] += n * dz * dz;
		products[ 0 ] += sumX * dy;
		products[ 1 ] += sumX * dz;
		products[ 2 ] += n * dy * dz;
		innerFaces[ 0 ] += to - from - 1;
		touchesBorder |= atBorder;
	}

	void addInnerFaces( final int axis, final int count )
	{
		innerFaces[ axis ] += count;
	}

	void addComponent()
	{
		components++;
	}

	long voxels()
	{
		return voxels;
	}

	boolean touchesBorder()
	{
		return touchesBorder;
	}

	int components()
	{
		return components;
	}

	double[] centroid( final VoxelSize voxelSize )
	{
		final double[] centroid = new double[ numDimensions ];
		for ( int d = 0; d < numDimensions; d++ )
			centroid[ d ] = ( reference[ d ] + sums[ d ] / voxels ) * voxelSize.get( d );
		return centroid;
	}

	/** Covariance of the voxel centres plus that of one voxel. */
	double[][] covariance( final VoxelSize voxelSize )
	{
		final double[][] covariance = new double[ numDimensions ][ numDimensions ];
		for ( int d = 0; d < numDimensions; d++ )
		{
			final double mean = sums[ d ] / voxels;
			final double variance = Math.max( 0, squares[ d ] / voxels - mean * mean );
			covariance[ d ][ d ] = ( variance + 1.0 / 12 ) * voxelSize.get( d ) * voxelSize.get( d );
		}
		for ( int k = 0; k < PAIRS.length; k++ )
		{
			final int i = PAIRS[ k ][ 0 ];
			final int j = PAIRS[ k ][ 1 ];
			if ( j >= numDimensions )
				continue;
			final double product = products[ k ] / voxels - sums[ i ] / voxels * ( sums[ j ] / voxels );
			covariance[ i ][ j ] = product * voxelSize.get( i ) * voxelSize.get( j );
			covariance[ j ][ i ] = covariance[ i ][ j ];
		}
		return covariance;
	}

	double surface( final VoxelSize voxelSize )
	{
		double exposed = 0;
		for ( int d = 0; d < numDimensions; d++ )
			exposed += 2 * ( voxels - innerFaces[ d ] ) * ( voxelSize.volume() / voxelSize.get( d ) );
		return exposed * ( numDimensions == 2 ? Math.PI / 4 : 2.0 / 3 );
	}
}
