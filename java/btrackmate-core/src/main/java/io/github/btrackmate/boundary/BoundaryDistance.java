/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.boundary;

import java.util.Objects;

import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.mask.TissueMask;

/**
 * Signed distance to the surface of the tissue: positive inside, negative
 * outside, in physical units, exact at voxel centres for anisotropic voxels and
 * interpolated linearly between them. The surface consists of the voxel faces
 * between tissue and the rest, so that the first voxel inside is half a voxel
 * away from it. Immutable and safe for many threads; for a static mask make it
 * once.
 */
public final class BoundaryDistance
{
	/** How far, in voxels, a point may lie beyond the outermost centres. */
	private static final double MARGIN = 0.5 + 1e-9;

	private final int[] size;

	private final double[] spacing;

	/** x is the fastest dimension; NaN everywhere if there is no surface. */
	private final double[] distances;

	private BoundaryDistance( final int[] size, final double[] spacing, final double[] distances )
	{
		this.size = size;
		this.spacing = spacing;
		this.distances = distances;
	}

	/**
	 * Computes the distance map of a mask.
	 *
	 * @param mask
	 *            one frame; all its tissues together are the tissue.
	 * @param voxelSize
	 *            voxel size; of three dimensions with a 2D mask, the mask holds
	 *            for every plane and distances are taken in the plane.
	 * @param borderIsSurface
	 *            whether there is no tissue beyond the border of the image. If
	 *            not (the usual choice), nothing is known about what is there,
	 *            and the border is no surface.
	 * @return new distance map.
	 * @throws IllegalArgumentException
	 *             if the mask is 3D and the voxel size 2D, or the frame has more than
	 *             2³¹−1 voxels.
	 */
	public static BoundaryDistance of( final TissueMask mask, final VoxelSize voxelSize, final boolean borderIsSurface )
	{
		final LabelRuns tissues = mask.tissues();
		final int n = tissues.numDimensions();
		if ( voxelSize.numDimensions() < n )
			throw new IllegalArgumentException( "The tissue mask is 3D, the voxel size 2D." );
		final int[] size = new int[ n ];
		final double[] spacing = new double[ n ];
		long count = 1;
		for ( int d = 0; d < n; d++ )
		{
			size[ d ] = ( int ) tissues.size()[ d ];
			spacing[ d ] = voxelSize.get( d );
			count *= size[ d ];
		}
		if ( count > Integer.MAX_VALUE )
			throw new IllegalArgumentException( "The tissue mask has " + count + " voxels a frame; at most " + Integer.MAX_VALUE + " can be measured." );
		final boolean[] inside = new boolean[ ( int ) count ];
		tissues.forEachRun( ( tissue, row, from, to ) -> {
			for ( int x = from; x < to; x++ )
				inside[ row * size[ 0 ] + x ] = true;
		} );

		final double[] distances = new BoxDistance( inside, false, size, spacing, borderIsSurface ).compute();
		final double[] toTissue = new BoxDistance( inside, true, size, spacing, false ).compute();
		for ( int i = 0; i < distances.length; i++ )
		{
			final double squared = inside[ i ] ? distances[ i ] : toTissue[ i ];
			if ( squared == Double.POSITIVE_INFINITY )
				distances[ i ] = Double.NaN;
			else
				distances[ i ] = inside[ i ] ? Math.sqrt( squared ) : -Math.sqrt( squared );
		}
		return new BoundaryDistance( size, spacing, distances );
	}

	/**
	 * Returns the signed distance at all voxels of a plane.
	 *
	 * @param z
	 *            number of the plane; 0 for a 2D mask.
	 * @return distances in physical units, x fastest; NaN if there is no surface
	 *         in the image.
	 * @throws IndexOutOfBoundsException
	 *             if there is no such plane.
	 */
	public float[] plane( final int z )
	{
		final float[] plane = new float[ size[ 0 ] * size[ 1 ] ];
		final int first = Objects.checkIndex( z, size.length == 3 ? size[ 2 ] : 1 ) * plane.length;
		for ( int i = 0; i < plane.length; i++ )
			plane[ i ] = ( float ) distances[ first + i ];
		return plane;
	}

	/**
	 * Returns the signed distance at a point.
	 *
	 * @param position
	 *            x, y and, unless the mask is 2D, z in physical units; the centre
	 *            of voxel i lies at i × voxel size. Further coordinates are
	 *            ignored.
	 * @return distance in physical units, + inside and − outside; NaN if there
	 *         is no surface in the image, or if the point lies outside the image
	 *         by more than half a voxel.
	 * @throws IllegalArgumentException
	 *             if there are fewer coordinates than the mask has dimensions.
	 */
	public double at( final double... position )
	{
		if ( position.length < size.length )
			throw new IllegalArgumentException( "Position has " + position.length + " coordinates, the mask " + size.length + " dimensions." );
		final int[] low = new int[ size.length ];
		final double[] weight = new double[ size.length ];
		for ( int d = 0; d < size.length; d++ )
		{
			final double voxel = position[ d ] / spacing[ d ];
			if ( !( voxel >= -MARGIN && voxel <= size[ d ] - 1 + MARGIN ) )
				return Double.NaN;
			final double clamped = Math.max( 0, Math.min( size[ d ] - 1, voxel ) );
			low[ d ] = Math.min( ( int ) clamped, Math.max( 0, size[ d ] - 2 ) );
			weight[ d ] = clamped - low[ d ];
		}
		double sum = 0;
		for ( int corner = 0; corner < 1 << size.length; corner++ )
		{
			double share = 1;
			int index = 0;
			for ( int d = size.length - 1; d >= 0; d-- )
			{
				final int high = corner >> d & 1;
				share *= high == 1 ? weight[ d ] : 1 - weight[ d ];
				index = index * size[ d ] + low[ d ] + ( size[ d ] > 1 ? high : 0 );
			}
			if ( share > 0 )
				sum += share * distances[ index ];
		}
		return sum;
	}
}
