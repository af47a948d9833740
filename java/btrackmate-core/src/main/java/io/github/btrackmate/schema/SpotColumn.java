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
 * The columns of the spots table that need no channel number. Their keys, labels,
 * units and types stand in a table that the Python package reads, too. For
 * intensities see {@link IntensityColumn}.
 */
public enum SpotColumn
{
	/** Id of the spot, unique in a movie. */
	ID,

	/** Frame, from 0. */
	FRAME,

	/** Frame × frame interval. */
	TIME,

	/** Centroid along x. */
	X,

	/** Centroid along y. */
	Y,

	/** Centroid along z. */
	Z,

	/** Radius of the ball or disc of the same volume. */
	RADIUS,

	/** Label in the label image. */
	LABEL,

	/** Number of voxels. */
	VOXELS,

	/** Volume, area in 2D. */
	VOLUME,

	/** Quality of the detection. */
	QUALITY,

	/** Longest semi-axis of the ellipsoid of the same moments. */
	ELLIPSOID_A,

	/** Middle semi-axis (in 2D the short one). */
	ELLIPSOID_B,

	/** Shortest semi-axis; none in 2D. */
	ELLIPSOID_C,

	/** Estimate of the surface; none in 2D. */
	SURFACE,

	/** Estimate of the perimeter, which is not the length of the outline that TrackMate calls PERIMETER; none in 3D. */
	PERIMETER,

	/** Number of connected pieces. */
	COMPONENTS,

	/** 1 if a voxel lies at the border of the image, else 0. */
	TOUCHES_BORDER,

	/** Which network found the cell: 0 StarDist, 1 U-Net, 2 rescued. */
	ORIGIN,

	/** Probability that StarDist gives the cell. */
	SEGMENTATION_SCORE,

	/** Overlap (IoU) of the cell with StarDist's shape. */
	AGREEMENT,

	/** Tissue that holds most of the cell, 0 for none. */
	TISSUE,

	/** Part of the voxels that is inside a tissue. */
	TISSUE_FRACTION,

	/** Distance to the surface of the tissue, + inside. */
	BOUNDARY_DISTANCE;

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
			BY_NAME.put( column.key().toLowerCase( Locale.ROOT ), column );
		}
	}

	private final String columnName = name().toLowerCase( Locale.ROOT );

	/** What columns.csv says of it. */
	private final Map< String, String > row = SharedTable.COLUMNS.row( columnName );

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
		return row.get( "key" );
	}

	/**
	 * Returns the name for people, as TrackMate shows it.
	 *
	 * @return feature name.
	 */
	public String label()
	{
		return row.get( "label" );
	}

	/**
	 * Returns the short name for people, as TrackMate shows it.
	 *
	 * @return short name.
	 */
	public String shortLabel()
	{
		return row.get( "short" );
	}

	/**
	 * Returns whether the values are whole numbers.
	 *
	 * @return {@code true} for counts and ids.
	 */
	public boolean isWhole()
	{
		return "int".equals( row.get( "kind" ) );
	}

	/**
	 * Returns what the unit follows from.
	 *
	 * @return dimension.
	 */
	public Dimension dimension()
	{
		return Dimension.valueOf( row.get( "dimension" ) );
	}
}
