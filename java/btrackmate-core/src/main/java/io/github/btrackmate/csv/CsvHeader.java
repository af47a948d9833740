/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

import io.github.btrackmate.schema.ColumnNames;
import io.github.btrackmate.schema.SpotColumn;
import io.github.btrackmate.schema.Units;

/**
 * Finds out what the columns of a table mean.
 */
final class CsvHeader
{
	/** Empty, or what pandas makes of an empty name. */
	private static final Pattern UNNAMED = Pattern.compile( "|unnamed:[ _]?\\d+", Pattern.CASE_INSENSITIVE );

	private final String file;

	private final long line;

	/** As they stand in the file. */
	private final String[] names;

	/** Names in the spots table; null for columns that it does not know. */
	private final String[] meanings;

	/** Names of features: those of the file, told apart by a number where one stands twice. */
	private final String[] features;

	/** Units that the file states, under our names; empty where it does not. */
	private final String[] units;

	/** Columns that would mean what another column was named for. */
	private final boolean[] displaced;

	private final Map< String, Integer > columns = new HashMap<>();

	CsvHeader( final String file, final CsvLines.Row header, final String[] below, final Map< SpotColumn, String > given )
	{
		this.file = file;
		line = header.line;
		names = Arrays.stream( header.fields ).map( CsvHeader::withoutGuard ).toArray( String[]::new );
		for ( final Map.Entry< SpotColumn, String > entry : given.entrySet() )
			if ( !Arrays.asList( names ).contains( entry.getValue() ) )
				throw new CsvException( file, line, entry.getKey().columnName(), "there is no column '" + entry.getValue() + "', which was named for " + entry.getKey().columnName() + ", in the header " + Arrays.toString( names ) + "." );
		meanings = new String[ names.length ];
		features = new String[ names.length ];
		units = new String[ names.length ];
		displaced = new boolean[ names.length ];
		for ( int i = 0; i < names.length; i++ )
		{
			final ColumnNames.Meaning read = ColumnNames.read( names[ i ] );
			final String meaning = meaning( names[ i ], read, given );
			displaced[ i ] = !isUnnamed( i ) && isDisplaced( names[ i ], meaning, given );
			meanings[ i ] = isUnnamed( i ) || displaced[ i ] ? null : meaning;
			units[ i ] = Units.ofColumn( below[ i ].isEmpty() ? read.unit() : below[ i ] );
		}
		for ( int i = 0; i < names.length; i++ )
			addColumn( i );
		ColumnNames.addWeak( names, meanings );
		final List< String > taken = new ArrayList<>();
		for ( int i = 0; i < names.length; i++ )
		{
			if ( meanings[ i ] != null )
				columns.put( meanings[ i ], i );
			features[ i ] = names[ i ];
			for ( int n = 2; meanings[ i ] == null && taken.contains( features[ i ] ); n++ )
				features[ i ] = names[ i ] + "_" + n;
			taken.add( name( i ) );
		}
	}

	/** Takes away the apostrophe that keeps spreadsheets from computing a name. */
	private static String withoutGuard( final String name )
	{
		return name.matches( "'+[=+\\-@].*" ) ? name.substring( 1 ) : name;
	}

	private void addColumn( final int i )
	{
		final Integer other = meanings[ i ] == null ? null : columns.put( meanings[ i ], i );
		if ( other != null )
			throw new CsvException( file, line, meanings[ i ], "the columns '" + names[ other ] + "' and '" + names[ i ] + "' both mean " + meanings[ i ] + "; rename or delete one of them." );
	}

	/** What was given for a column of the file, else what its name suggests; may be null. */
	private static String meaning( final String name, final ColumnNames.Meaning read, final Map< SpotColumn, String > given )
	{
		for ( final Map.Entry< SpotColumn, String > entry : given.entrySet() )
			if ( entry.getValue().equals( name ) )
				return entry.getKey().columnName();
		return read.column().orElse( null );
	}

	/** Whether another column was given for what the name suggests. */
	private static boolean isDisplaced( final String name, final String meaning, final Map< SpotColumn, String > given )
	{
		return given.entrySet().stream().anyMatch( e -> e.getKey().columnName().equals( meaning ) && !e.getValue().equals( name ) );
	}

	/** Leaves out a column that holds no numbers. */
	void leaveOut( final int i )
	{
		if ( meanings[ i ] != null )
			columns.remove( meanings[ i ] );
	}

	/** Checks that there is what every table needs. */
	void checkPlaces()
	{
		require( SpotColumn.X );
		require( SpotColumn.Y );
		if ( !has( SpotColumn.TIME ) )
			require( SpotColumn.FRAME );
	}

	private void require( final SpotColumn column )
	{
		if ( has( column ) )
			return;
		final boolean isLinks = Arrays.asList( names ).contains( "SPOT_SOURCE_ID" ) || Arrays.asList( names ).contains( "TRACK_DURATION" );
		final String advice = isLinks ? "This is TrackMate's table of links or tracks: export its table of spots." : "The first line must name the columns; x, y and frame are needed.";
		throw new CsvException( file, line, column.columnName(), "there is no column " + column.columnName() + " with numbers; the header is " + Arrays.toString( names ) + ". " + advice );
	}

	boolean has( final SpotColumn column )
	{
		return columns.containsKey( column.columnName() );
	}

	int indexOf( final SpotColumn column )
	{
		return columns.get( column.columnName() );
	}

	int size()
	{
		return names.length;
	}

	/** Name of a column in the file. */
	String nameInFile( final int i )
	{
		return names[ i ];
	}

	/** Whether a column has no name, as a table's index, or what a comma at the end makes. */
	boolean isUnnamed( final int i )
	{
		return UNNAMED.matcher( names[ i ] ).matches();
	}

	/** Name in the spots table, null if it does not know the column. */
	String meaning( final int i )
	{
		return meanings[ i ];
	}

	/** Name in the spots table if it knows the column, else that of the feature. */
	String name( final int i )
	{
		return meanings[ i ] == null ? features[ i ] : meanings[ i ];
	}

	/** Unit that the file states for a column; empty where it does not. */
	String unit( final SpotColumn column )
	{
		return has( column ) ? units[ indexOf( column ) ] : "";
	}

	/** Whether a column is a place, which no row may lack. */
	boolean isPlace( final int i )
	{
		return List.of( SpotColumn.X.columnName(), SpotColumn.Y.columnName(), SpotColumn.Z.columnName() ).contains( name( i ) );
	}

	/** Whether a column is left out, since another one was named for its meaning. */
	boolean isDisplaced( final int i )
	{
		return displaced[ i ];
	}
}
