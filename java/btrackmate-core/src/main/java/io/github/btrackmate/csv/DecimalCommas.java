/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Numbers with a decimal comma, as spreadsheets write them in many countries.
 */
final class DecimalCommas
{
	private static final Predicate< String > COMMA = Pattern.compile( "[+-]?\\d*,\\d+([eE][+-]?\\d+)?" ).asMatchPredicate();

	private static final Predicate< String > POINT = Pattern.compile( "[+-]?\\d*\\.\\d+([eE][+-]?\\d+)?" ).asMatchPredicate();

	private DecimalCommas()
	{}

	/**
	 * Finds a number with a decimal comma. There is none where a number has a
	 * decimal point: then a comma may part thousands.
	 */
	static Optional< String > example( final List< String[] > rows )
	{
		return fields( rows ).anyMatch( POINT ) ? Optional.empty() : fields( rows ).filter( COMMA ).findFirst();
	}

	private static Stream< String > fields( final List< String[] > rows )
	{
		return rows.stream().flatMap( Arrays::stream );
	}

	static void replace( final String[] fields )
	{
		Arrays.setAll( fields, i -> COMMA.test( fields[ i ] ) ? fields[ i ].replace( ',', '.' ) : fields[ i ] );
	}
}
