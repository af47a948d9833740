/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of intensity columns, such as {@code mean_intensity_ch1}, and their
 * TrackMate keys, such as {@code MEAN_INTENSITY_CH1}. Channels count from 1.
 */
public final class IntensityColumn
{
	private static final Pattern NAME = Pattern.compile( "(mean|median|min|max|total|std)_?intensity_?ch([1-9][0-9]{0,4})" );

	private IntensityColumn()
	{}

	/**
	 * Finds the name of an intensity column.
	 *
	 * @param nameOrKey
	 *            name or TrackMate key in any case, with or without underscores.
	 * @return the name in tables, if it is an intensity column.
	 */
	public static Optional< String > find( final String nameOrKey )
	{
		final Matcher matcher = NAME.matcher( nameOrKey.toLowerCase( Locale.ROOT ) );
		return matcher.matches() ? Optional.of( matcher.group( 1 ) + "_intensity_ch" + matcher.group( 2 ) ) : Optional.empty();
	}

	/**
	 * Returns TrackMate's key of an intensity column.
	 *
	 * @param columnName
	 *            name in tables.
	 * @return TrackMate's feature key.
	 */
	public static String key( final String columnName )
	{
		return columnName.toUpperCase( Locale.ROOT );
	}

	/**
	 * Returns TrackMate's key of a statistic.
	 *
	 * @param statistic
	 *            {@code mean}, {@code median}, {@code min}, {@code max},
	 *            {@code total} or {@code std}.
	 * @param channel
	 *            channel, from 0.
	 * @return TrackMate's feature key.
	 */
	public static String key( final String statistic, final int channel )
	{
		return key( statistic + "_intensity_ch" + ( channel + 1 ) );
	}
}
