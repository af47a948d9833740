/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.schema.SpotColumn;

/**
 * How to understand a table of cells. Immutable.
 */
public final class CsvOptions
{
	private final boolean inPixels;

	private final VoxelSize voxelSize;

	private final double frameInterval;

	private final boolean skipBadRows;

	/** Names in the file of columns of the spots table. */
	private final Map< SpotColumn, String > names;

	private CsvOptions( final boolean inPixels, final VoxelSize voxelSize, final double frameInterval, final boolean skipBadRows, final Map< SpotColumn, String > names )
	{
		if ( !( frameInterval > 0 ) || Double.isInfinite( frameInterval ) )
			throw new IllegalArgumentException( "Frame interval is " + frameInterval + "; it must be a finite number > 0." );
		this.inPixels = inPixels;
		this.voxelSize = voxelSize;
		this.frameInterval = frameInterval;
		this.skipBadRows = skipBadRows;
		this.names = Collections.unmodifiableMap( new LinkedHashMap<>( names ) );
	}

	/**
	 * The table is in pixels: positions are multiplied by the voxel size, the
	 * radius by its x, the volume by the volume of a voxel.
	 *
	 * @param voxelSize
	 *            voxel size; of 2 dimensions for a 2D movie.
	 * @return new options.
	 */
	public static CsvOptions inPixels( final VoxelSize voxelSize )
	{
		return new CsvOptions( true, voxelSize, 1, false, Map.of() );
	}

	/**
	 * The table is in physical units.
	 *
	 * @param voxelSize
	 *            voxel size; only whether it is 2D or 3D is used.
	 * @return new options.
	 */
	public static CsvOptions physical( final VoxelSize voxelSize )
	{
		return new CsvOptions( false, voxelSize, 1, false, Map.of() );
	}

	/**
	 * Sets the time between frames, for tables with a time but no frame.
	 *
	 * @param value
	 *            frame interval in the time unit of the table.
	 * @return changed options.
	 * @throws IllegalArgumentException
	 *             if the value is not a finite number above 0.
	 */
	public CsvOptions withFrameInterval( final double value )
	{
		return new CsvOptions( inPixels, voxelSize, value, skipBadRows, names );
	}

	/**
	 * Sets whether bad rows are left out and listed. By default the first one
	 * refuses the table.
	 *
	 * @param value
	 *            {@code true} to leave them out.
	 * @return changed options.
	 */
	public CsvOptions withSkipBadRows( final boolean value )
	{
		return new CsvOptions( inPixels, voxelSize, frameInterval, value, names );
	}

	/**
	 * Says which columns of the file mean what; the others are guessed by their
	 * names.
	 *
	 * @param value
	 *            name in the file for each column of the spots table that is not
	 *            to be guessed.
	 * @return changed options.
	 */
	public CsvOptions withColumns( final Map< SpotColumn, String > value )
	{
		return new CsvOptions( inPixels, voxelSize, frameInterval, skipBadRows, value );
	}

	Map< SpotColumn, String > names()
	{
		return names;
	}

	/** Factor to physical units along a dimension. */
	double scale( final int d )
	{
		return inPixels ? voxelSize.get( d ) : 1;
	}

	/** Whether z has no meaning: a 2D movie in pixels. */
	boolean isFlat()
	{
		return inPixels && voxelSize.numDimensions() == 2;
	}

	double volumeScale()
	{
		return inPixels ? voxelSize.volume() : 1;
	}

	VoxelSize voxelSize()
	{
		return voxelSize;
	}

	double frameInterval()
	{
		return frameInterval;
	}

	boolean skipBadRows()
	{
		return skipBadRows;
	}
}
