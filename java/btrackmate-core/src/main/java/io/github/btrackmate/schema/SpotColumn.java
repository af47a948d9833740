/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The columns of the spots table that need no channel number. For intensities
 * see {@link IntensityColumn}.
 */
public enum SpotColumn
{
	/** Id of the spot, unique in a movie. */
	ID( "id", "ID", "Spot ID", Dimension.NONE ),

	/** Frame, from 0. */
	FRAME( "frame", "FRAME", "Frame", Dimension.NONE ),

	/** Frame × frame interval. */
	TIME( "time", "POSITION_T", "T", Dimension.TIME ),

	/** Centroid along x. */
	X( "x", "POSITION_X", "X", Dimension.POSITION ),

	/** Centroid along y. */
	Y( "y", "POSITION_Y", "Y", Dimension.POSITION ),

	/** Centroid along z. */
	Z( "z", "POSITION_Z", "Z", Dimension.POSITION ),

	/** Radius of the ball or disc of the same volume. */
	RADIUS( "radius", "RADIUS", "Radius", Dimension.LENGTH ),

	/** Label in the label image. */
	LABEL( "label", "LABEL_ID", "Label id", Dimension.NONE ),

	/** Number of voxels. */
	VOXELS( "voxels", "VOXEL_COUNT", "Voxel count", Dimension.NONE ),

	/** Volume, area in 2D. */
	VOLUME( "volume", "VOLUME", "Volume", Dimension.VOLUME ),

	/** Quality of the detection. */
	QUALITY( "quality", "QUALITY", "Quality", Dimension.QUALITY ),

	/** Longest semi-axis of the ellipsoid of the same moments. */
	ELLIPSOID_A( "ellipsoid_a", "ELLIPSOID_A", "Ellipsoid long semi-axis", Dimension.LENGTH ),

	/** Middle semi-axis (in 2D the short one). */
	ELLIPSOID_B( "ellipsoid_b", "ELLIPSOID_B", "Ellipsoid middle semi-axis", Dimension.LENGTH ),

	/** Shortest semi-axis; none in 2D. */
	ELLIPSOID_C( "ellipsoid_c", "ELLIPSOID_C", "Ellipsoid short semi-axis", Dimension.LENGTH ),

	/** Estimate of the surface; none in 2D. */
	SURFACE( "surface", "SURFACE", "Surface area", Dimension.AREA ),

	/** Number of connected pieces. */
	COMPONENTS( "components", "COMPONENTS", "Connected pieces", Dimension.NONE ),

	/** 1 if a voxel lies at the border of the image, else 0. */
	TOUCHES_BORDER( "touches_border", "TOUCHES_BORDER", "Touches image border", Dimension.NONE ),

	/** Tissue that holds most of the cell, 0 for none. */
	TISSUE( "tissue", "TISSUE_ID", "Tissue id", Dimension.NONE ),

	/** Part of the voxels that is inside a tissue. */
	TISSUE_FRACTION( "tissue_fraction", "TISSUE_FRACTION", "Volume fraction inside tissue", Dimension.NONE ),

	/** Distance to the surface of the tissue, + inside. */
	BOUNDARY_DISTANCE( "boundary_distance", "BOUNDARY_DISTANCE", "Signed distance to tissue boundary", Dimension.LENGTH );

	/** What the unit of a column follows from, in TrackMate's words. */
	public enum Dimension
	{
		/** No unit. */
		NONE,
		/** Quality. */
		QUALITY,
		/** Intensity. */
		INTENSITY,
		/** Position in space. */
		POSITION,
		/** Length. */
		LENGTH,
		/** Area of a surface. */
		AREA,
		/** Volume; area in 2D. */
		VOLUME,
		/** Time. */
		TIME
	}

	private static final Map< String, SpotColumn > BY_NAME = new HashMap<>();

	static
	{
		for ( final SpotColumn column : values() )
		{
			BY_NAME.put( column.columnName, column );
			BY_NAME.put( column.key.toLowerCase( Locale.ROOT ), column );
		}
	}

	private final String columnName;

	private final String key;

	private final String label;

	private final Dimension dimension;

	private SpotColumn( final String columnName, final String key, final String label, final Dimension dimension )
	{
		this.columnName = columnName;
		this.key = key;
		this.label = label;
		this.dimension = dimension;
	}

	/**
	 * Finds a column by its name or TrackMate key, in any case.
	 *
	 * @param nameOrKey
	 *            name or key.
	 * @return the column, if there is one.
	 */
	public static Optional< SpotColumn > find( final String nameOrKey )
	{
		return Optional.ofNullable( BY_NAME.get( nameOrKey.toLowerCase( Locale.ROOT ) ) );
	}

	/**
	 * Returns the name in tables and CSV files.
	 *
	 * @return name.
	 */
	public String columnName()
	{
		return columnName;
	}

	/**
	 * Returns TrackMate's feature key.
	 *
	 * @return key.
	 */
	public String key()
	{
		return key;
	}

	/**
	 * Returns the name for people, as TrackMate shows it.
	 *
	 * @return feature name.
	 */
	public String label()
	{
		return label;
	}

	/**
	 * Returns what the unit follows from.
	 *
	 * @return dimension.
	 */
	public Dimension dimension()
	{
		return dimension;
	}
}
