/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

/**
 * One cell of one frame, measured. Lengths, areas and volumes are in physical
 * units. Immutable.
 */
public final class Cell
{
	private final long label;

	private final long voxels;

	private final double volume;

	private final double radius;

	private final double[] position;

	private final Ellipsoid ellipsoid;

	private final double surface;

	private final boolean touchesBorder;

	private final int components;

	private final IntensityStatistics[] intensities;

	Cell( final long label, final CellShape shape, final VoxelSize voxelSize, final IntensityStatistics[] intensities )
	{
		this.label = label;
		voxels = shape.voxels();
		volume = voxels * voxelSize.volume();
		radius = voxelSize.radiusOf( volume );
		position = shape.centroid( voxelSize );
		ellipsoid = Ellipsoid.ofCovariance( shape.covariance( voxelSize ) );
		surface = shape.surface( voxelSize );
		touchesBorder = shape.touchesBorder();
		components = shape.components();
		this.intensities = intensities;
	}

	/**
	 * Returns the label.
	 *
	 * @return label in the label image.
	 */
	public long label()
	{
		return label;
	}

	/**
	 * Returns the number of voxels.
	 *
	 * @return number of voxels, of pixels in 2D.
	 */
	public long voxels()
	{
		return voxels;
	}

	/**
	 * Returns the volume.
	 *
	 * @return volume, area in 2D.
	 */
	public double volume()
	{
		return volume;
	}

	/**
	 * Returns the radius of the ball, in 2D the disc, of the same volume.
	 *
	 * @return radius.
	 */
	public double radius()
	{
		return radius;
	}

	/**
	 * Returns a coordinate of the centroid; the centre of voxel i lies at i ×
	 * voxel size.
	 *
	 * @param d
	 *            0 for x, 1 for y, 2 for z.
	 * @return coordinate; 0 for z in 2D.
	 */
	public double position( final int d )
	{
		return d < position.length ? position[ d ] : 0;
	}

	/**
	 * Returns the ellipsoid with the same second moments.
	 *
	 * @return ellipsoid, ellipse in 2D.
	 */
	public Ellipsoid ellipsoid()
	{
		return ellipsoid;
	}

	/**
	 * Returns an estimate of the surface: ⅔ of the area of the exposed voxel
	 * faces, which is right on average over orientations (Crofton's formula
	 * along the axes). In 2D of the perimeter: π/4 of the exposed edges.
	 *
	 * @return area of the surface, in 2D length of the perimeter.
	 */
	public double surface()
	{
		return surface;
	}

	/**
	 * Returns whether a voxel lies at the border of the image.
	 *
	 * @return {@code true} if the cell may be cut off.
	 */
	public boolean touchesBorder()
	{
		return touchesBorder;
	}

	/**
	 * Returns the number of pieces (voxels that share a corner hang together).
	 *
	 * @return 1 unless the label is disconnected.
	 */
	public int components()
	{
		return components;
	}

	/**
	 * Returns the number of channels measured.
	 *
	 * @return number of channels.
	 */
	public int channelCount()
	{
		return intensities.length;
	}

	/**
	 * Returns the intensities in a channel.
	 *
	 * @param channel
	 *            channel, from 0.
	 * @return intensities.
	 * @throws IndexOutOfBoundsException
	 *             if that channel was not measured.
	 */
	public IntensityStatistics intensity( final int channel )
	{
		return intensities[ channel ];
	}
}
