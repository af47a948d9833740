/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.List;
import java.util.Optional;

/**
 * All cells of a table, and what was left out. Immutable.
 */
public final class CsvCells
{
	private final List< CsvCell > cells;

	private final List< CsvException > skippedRows;

	private final List< String > ignoredColumns;

	private final Optional< String > decimalComma;

	CsvCells( final List< CsvCell > cells, final List< CsvException > skippedRows, final List< String > ignoredColumns, final Optional< String > decimalComma )
	{
		this.cells = List.copyOf( cells );
		this.skippedRows = List.copyOf( skippedRows );
		this.ignoredColumns = List.copyOf( ignoredColumns );
		this.decimalComma = decimalComma;
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
	 * Returns a number of the file with a decimal comma, if decimal commas were
	 * read as points.
	 *
	 * @return the number as it stands in the file.
	 */
	public Optional< String > decimalComma()
	{
		return decimalComma;
	}
}
