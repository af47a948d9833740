/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.Collections;
import java.util.Map;
import java.util.OptionalLong;

import io.github.btrackmate.schema.SpotColumn;

/**
 * One row of a table: a cell in a frame, in physical units. What the table does
 * not say is missing (NaN, empty), never invented. Immutable.
 */
public final class CsvCell
{
	private final long line;

	private final int frame;

	private final double[] position;

	private final Map< String, Double > columns;

	private final Map< String, Double > features;

	CsvCell( final long line, final int frame, final double[] position, final Map< String, Double > columns, final Map< String, Double > features )
	{
		this.line = line;
		this.frame = frame;
		this.position = position;
		this.columns = Collections.unmodifiableMap( columns );
		this.features = Collections.unmodifiableMap( features );
	}

	/**
	 * Returns where the row stands.
	 *
	 * @return line in the file, from 1.
	 */
	public long line()
	{
		return line;
	}

	/**
	 * Returns the frame.
	 *
	 * @return frame, from 0.
	 */
	public int frame()
	{
		return frame;
	}

	/**
	 * Returns a coordinate.
	 *
	 * @param d
	 *            0 for x, 1 for y, 2 for z (0 where the table has none).
	 * @return coordinate in physical units.
	 */
	public double position( final int d )
	{
		return position[ d ];
	}

	/**
	 * Returns the id.
	 *
	 * @return id, if the table has them.
	 */
	public OptionalLong id()
	{
		return whole( SpotColumn.ID );
	}

	/**
	 * Returns the label.
	 *
	 * @return label, if the row has one.
	 */
	public OptionalLong label()
	{
		return whole( SpotColumn.LABEL );
	}

	private OptionalLong whole( final SpotColumn column )
	{
		final double value = value( column.columnName() );
		return Double.isNaN( value ) ? OptionalLong.empty() : OptionalLong.of( ( long ) value );
	}

	/**
	 * Returns the radius: as given, else from the volume.
	 *
	 * @return radius in physical units; NaN if neither is there.
	 */
	public double radius()
	{
		return value( SpotColumn.RADIUS.columnName() );
	}

	/**
	 * Returns the volume.
	 *
	 * @return volume in physical units; NaN if it is not there.
	 */
	public double volume()
	{
		return value( SpotColumn.VOLUME.columnName() );
	}

	/**
	 * Returns the value of a column of the spots table, other than frame, time
	 * and position.
	 *
	 * @param columnName
	 *            its name.
	 * @return the value, NaN if missing.
	 */
	public double value( final String columnName )
	{
		return columns.getOrDefault( columnName, Double.NaN );
	}

	/**
	 * Returns all values of columns of the spots table, other than frame, time
	 * and position.
	 *
	 * @return values by name, in order of the file; NaN where missing.
	 */
	public Map< String, Double > columns()
	{
		return columns;
	}

	/**
	 * Returns the values of columns that the spots table does not know.
	 *
	 * @return values by name, in order of the file; NaN where missing.
	 */
	public Map< String, Double > features()
	{
		return features;
	}
}
