/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Defaults of the settings that the plugin and the Python package share, under
 * the names of the latter, such as {@code max_frame_gap}.
 */
public final class SharedDefaults
{
	private SharedDefaults()
	{}

	/**
	 * Returns a default as text.
	 *
	 * @param name
	 *            name of the setting.
	 * @return default.
	 * @throws java.util.NoSuchElementException
	 *             if it is not shared.
	 */
	public static String text( final String name )
	{
		return SharedTable.DEFAULTS.row( name ).get( "value" );
	}

	/**
	 * Returns a default that is a number.
	 *
	 * @param name
	 *            name of the setting.
	 * @return default.
	 * @throws java.util.NoSuchElementException
	 *             if it is not shared.
	 */
	public static double number( final String name )
	{
		return Double.parseDouble( text( name ) );
	}

	/**
	 * Returns a default that is yes or no.
	 *
	 * @param name
	 *            name of the setting.
	 * @return default.
	 * @throws java.util.NoSuchElementException
	 *             if it is not shared.
	 */
	public static boolean isOn( final String name )
	{
		return Boolean.parseBoolean( text( name ) );
	}

	/**
	 * Returns all defaults under the keys that TrackMate's files have for them.
	 *
	 * @return default by key.
	 */
	public static Map< String, String > byKey()
	{
		final Map< String, String > defaults = new LinkedHashMap<>();
		SharedTable.DEFAULTS.rows().forEach( row -> defaults.put( row.get( "key" ), row.get( "value" ) ) );
		return defaults;
	}
}
