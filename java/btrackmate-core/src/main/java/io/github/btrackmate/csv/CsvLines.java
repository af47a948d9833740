/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.opencsv.ICSVParser;
import com.opencsv.RFC4180ParserBuilder;

/**
 * The lines of a table: the header, below lines of title, and its rows.
 */
final class CsvLines
{
	/** Lines of title that some programs (Imaris) put above the header. */
	private static final int MOST_TITLES = 10;

	private static final String SEPARATORS = ",;\t";

	/** Excel's own line. */
	private static final Pattern SEPARATOR_LINE = Pattern.compile( "sep=(.)", Pattern.CASE_INSENSITIVE );

	/** Lines with names, short names and units below TrackMate's header. */
	private static final int TRACKMATE_LINES = 3;

	private static final Pattern NUMBER = Pattern.compile( "[+-]?(\\d+[.,]?\\d*|[.,]\\d+)([eE][+-]?\\d+)?" );

	/** Fields of a row; line from 1. */
	static final class Row
	{
		final long line;

		final String[] fields;

		Row( final long line, final String[] fields )
		{
			this.line = line;
			this.fields = fields;
		}

		/** A field, empty where the row is too short. */
		String field( final int i )
		{
			return i < fields.length ? fields[ i ] : "";
		}
	}

	private final String file;

	private final ICSVParser parser;

	private final char separator;

	private final Row header;

	private final List< Row > rows = new ArrayList<>();

	/**
	 * Splits a text.
	 *
	 * @param file
	 *            its name, for messages.
	 * @param text
	 *            the whole table.
	 * @throws CsvException
	 *             if it is empty, or a quote is not closed.
	 */
	CsvLines( final String file, final String text )
	{
		this.file = file;
		final String[] lines = text.replace( "\r\n", "\n" ).replace( '\r', '\n' ).split( "\n", -1 );
		int above = 0;
		char found = 0;
		for ( int i = 0; i < Math.min( MOST_TITLES + 1, lines.length ) && found == 0; i++ )
		{
			final Matcher named = SEPARATOR_LINE.matcher( lines[ i ].replaceAll( "^[ \"]+|[ \"]+$", "" ) );
			if ( named.matches() && i + 1 < lines.length )
			{
				above = i + 1;
				found = named.group( 1 ).charAt( 0 );
			}
			else if ( lines[ i ].indexOf( mostOften( lines[ i ] ) ) >= 0 )
			{
				above = i;
				found = mostOften( lines[ i ] );
			}
		}
		if ( found == 0 && lines[ 0 ].isBlank() )
			throw new CsvException( file, 1, "x", "it is empty; a header with x, y and frame was expected." );
		separator = found == 0 ? mostOften( lines[ 0 ] ) : found;
		parser = new RFC4180ParserBuilder().withSeparator( separator ).build();
		header = split( above + 1L, lines[ above ].replaceFirst( "^#? *", "" ) );
		for ( int i = above + 1; i < lines.length; i++ )
		{
			final Row row = split( i + 1L, lines[ i ] );
			if ( !Arrays.stream( row.fields ).allMatch( String::isEmpty ) )
				rows.add( row );
		}
	}

	private static char mostOften( final String line )
	{
		char best = SEPARATORS.charAt( 0 );
		for ( final char c : SEPARATORS.toCharArray() )
			if ( count( line, c ) > count( line, best ) )
				best = c;
		return best;
	}

	private static long count( final String line, final char c )
	{
		return line.chars().filter( one -> one == c ).count();
	}

	private Row split( final long number, final String line )
	{
		try
		{
			final String[] fields = parser.parseLineMulti( line );
			if ( !parser.isPending() )
			{
				Arrays.setAll( fields, i -> fields[ i ].strip() );
				return new Row( number, fields );
			}
		}
		catch ( final IOException e )
		{
			throw new CsvException( file, number, "", "it cannot be split into fields: " + e.getMessage() );
		}
		throw new CsvException( file, number, "", "a text in quotes does not end in its line; is a quote not closed?" );
	}

	Row header()
	{
		return header;
	}

	List< Row > rows()
	{
		return rows;
	}

	char separator()
	{
		return separator;
	}

	/**
	 * Drops the three lines with names and units below the header of a table that
	 * TrackMate exported.
	 *
	 * @param key
	 *            a column of numbers that such a table has.
	 * @return what the last of these lines states for each column; empty texts in
	 *         other tables.
	 */
	String[] dropExportLines( final String key )
	{
		final String[] units = new String[ header.fields.length ];
		Arrays.fill( units, "" );
		final int column = Arrays.asList( Arrays.stream( header.fields ).map( f -> f.toUpperCase( Locale.ROOT ) ).toArray() ).indexOf( key );
		if ( column < 0 || rows.size() < TRACKMATE_LINES )
			return units;
		final List< Row > head = rows.subList( 0, TRACKMATE_LINES );
		if ( head.stream().anyMatch( r -> NUMBER.matcher( r.field( column ) ).matches() ) )
			return units;
		final Row last = head.get( TRACKMATE_LINES - 1 );
		Arrays.setAll( units, i -> last.field( i ).replaceAll( "^[()]+|[()]+$", "" ) );
		head.clear();
		return units;
	}
}
