/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import io.github.btrackmate.csv.CsvLines.Row;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Reads cells from a table with a header: comma, semicolon or tab, columns in
 * any order and case, TrackMate's own exports and the layout of the BTrackMate
 * paper among them. The rules are those of the Python package.
 */
public final class CsvCellReader
{
	/** Part of the rows whose id may be doubled by mistake; ids of tracks are doubled more often. */
	private static final double FEW = 0.2;

	private final String file;

	private final CsvOptions options;

	private final CsvNotes notes = new CsvNotes();

	private CsvCellReader( final String file, final CsvOptions options )
	{
		this.file = file;
		this.options = options;
	}

	/**
	 * Reads a file.
	 *
	 * @param path
	 *            text in UTF-8, UTF-16 or Windows-1252.
	 * @param options
	 *            units, and what to do with bad rows.
	 * @return its cells.
	 * @throws IOException
	 *             if the file cannot be read.
	 * @throws CsvException
	 *             if it is no table, a column is missing, or a row is bad and bad
	 *             rows are not skipped.
	 */
	public static CsvCells read( final Path path, final CsvOptions options ) throws IOException
	{
		final String name = String.valueOf( path.getFileName() );
		final CsvText.Decoded decoded = CsvText.decode( name, Files.readAllBytes( path ) );
		final CsvCellReader reader = new CsvCellReader( name, options );
		if ( decoded.isWindows )
			reader.notes.addNote( "The table is not in UTF-8; it is read as " + CsvText.WINDOWS + ". Save it as UTF-8." );
		return reader.read( decoded.text );
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
	 *             if it is no table, a column is missing, or a row is bad and bad
	 *             rows are not skipped.
	 */
	public static CsvCells read( final Reader reader, final String name, final CsvOptions options ) throws IOException
	{
		final StringBuilder text = new StringBuilder();
		final char[] buffer = new char[ 1 << 16 ];
		for ( int n = reader.read( buffer ); n >= 0; n = reader.read( buffer ) )
			text.append( buffer, 0, n );
		return new CsvCellReader( name, options ).read( CsvText.check( name, text.toString() ) );
	}

	private CsvCells read( final String text )
	{
		final CsvLines lines = new CsvLines( file, text );
		final String[] below = lines.dropExportLines( SpotColumn.X.key() );
		final CsvHeader header = new CsvHeader( file, lines.header(), below, options.names() );
		final List< Row > rows = lines.rows();
		final Optional< String > comma = DecimalCommas.example( rows.stream().map( r -> r.fields ).collect( Collectors.toList() ) );
		if ( comma.isPresent() )
		{
			rows.forEach( r -> DecimalCommas.replace( r.fields ) );
			notes.addNote( "Decimal commas, as in " + comma.get() + ", are read as points." );
		}
		final List< String > ignored = new ArrayList<>();
		final boolean[] used = findUsedColumns( header, rows, ignored );
		header.checkPlaces();
		notes.compareUnits( header, options );
		final FrameClock clock = clock( header, rows );
		final CsvRowParser parser = new CsvRowParser( file, header, used, options, clock );
		final List< CsvCell > cells = new ArrayList<>( rows.size() );
		final List< CsvException > bad = new ArrayList<>();
		for ( final Row row : rows )
			try
			{
				cells.add( parser.parse( row.line, row.fields ) );
			}
			catch ( final CsvException e )
			{
				bad.add( e );
			}
		final List< CsvCell > good = checkIds( header, cells, bad );
		if ( !bad.isEmpty() && ( !options.skipBadRows() || good.isEmpty() ) )
			throw bad.get( 0 ).withAdvice( advise( bad, header, lines ) );
		notes.tellColumns( header, used, good.size() );
		notes.tellSkipped( bad, rows.size() );
		notes.lookAtFrames( good, clock == null );
		return new CsvCells( good, bad, ignored, notes );
	}

	/** Null where the table counts frames. A time beside a frame is not used. */
	private FrameClock clock( final CsvHeader header, final List< Row > rows )
	{
		if ( header.has( SpotColumn.FRAME ) && !options.framesAreTimes() )
			return null;
		final int column = header.indexOf( CsvRowParser.timeColumn( header, options ) );
		final FrameClock clock = FrameClock.of( rows.stream().mapToDouble( r -> Numbers.parse( r.field( column ) ) ), options.frameInterval() );
		notes.tellStep( clock );
		return clock;
	}

	/** Leaves out rows whose id stands before; where most are doubled, once a frame, they are ids of tracks. */
	private List< CsvCell > checkIds( final CsvHeader header, final List< CsvCell > cells, final List< CsvException > bad )
	{
		if ( !header.has( SpotColumn.ID ) )
			return cells;
		final Map< Long, Long > lineOfId = new HashMap<>();
		final Set< List< Long > > inFrames = new HashSet<>();
		final List< CsvCell > good = new ArrayList<>();
		final List< CsvException > doubled = new ArrayList<>();
		for ( final CsvCell cell : cells )
		{
			final OptionalLong id = cell.id();
			inFrames.add( List.of( id.getAsLong(), ( long ) cell.frame() ) );
			final Long other = lineOfId.putIfAbsent( id.getAsLong(), cell.line() );
			if ( other == null )
				good.add( cell );
			else
				doubled.add( new CsvException( file, cell.line(), SpotColumn.ID.columnName(), "the id " + id.getAsLong() + " stands in line " + other + " already; ids must be unique." ) );
		}
		if ( !doubled.isEmpty() && inFrames.size() == cells.size() && doubled.size() >= FEW * cells.size() )
			throw new CsvException( file, doubled.get( 0 ).line(), SpotColumn.ID.columnName(), "the id in column '" + header.nameInFile( header.indexOf( SpotColumn.ID ) ) + "' stands in several rows, one a frame: it is the id of tracks, and no spot's own. Rename the column, such as to track_id." );
		bad.addAll( doubled );
		bad.sort( ( a, b ) -> Long.compare( a.line(), b.line() ) );
		return good;
	}

	/** How many rows are bad, and what to do about the first. */
	private String advise( final List< CsvException > bad, final CsvHeader header, final CsvLines lines )
	{
		final CsvException first = bad.get( 0 );
		final Row row = lines.rows().stream().filter( r -> r.line == first.line() ).findFirst().orElseThrow();
		final StringBuilder advice = new StringBuilder( " (" + bad.size() + " bad rows of " + lines.rows().size() + ".) " );
		if ( row.fields.length != header.size() && lines.separator() == ',' )
			advice.append( "Quote what holds a comma, and save decimal commas with semicolons between fields" );
		else if ( SpotColumn.FRAME.columnName().equals( first.column() ) && row.field( header.indexOf( SpotColumn.FRAME ) ).contains( "." ) )
			advice.append( "If '" ).append( header.nameInFile( header.indexOf( SpotColumn.FRAME ) ) ).append( "' is a time, set 'Frames are' to time" );
		else
			advice.append( "Correct the file" );
		if ( 2 * bad.size() <= lines.rows().size() )
			advice.append( ", or leave bad rows out (Skip bad rows)" );
		return advice.append( "." ).toString();
	}

	/**
	 * Tells columns of numbers from others. A column that the spots table knows
	 * must hold at least one number, any other nothing but numbers; true and false
	 * throughout are 1 and 0.
	 */
	private boolean[] findUsedColumns( final CsvHeader header, final List< Row > rows, final List< String > ignored )
	{
		final boolean[] used = new boolean[ header.size() ];
		final List< Integer > unnamed = new ArrayList<>();
		if ( rows.isEmpty() )
			Arrays.fill( used, true );
		for ( int i = 0; i < used.length; i++ )
		{
			if ( any( rows, i, Numbers::isTruth ) && !any( rows, i, f -> !Numbers.isMissing( f ) && !Numbers.isTruth( f ) ) )
				replaceTruth( rows, i );
			final boolean anyNumber = any( rows, i, Numbers::isNumber );
			final boolean anyText = any( rows, i, f -> !Numbers.isNumber( f ) && !Numbers.isMissing( f ) );
			if ( header.isUnnamed( i ) )
			{
				if ( anyNumber || anyText )
					unnamed.add( i + 1 );
			}
			else if ( header.isDisplaced( i ) )
				ignored.add( header.nameInFile( i ) );
			else if ( header.isPlace( i ) || anyNumber && ( header.meaning( i ) != null || !anyText ) )
				used[ i ] = true;
			else if ( !rows.isEmpty() )
			{
				ignored.add( header.nameInFile( i ) );
				header.leaveOut( i );
			}
		}
		notes.tellUnnamed( unnamed );
		return used;
	}

	private static boolean any( final List< Row > rows, final int column, final Predicate< String > test )
	{
		return rows.stream().anyMatch( r -> test.test( r.field( column ) ) );
	}

	private static void replaceTruth( final List< Row > rows, final int column )
	{
		for ( final Row row : rows )
			if ( column < row.fields.length )
				row.fields[ column ] = Numbers.ofTruth( row.fields[ column ] );
	}
}
