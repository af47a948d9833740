/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.HashMap;
import java.util.Map;

import io.github.btrackmate.schema.SharedDefaults;

/**
 * Defaults of the commands and trackers: those that the command line has, too.
 */
final class Defaults
{
	static final String DISTANCE = SharedDefaults.text( "linking_max_distance" );

	static final int FRAME_GAP = ( int ) SharedDefaults.number( "max_frame_gap" );

	static final boolean SPLITTING = SharedDefaults.isOn( "allow_track_splitting" );

	static final double MIN_TRACKLET_LENGTH = SharedDefaults.number( "min_tracklet_length" );

	static final String MIN_TRACKLET_UNIT = SharedDefaults.text( "unit" );

	static final String MASK_POLICY = SharedDefaults.text( "mask_policy" );

	static final double MASK_FRACTION = SharedDefaults.number( "mask_fraction" );

	static final String TABLE_UNITS = SharedDefaults.text( "csv_units" );

	static final String TABLE_TIME = SharedDefaults.text( "csv_time" );

	private Defaults()
	{}

	/**
	 * The defaults of a tracker: TrackMate's, with those that are shared. Distances
	 * that the data tell stay TrackMate's numbers; {@link AutoDistances} replaces
	 * them where it is asked to.
	 *
	 * @param trackmates
	 *            TrackMate's defaults.
	 * @return new map.
	 */
	static Map< String, Object > ofTracker( final Map< String, Object > trackmates )
	{
		final Map< String, String > shared = SharedDefaults.byKey();
		final Map< String, Object > defaults = new HashMap<>( trackmates );
		defaults.replaceAll( ( key, value ) -> shared.containsKey( key ) ? like( value, shared.get( key ) ) : value );
		return defaults;
	}

	private static Object like( final Object value, final String text )
	{
		if ( AutoDistances.AUTO.equals( text ) )
			return value;
		if ( value instanceof Boolean )
			return Boolean.valueOf( text );
		if ( value instanceof Integer )
			return Integer.valueOf( text );
		return value instanceof Double ? ( Object ) Double.valueOf( text ) : text;
	}
}
