/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The bytes of a table as text: UTF-8, UTF-16, UTF-32 or Windows-1252.
 */
final class CsvText
{
	static final String WINDOWS = "windows-1252";

	/** What begins with these bytes is no text; Latin-1. */
	private static final Map< String, String > NO_TEXT = new LinkedHashMap<>();

	static
	{
		NO_TEXT.put( "PK\u0003\u0004", "is an Excel workbook or another zip file; save the sheet as CSV (UTF-8)." );
		NO_TEXT.put( "\u00d0\u00cf\u0011\u00e0", "is an Excel workbook; save the sheet as CSV (UTF-8)." );
		NO_TEXT.put( "\u001f\u008b", "is a gzipped file; unpack it." );
		NO_TEXT.put( "%PDF", "is a PDF; give the table as CSV." );
	}

	/** Marks of an encoding; Latin-1. */
	private static final Map< String, String > MARKS = new LinkedHashMap<>();

	static
	{
		MARKS.put( "\u00ef\u00bb\u00bf", "UTF-8" );
		MARKS.put( "\u00ff\u00fe\u0000\u0000", "UTF-32" );
		MARKS.put( "\u0000\u0000\u00fe\u00ff", "UTF-32" );
		MARKS.put( "\u00ff\u00fe", "UTF-16" );
		MARKS.put( "\u00fe\u00ff", "UTF-16" );
	}

	private static final int LOOK_AT = 2000;

	private CsvText()
	{}

	/** The text, and what it was read as. */
	static final class Decoded
	{
		final String text;

		final boolean isWindows;

		private Decoded( final String text, final boolean isWindows )
		{
			this.text = text;
			this.isWindows = isWindows;
		}
	}

	/**
	 * Decodes a file.
	 *
	 * @param file
	 *            its name, for messages.
	 * @param data
	 *            its bytes.
	 * @return the text, without a mark of its encoding.
	 * @throws CsvException
	 *             if it is no text.
	 */
	static Decoded decode( final String file, final byte[] data )
	{
		final String start = new String( data, 0, Math.min( 4, data.length ), StandardCharsets.ISO_8859_1 );
		for ( final Map.Entry< String, String > entry : NO_TEXT.entrySet() )
			if ( start.startsWith( entry.getKey() ) )
				throw new CsvException( file, 1, "", "it " + entry.getValue() );
		final Optional< String > mark = MARKS.keySet().stream().filter( start::startsWith ).findFirst();
		final Optional< String > text = decode( data, mark.map( MARKS::get ).orElseGet( () -> guess( data ) ) );
		return new Decoded( check( file, text.orElseGet( () -> new String( data, Charset.forName( WINDOWS ) ) ) ), text.isEmpty() );
	}

	private static String guess( final byte[] data )
	{
		final int n = Math.min( LOOK_AT, data.length );
		int zeros = 0;
		for ( int i = 0; i < n; i++ )
			zeros += data[ i ] == 0 ? 1 : 0;
		if ( zeros <= n / 4 )
			return "UTF-8";
		return data[ 1 ] == 0 ? "UTF-16LE" : "UTF-16BE";
	}

	private static Optional< String > decode( final byte[] data, final String encoding )
	{
		try
		{
			return Optional.of( Charset.forName( encoding ).newDecoder().onMalformedInput( CodingErrorAction.REPORT ).onUnmappableCharacter( CodingErrorAction.REPORT ).decode( ByteBuffer.wrap( data ) ).toString() );
		}
		catch ( final CharacterCodingException e )
		{
			return Optional.empty();
		}
	}

	/**
	 * Checks that a text is one, and takes off the mark at its start and the old
	 * sign of its end.
	 *
	 * @param file
	 *            its name, for messages.
	 * @param text
	 *            as it was decoded.
	 * @return the text.
	 * @throws CsvException
	 *             if it holds what no text has.
	 */
	static String check( final String file, final String text )
	{
		if ( text.chars().anyMatch( c -> Character.getType( c ) == Character.CONTROL && "\t\r\n\f\u001a".indexOf( c ) < 0 ) )
			throw new CsvException( file, 1, "", "it is not readable as text; give a CSV." );
		return text.replaceFirst( "^\ufeff", "" ).replaceFirst( "\u001a+$", "" );
	}
}
