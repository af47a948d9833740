/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

/**
 * A table, or a row of it, cannot be read. The message names file, line and
 * column, what was found and what was expected.
 */
public final class CsvException extends RuntimeException
{
	private static final long serialVersionUID = 1L;

	private final long line;

	private final String column;

	private final String file;

	private final String fault;

	CsvException( final String file, final long line, final String column, final String fault )
	{
		super( file + ", line " + line + ": " + fault );
		this.line = line;
		this.column = column;
		this.file = file;
		this.fault = fault;
	}

	/** The same, with a word on what to do. */
	CsvException withAdvice( final String advice )
	{
		return new CsvException( file, line, column, fault + advice );
	}

	/**
	 * Returns the line.
	 *
	 * @return line in the file, from 1.
	 */
	public long line()
	{
		return line;
	}

	/**
	 * Returns the column.
	 *
	 * @return name of the column in the spots table, or of the file's own.
	 */
	public String column()
	{
		return column;
	}
}
