/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import java.util.Arrays;

/**
 * Distance between the centres of neighbouring voxels, in physical units. The
 * centre of voxel i lies at i × size. Immutable.
 */
public final class VoxelSize
{
	private final double[] size;

	private VoxelSize( final double... size )
	{
		for ( final double s : size )
			if ( !( s > 0 ) || Double.isInfinite( s ) )
				throw new IllegalArgumentException( "Voxel size is " + Arrays.toString( size ) + " (x, y[, z]); every part must be a finite number > 0. Set the calibration of the image." );
		this.size = size;
	}

	/**
	 * Creates the pixel size of a 2D image.
	 *
	 * @param dx
	 *            size along x.
	 * @param dy
	 *            size along y.
	 * @return new voxel size of two dimensions.
	 * @throws IllegalArgumentException
	 *             if a size is not a finite number above 0.
	 */
	public static VoxelSize of( final double dx, final double dy )
	{
		return new VoxelSize( dx, dy );
	}

	/**
	 * Creates the voxel size of a 3D image.
	 *
	 * @param dx
	 *            size along x.
	 * @param dy
	 *            size along y.
	 * @param dz
	 *            size along z.
	 * @return new voxel size of three dimensions.
	 * @throws IllegalArgumentException
	 *             if a size is not a finite number above 0.
	 */
	public static VoxelSize of( final double dx, final double dy, final double dz )
	{
		return new VoxelSize( dx, dy, dz );
	}

	/**
	 * Creates a voxel size from an array.
	 *
	 * @param xyz
	 *            size along x, y and, in 3D, z.
	 * @return new voxel size of as many dimensions as there are values.
	 * @throws IllegalArgumentException
	 *             if there are not 2 or 3 values, or one is not a finite number above
	 *             0.
	 */
	public static VoxelSize of( final double[] xyz )
	{
		if ( xyz.length != 2 && xyz.length != 3 )
			throw new IllegalArgumentException( "Voxel size has " + xyz.length + " values; 2 or 3 were expected." );
		return new VoxelSize( xyz.clone() );
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
	 * Returns the size along one dimension.
	 *
	 * @param d
	 *            0 for x, 1 for y, 2 for z.
	 * @return the size in physical units.
	 */
	public double get( final int d )
	{
		return size[ d ];
	}

	/**
	 * Returns the volume of one voxel, the area of one pixel in 2D.
	 *
	 * @return product of the sizes.
	 */
	public double volume()
	{
		double product = 1;
		for ( final double s : size )
			product *= s;
		return product;
	}

	/**
	 * Returns the radius of the ball, in 2D the disc, of a given volume.
	 *
	 * @param volume
	 *            volume, area in 2D, in physical units.
	 * @return radius in physical units.
	 */
	public double radiusOf( final double volume )
	{
		return size.length == 2 ? Math.sqrt( volume / Math.PI ) : Math.cbrt( 3 * volume / ( 4 * Math.PI ) );
	}
}
