/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import static io.github.btrackmate.schema.SpotColumn.FRAME;
import static io.github.btrackmate.schema.SpotColumn.ID;
import static io.github.btrackmate.schema.SpotColumn.TIME;
import static io.github.btrackmate.schema.SpotColumn.X;
import static io.github.btrackmate.schema.SpotColumn.Y;
import static io.github.btrackmate.schema.SpotColumn.Z;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import io.github.btrackmate.schema.ColumnNames;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Finds out what the columns of a table mean.
 */
final class CsvHeader
{
	private final String file;

	/** As they stand in the file. */
	private final String[] names;

	/** Names in the spots table; null for columns that it does not know. */
	private final String[] meanings;

	/** Columns that would mean what another column was named for. */
	private final boolean[] displaced;

	private final Map< String, Integer > columns = new HashMap<>();

	CsvHeader( final String file, final long line, final String[] fields, final Map< SpotColumn, String > given )
	{
		this.file = file;
		names = Arrays.stream( fields ).map( f -> f.replace( "\uFEFF", "" ).trim() ).toArray( String[]::new );
		for ( final Map.Entry< SpotColumn, String > entry : given.entrySet() )
			if ( !Arrays.asList( names ).contains( entry.getValue() ) )
				throw new CsvException( file, line, entry.getKey().columnName(), "there is no column '" + entry.getValue() + "', which was named for " + entry.getKey().columnName() + ", in the header " + Arrays.toString( names ) + "." );
		meanings = new String[ names.length ];
		displaced = new boolean[ names.length ];
		for ( int i = 0; i < names.length; i++ )
		{
			displaced[ i ] = isDisplaced( names[ i ], given );
			meanings[ i ] = names[ i ].isEmpty() || displaced[ i ] ? null : meaning( names[ i ], given );
		}
		ColumnNames.addWeak( names, meanings );
		for ( int i = 0; i < names.length; i++ )
		{
			if ( names[ i ].isEmpty() || displaced[ i ] )
				continue;
			final Integer other = columns.put( name( i ), i );
			if ( other != null )
				throw new CsvException( file, line, name( i ), "the columns '" + names[ other ] + "' and '" + names[ i ] + "' both mean " + name( i ) + "; rename or delete one of them." );
		}
		require( X, line );
		require( Y, line );
		if ( !has( TIME ) )
			require( FRAME, line );
	}

	/** What was given for a column of the file, else what its name suggests. */
	private static String meaning( final String name, final Map< SpotColumn, String > given )
	{
		for ( final Map.Entry< SpotColumn, String > entry : given.entrySet() )
			if ( entry.getValue().equals( name ) )
				return entry.getKey().columnName();
		return ColumnNames.meaning( name ).orElse( null );
	}

	/** Whether another column was given for what the name suggests. */
	private static boolean isDisplaced( final String name, final Map< SpotColumn, String > given )
	{
		final String meaning = meaning( name, given );
		return given.entrySet().stream().anyMatch( e -> e.getKey().columnName().equals( meaning ) && !e.getValue().equals( name ) );
	}

	private void require( final SpotColumn column, final long line )
	{
		if ( !has( column ) )
			throw new CsvException( file, line, column.columnName(), "there is no column " + column.columnName() + " in the header " + Arrays.toString( names ) + ". The first line must name the columns; x, y and frame are needed." );
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

	/** Name in the spots table, null if it does not know the column. */
	String meaning( final int i )
	{
		return meanings[ i ];
	}

	/** Name in the spots table if it knows the column, else that in the file. */
	String name( final int i )
	{
		return meanings[ i ] == null ? names[ i ] : meanings[ i ];
	}

	/** Whether a column must hold numbers in every row. */
	boolean isRequired( final int i )
	{
		final List< String > required = new ArrayList<>( List.of( X.columnName(), Y.columnName(), Z.columnName(), ID.columnName(), FRAME.columnName() ) );
		if ( !has( FRAME ) )
			required.add( TIME.columnName() );
		return required.contains( meanings[ i ] );
	}

	/** Whether a column is left out, since another one was named for its meaning. */
	boolean isDisplaced( final int i )
	{
		return displaced[ i ];
	}

	/** Whether the table looks like one that TrackMate exported. */
	boolean isFromTrackMate()
	{
		return Arrays.asList( names ).contains( X.key() );
	}
}
