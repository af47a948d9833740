/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

/**
 * What counts as a number in a table, and what as missing.
 */
final class Numbers
{
	private Numbers()
	{}

	static boolean isMissing( final String field )
	{
		return field.isEmpty() || field.equalsIgnoreCase( "nan" ) || field.equalsIgnoreCase( "na" );
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
