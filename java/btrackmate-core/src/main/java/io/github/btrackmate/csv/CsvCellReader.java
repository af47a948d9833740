/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

import com.opencsv.CSVReader;
import com.opencsv.CSVReaderBuilder;
import com.opencsv.RFC4180ParserBuilder;
import com.opencsv.exceptions.CsvValidationException;

import io.github.btrackmate.schema.SpotColumn;

/**
 * Reads cells from a table with a header: comma, semicolon or tab, columns in
 * any order and case, TrackMate's own exports and the layout of the BTrackMate
 * paper among them.
 */
public final class CsvCellReader
{
	private static final int MAX_HEADER = 1 << 20;

	/** Lines with names, short names and units below TrackMate's header. */
	private static final int TRACKMATE_LINES = 3;

	private final String file;

	private final CsvOptions options;

	private CsvCellReader( final String file, final CsvOptions options )
	{
		this.file = file;
		this.options = options;
	}

	/**
	 * Reads a file.
	 *
	 * @param path
	 *            file in UTF-8.
	 * @param options
	 *            units, and what to do with bad rows.
	 * @return its cells.
	 * @throws IOException
	 *             if the file cannot be read.
	 * @throws CsvException
	 *             if a column is missing, or a row is bad and bad rows are not
	 *             skipped.
	 */
	public static CsvCells read( final Path path, final CsvOptions options ) throws IOException
	{
		// Unlike Files.newBufferedReader, it does not stumble on a unit in Latin-1.
		try (Reader reader = new InputStreamReader( Files.newInputStream( path ), StandardCharsets.UTF_8 ))
		{
			return read( reader, String.valueOf( path.getFileName() ), options );
		}
	}

	/**
	 * Reads a table.
	 *
	 * @param reader
	 *            the table; stays open.
	 * @param name
	 *            what to call it in messages.
	 * @param options
	 *            units, and what to do with bad rows.
	 * @return its cells.
	 * @throws IOException
	 *             if it cannot be read.
	 * @throws CsvException
	 *             if a column is missing, or a row is bad and bad rows are not
	 *             skipped.
	 */
	public static CsvCells read( final Reader reader, final String name, final CsvOptions options ) throws IOException
	{
		return new CsvCellReader( name, options ).read( reader );
	}

	private static final class Row
	{
		final long line;

		final String[] fields;

		Row( final long line, final String[] fields )
		{
			this.line = line;
			this.fields = fields;
		}
	}

	private CsvCells read( final Reader reader ) throws IOException
	{
		final List< Row > rows = readRows( reader );
		if ( rows.isEmpty() )
			throw new CsvException( file, 1, SpotColumn.X.columnName(), "the file is empty; a header with x, y and frame was expected." );
		final Row first = rows.remove( 0 );
		final CsvHeader header = new CsvHeader( file, first.line, first.fields, options.names() );
		if ( header.isFromTrackMate() )
			dropTrackMateLines( header, rows );

		final Optional< String > comma = DecimalCommas.example( rows.stream().map( r -> r.fields ).collect( Collectors.toList() ) );
		if ( comma.isPresent() )
			rows.forEach( r -> DecimalCommas.replace( r.fields ) );
		final List< String > ignored = new ArrayList<>();
		final boolean[] used = findUsedColumns( header, rows, ignored );
		final CsvRowParser parser = new CsvRowParser( file, header, used, options );
		final Map< Long, Long > lineOfId = new HashMap<>();
		final List< CsvCell > cells = new ArrayList<>( rows.size() );
		final List< CsvException > skipped = new ArrayList<>();
		for ( final Row row : rows )
			try
			{
				final CsvCell cell = parser.parse( row.line, row.fields );
				checkId( cell, lineOfId );
				cells.add( cell );
			}
			catch ( final CsvException e )
			{
				if ( !options.skipBadRows() )
					throw e;
				skipped.add( e );
			}
		return new CsvCells( cells, skipped, ignored, comma );
	}

	private void checkId( final CsvCell cell, final Map< Long, Long > lineOfId )
	{
		if ( !cell.id().isPresent() )
			return;
		final Long other = lineOfId.putIfAbsent( cell.id().getAsLong(), cell.line() );
		if ( other != null )
			throw new CsvException( file, cell.line(), SpotColumn.ID.columnName(), "the id " + cell.id().getAsLong() + " stands in line " + other + " already; ids must be unique." );
	}

	private List< Row > readRows( final Reader reader ) throws IOException
	{
		final BufferedReader buffered = new BufferedReader( reader );
		buffered.mark( MAX_HEADER );
		final String header = buffered.readLine();
		buffered.reset();
		final List< Row > rows = new ArrayList<>();
		// Not closed: that would close the reader of the caller.
		@SuppressWarnings( "resource" )
		final CSVReader csv = new CSVReaderBuilder( buffered ).withCSVParser( new RFC4180ParserBuilder().withSeparator( separator( header ) ).build() ).build();
		long line = 1;
		try
		{
			for ( String[] fields = csv.readNext(); fields != null; fields = csv.readNext() )
			{
				for ( int i = 0; i < fields.length; i++ )
					fields[ i ] = fields[ i ].trim();
				if ( fields.length > 1 || !fields[ 0 ].isEmpty() )
					rows.add( new Row( line, fields ) );
				line = csv.getLinesRead() + 1;
			}
		}
		catch ( final CsvValidationException | IOException e )
		{
			throw new IOException( file + ", line " + line + ": " + e.getMessage(), e );
		}
		return rows;
	}

	private static char separator( final String header )
	{
		char best = ',';
		long most = 0;
		for ( final char c : new char[] { ',', ';', '\t' } )
		{
			final long count = header == null ? 0 : header.chars().filter( h -> h == c ).count();
			if ( count > most )
			{
				best = c;
				most = count;
			}
		}
		return best;
	}

	private static void dropTrackMateLines( final CsvHeader header, final List< Row > rows )
	{
		if ( rows.size() < TRACKMATE_LINES )
			return;
		final int x = header.indexOf( SpotColumn.X );
		final List< Row > head = rows.subList( 0, TRACKMATE_LINES );
		if ( head.stream().noneMatch( r -> r.fields.length > x && Numbers.isNumber( r.fields[ x ] ) ) )
			head.clear();
	}

	/**
	 * Tells columns of numbers from others. A column that the spots table knows
	 * must hold at least one number, any other nothing but numbers.
	 */
	private static boolean[] findUsedColumns( final CsvHeader header, final List< Row > rows, final List< String > ignored )
	{
		final boolean[] used = new boolean[ header.size() ];
		if ( rows.isEmpty() )
			Arrays.fill( used, true );
		for ( int i = 0; i < used.length; i++ )
		{
			final int column = i;
			final boolean anyNumber = rows.stream().anyMatch( r -> r.fields.length > column && Numbers.isNumber( r.fields[ column ] ) );
			final boolean anyText = rows.stream().anyMatch( r -> r.fields.length > column && !Numbers.isMissing( r.fields[ column ] ) && !Numbers.isNumber( r.fields[ column ] ) );
			if ( header.isDisplaced( i ) )
				ignored.add( header.nameInFile( i ) );
			else if ( header.isRequired( i ) || anyNumber && ( header.meaning( i ) != null || !anyText ) )
				used[ i ] = true;
			else if ( !rows.isEmpty() && !header.nameInFile( i ).isEmpty() )
				ignored.add( header.nameInFile( i ) );
		}
		return used;
	}
}
