/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.List;
import java.util.OptionalDouble;

/**
 * All cells of a table, and what was left out. Immutable.
 */
public final class CsvCells
{
	private final List< CsvCell > cells;

	private final List< CsvException > skippedRows;

	private final List< String > ignoredColumns;

	private final CsvNotes notes;

	CsvCells( final List< CsvCell > cells, final List< CsvException > skippedRows, final List< String > ignoredColumns, final CsvNotes notes )
	{
		this.cells = List.copyOf( cells );
		this.skippedRows = List.copyOf( skippedRows );
		this.ignoredColumns = List.copyOf( ignoredColumns );
		this.notes = notes;
	}

	/**
	 * Returns the cells.
	 *
	 * @return cells in order of the file.
	 */
	public List< CsvCell > cells()
	{
		return cells;
	}

	/**
	 * Returns the rows that were left out.
	 *
	 * @return what was wrong with each, in order of the file.
	 */
	public List< CsvException > skippedRows()
	{
		return skippedRows;
	}

	/**
	 * Returns the columns that were not read, since they hold no numbers or
	 * since another column was named for their meaning.
	 *
	 * @return their names in the file.
	 */
	public List< String > ignoredColumns()
	{
		return ignoredColumns;
	}

	/**
	 * Returns what the table was taken for.
	 *
	 * @return sentences: what the columns mean, how the text was read, which time
	 *         step was found.
	 */
	public List< String > notes()
	{
		return notes.notes();
	}

	/**
	 * Returns what is odd about the table.
	 *
	 * @return sentences: units that contradict those given, frames that look like
	 *         times, bad rows that were left out.
	 */
	public List< String > warnings()
	{
		return notes.warnings();
	}

	/**
	 * Returns the unit of length that the table states.
	 *
	 * @return unit; empty if there is none, or more than one.
	 */
	public String spaceUnit()
	{
		return notes.spaceUnit();
	}

	/**
	 * Returns the unit of time that the table states.
	 *
	 * @return unit; empty if there is none.
	 */
	public String timeUnit()
	{
		return notes.timeUnit();
	}

	/**
	 * Returns the time between frames that was found in the times of the table.
	 *
	 * @return frame interval in the unit of the times; empty if it was given, or
	 *         the table counts frames.
	 */
	public OptionalDouble frameInterval()
	{
		return notes.frameInterval();
	}
}
