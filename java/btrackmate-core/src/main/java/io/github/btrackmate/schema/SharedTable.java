/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

import com.opencsv.CSVReader;
import com.opencsv.exceptions.CsvValidationException;

/**
 * A table that the Python package reads, too: it stands there, in
 * {@code btrackmate/core}, and the build puts it into this jar.
 */
final class SharedTable
{
	/** Columns of the spots table. */
	static final SharedTable COLUMNS = new SharedTable( "columns.csv" );

	/** Names that columns have in tables of other programs. */
	static final SharedTable ALIASES = new SharedTable( "aliases.csv" );

	/** Defaults of settings that both have. */
	static final SharedTable DEFAULTS = new SharedTable( "defaults.csv" );

	private final String file;

	private final List< Map< String, String > > rows = new ArrayList<>();

	private SharedTable( final String file )
	{
		this.file = file;
		try (InputStream stream = SharedTable.class.getResourceAsStream( file );
				CSVReader reader = new CSVReader( new InputStreamReader( stream, StandardCharsets.UTF_8 ) ))
		{
			final String[] header = reader.readNext();
			for ( String[] fields = reader.readNext(); fields != null; fields = reader.readNext() )
			{
				final Map< String, String > row = new LinkedHashMap<>();
				for ( int i = 0; i < header.length; i++ )
					row.put( header[ i ], fields[ i ] );
				rows.add( row );
			}
		}
		catch ( final IOException e )
		{
			throw new UncheckedIOException( e );
		}
		catch ( final CsvValidationException e )
		{
			throw new IllegalStateException( file, e );
		}
	}

	/** Each row as values by name of column. */
	List< Map< String, String > > rows()
	{
		return rows;
	}

	/** The row of a name. */
	Map< String, String > row( final String name )
	{
		return rows.stream().filter( r -> name.equals( r.get( "name" ) ) ).findFirst().orElseThrow( () -> new NoSuchElementException( file + " has no " + name ) );
	}
}
