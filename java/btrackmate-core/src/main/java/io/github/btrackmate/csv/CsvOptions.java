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
	private final boolean inPixels;

	private final VoxelSize voxelSize;

	/** Empty if it is not known. */
	private final OptionalDouble frameInterval;

	/** Whether frame (or t) counts time. */
	private final boolean framesAreTimes;

	private final String spaceUnit;

	private final boolean skipBadRows;

	/** Names in the file of columns of the spots table. */
	private final Map< SpotColumn, String > names;

	private CsvOptions( final Builder from )
	{
		inPixels = from.inPixels;
		voxelSize = from.voxelSize;
		frameInterval = from.frameInterval;
		framesAreTimes = from.framesAreTimes;
		spaceUnit = from.spaceUnit;
		skipBadRows = from.skipBadRows;
		names = Collections.unmodifiableMap( new LinkedHashMap<>( from.names ) );
	}

	/** What changes while options are made. */
	private static final class Builder
	{
		private boolean inPixels;

		private VoxelSize voxelSize;

		private OptionalDouble frameInterval = OptionalDouble.empty();

		private boolean framesAreTimes;

		private String spaceUnit = "";

		private boolean skipBadRows;

		private Map< SpotColumn, String > names = Map.of();
	}

	private CsvOptions with( final Consumer< Builder > change )
	{
		final Builder builder = new Builder();
		builder.inPixels = inPixels;
		builder.voxelSize = voxelSize;
		builder.frameInterval = frameInterval;
		builder.framesAreTimes = framesAreTimes;
		builder.spaceUnit = spaceUnit;
		builder.skipBadRows = skipBadRows;
		builder.names = names;
		change.accept( builder );
		return new CsvOptions( builder );
	}

	private static CsvOptions of( final boolean inPixels, final VoxelSize voxelSize )
	{
		final Builder builder = new Builder();
		builder.inPixels = inPixels;
		builder.voxelSize = voxelSize;
		return new CsvOptions( builder );
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
		return of( true, voxelSize );
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
		return of( false, voxelSize );
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
		return with( b -> b.names = value );
	}

	boolean isInPixels()
	{
		return inPixels;
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

	OptionalDouble frameInterval()
	{
		return frameInterval;
	}

	boolean framesAreTimes()
	{
		return framesAreTimes;
	}

	String spaceUnit()
	{
		return spaceUnit;
	}

	boolean skipBadRows()
	{
		return skipBadRows;
	}
}
