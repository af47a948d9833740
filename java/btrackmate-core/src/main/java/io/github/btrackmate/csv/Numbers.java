/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What counts as a number in a table, and what as missing.
 */
final class Numbers
{
	private static final Set< String > MISSING = Set.of( "", "nan", "na", "none", "null", "n/a", "#n/a", "<na>" );

	private static final Map< String, String > TRUTH = Map.of( "true", "1", "false", "0" );

	private Numbers()
	{}

	static boolean isMissing( final String field )
	{
		return MISSING.contains( field.toLowerCase( Locale.ROOT ) );
	}

	/** Whether a field says true or false. */
	static boolean isTruth( final String field )
	{
		return ( field.length() == 4 || field.length() == 5 ) && TRUTH.containsKey( field.toLowerCase( Locale.ROOT ) );
	}

	/** True and false as 1 and 0; other fields as they are. */
	static String ofTruth( final String field )
	{
		return TRUTH.getOrDefault( field.toLowerCase( Locale.ROOT ), field );
	}

	/**
	 * Reads a finite decimal number; NaN if it is none. Java's own notations
	 * ({@code 1d}, {@code 0x1p3}) are none.
	 */
	static double parse( final String field )
	{
		for ( int i = 0; i < field.length(); i++ )
		{
			final char c = field.charAt( i );
			if ( ( c < '0' || c > '9' ) && "+-.eE".indexOf( c ) < 0 )
				return Double.NaN;
		}
		try
		{
			final double value = Double.parseDouble( field );
			return Double.isInfinite( value ) ? Double.NaN : value;
		}
		catch ( final NumberFormatException e )
		{
			return Double.NaN;
		}
	}

	static boolean isNumber( final String field )
	{
		return !Double.isNaN( parse( field ) );
	}
}
