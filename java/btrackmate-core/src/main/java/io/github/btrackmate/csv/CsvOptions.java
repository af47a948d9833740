/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Consumer;

import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.schema.SpotColumn;
import io.github.btrackmate.schema.Units;

/**
 * How to understand a table of cells. Immutable.
 */
public final class CsvOptions
{
	private final Values values;

	private CsvOptions( final Values values )
	{
		this.values = values;
	}

	/** Changed only while options are made. */
	private static final class Values
	{
		private final boolean inPixels;

		private final VoxelSize voxelSize;

		/** Empty if it is not known. */
		private OptionalDouble frameInterval = OptionalDouble.empty();

		/** Whether frame (or t) counts time. */
		private boolean framesAreTimes;

		private String spaceUnit = "";

		private boolean skipBadRows;

		/** Names in the file of columns of the spots table. */
		private Map< SpotColumn, String > names = Map.of();

		private Values( final boolean inPixels, final VoxelSize voxelSize )
		{
			this.inPixels = inPixels;
			this.voxelSize = voxelSize;
		}

		private Values copy()
		{
			final Values copy = new Values( inPixels, voxelSize );
			copy.frameInterval = frameInterval;
			copy.framesAreTimes = framesAreTimes;
			copy.spaceUnit = spaceUnit;
			copy.skipBadRows = skipBadRows;
			copy.names = names;
			return copy;
		}
	}

	private CsvOptions with( final Consumer< Values > change )
	{
		final Values changed = values.copy();
		change.accept( changed );
		return new CsvOptions( changed );
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
		return new CsvOptions( new Values( true, voxelSize ) );
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
		return new CsvOptions( new Values( false, voxelSize ) );
	}

	/**
	 * Sets the time between frames, for tables of times. Without it, it is looked
	 * for in the times.
	 *
	 * @param value
	 *            frame interval in the time unit of the table.
	 * @return changed options.
	 * @throws IllegalArgumentException
	 *             if the value is not a finite number above 0.
	 */
	public CsvOptions withFrameInterval( final double value )
	{
		if ( !( value > 0 ) || Double.isInfinite( value ) )
			throw new IllegalArgumentException( "Frame interval is " + value + "; it must be a finite number > 0." );
		return with( b -> b.frameInterval = OptionalDouble.of( value ) );
	}

	/**
	 * Sets what the column frame (or t) counts.
	 *
	 * @param value
	 *            {@code true} for times, {@code false} for frames.
	 * @return changed options.
	 */
	public CsvOptions withFramesAreTimes( final boolean value )
	{
		return with( b -> b.framesAreTimes = value );
	}

	/**
	 * Sets the unit of the voxel size, to compare it with those that the table
	 * states.
	 *
	 * @param value
	 *            unit of length; empty if it is not known.
	 * @return changed options.
	 */
	public CsvOptions withSpaceUnit( final String value )
	{
		return with( b -> b.spaceUnit = Units.ofColumn( value ) );
	}

	/**
	 * Sets whether bad rows are left out and listed. By default they refuse the
	 * table.
	 *
	 * @param value
	 *            {@code true} to leave them out.
	 * @return changed options.
	 */
	public CsvOptions withSkipBadRows( final boolean value )
	{
		return with( b -> b.skipBadRows = value );
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
		return with( b -> b.names = Collections.unmodifiableMap( new LinkedHashMap<>( value ) ) );
	}

	boolean isInPixels()
	{
		return values.inPixels;
	}

	Map< SpotColumn, String > names()
	{
		return values.names;
	}

	/** Factor to physical units along a dimension. */
	double scale( final int d )
	{
		return values.inPixels ? values.voxelSize.get( d ) : 1;
	}

	/** Whether z has no meaning: a 2D movie in pixels. */
	boolean isFlat()
	{
		return values.inPixels && values.voxelSize.numDimensions() == 2;
	}

	double volumeScale()
	{
		return values.inPixels ? values.voxelSize.volume() : 1;
	}

	VoxelSize voxelSize()
	{
		return values.voxelSize;
	}

	OptionalDouble frameInterval()
	{
		return values.frameInterval;
	}

	boolean framesAreTimes()
	{
		return values.framesAreTimes;
	}

	String spaceUnit()
	{
		return values.spaceUnit;
	}

	boolean skipBadRows()
	{
		return values.skipBadRows;
	}
}
