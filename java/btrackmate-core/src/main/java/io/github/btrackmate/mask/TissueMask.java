/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.mask;

import java.util.Arrays;
import java.util.OptionalLong;
import java.util.Set;

import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.cells.VoxelSize;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.type.numeric.RealType;

/**
 * Tissues of one frame: a label image with 0 outside and a tissue id inside. A
 * binary mask has one tissue. A 2D mask holds for every plane of a 3D frame.
 * Immutable, so that a static mask serves all frames.
 */
public final class TissueMask
{
	private final LabelRuns tissues;

	private TissueMask( final LabelRuns tissues )
	{
		this.tissues = tissues;
	}

	/**
	 * Reads a mask.
	 *
	 * @param <T>
	 *            pixel type.
	 * @param image
	 *            one frame, 2D or 3D; tissue ids are whole numbers up to 2³²−1.
	 * @return new mask.
	 * @throws IllegalArgumentException
	 *             if the image has not 2 or 3 dimensions, or a pixel is no tissue id.
	 */
	public static < T extends RealType< T > > TissueMask of( final RandomAccessibleInterval< T > image )
	{
		return new TissueMask( LabelRuns.of( image ) );
	}

	/**
	 * Keeps some of the tissues; the others count as outside.
	 *
	 * @param ids
	 *            ids of the tissues to keep.
	 * @return mask of those tissues.
	 */
	public TissueMask select( final Set< Long > ids )
	{
		return new TissueMask( tissues.filter( ids::contains ) );
	}

	/**
	 * Returns the tissues.
	 *
	 * @return tissues, with the tissue id as label.
	 */
	public LabelRuns tissues()
	{
		return tissues;
	}

	/**
	 * Tests whether a voxel lies in a tissue.
	 *
	 * @param x
	 *            position along x, in voxels.
	 * @param y
	 *            position along y.
	 * @param z
	 *            position along z; ignored if the mask is 2D.
	 * @return {@code true} inside.
	 * @throws IndexOutOfBoundsException
	 *             if the voxel lies outside the image.
	 */
	public boolean contains( final int x, final int y, final int z )
	{
		return tissues.cellAt( x, y, z ) >= 0;
	}

	/**
	 * Returns the tissue at the voxel nearest to a point.
	 *
	 * @param voxelSize
	 *            voxel size; z is ignored if the mask is 2D.
	 * @param position
	 *            x, y and, unless the mask is 2D, z in physical units; the centre
	 *            of voxel i lies at i × voxel size.
	 * @return tissue id, 0 outside of all tissues; empty outside the image.
	 * @throws IndexOutOfBoundsException
	 *             if there are fewer coordinates, or sizes, than the mask has
	 *             dimensions.
	 */
	public OptionalLong tissueNear( final VoxelSize voxelSize, final double... position )
	{
		final long[] size = tissues.size();
		final int[] voxel = new int[ 3 ];
		for ( int d = 0; d < size.length; d++ )
		{
			final double nearest = Math.floor( position[ d ] / voxelSize.get( d ) + 0.5 );
			if ( !( nearest >= 0 && nearest < size[ d ] ) )
				return OptionalLong.empty();
			voxel[ d ] = ( int ) nearest;
		}
		final int tissue = tissues.cellAt( voxel[ 0 ], voxel[ 1 ], voxel[ 2 ] );
		return OptionalLong.of( tissue < 0 ? 0 : tissues.label( tissue ) );
	}

	/**
	 * Checks that this mask fits frames of a size.
	 *
	 * @param size
	 *            size of the frame along x, y[, z].
	 * @throws IllegalArgumentException
	 *             if it does not.
	 */
	public void checkSize( final long[] size )
	{
		if ( !tissues.coversFrame( size ) )
			throw new IllegalArgumentException( "The tissue mask has size " + Arrays.toString( tissues.size() ) + ", the label image " + Arrays.toString( size ) + " (x, y[, z]). Give a mask of the same size, or a 2D one of the same x and y." );
	}
}
