/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import org.jdom2.DataConversionException;
import org.jdom2.Element;

import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import io.github.btrackmate.prune.PruneSettings;
import io.github.btrackmate.schema.SharedDefaults;

/**
 * The settings of pruning among those of a tracker: names, defaults, checks, and
 * attributes in TrackMate's XML.
 */
final class TrackletLength
{
	/** Setting: tracklets after a division that are shorter go; 0 = off. */
	static final String MINIMUM = "MIN_TRACKLET_LENGTH";

	/** Setting: unit of the minimum, {@code frames} or {@code time}. */
	static final String UNIT = "MIN_TRACKLET_UNIT";

	/** Setting: whether tracklets that reach the last frame may be short. */
	static final String CENSORED = "PRUNE_CENSORED";

	/** Setting: whether a division that follows another one within the minimum is undone. */
	static final String INTERNAL = "PRUNE_INTERNAL";

	/** Setting: whether whole tracks that are shorter go. */
	static final String SHORT_TRACKS = "PRUNE_SHORT_TRACKS";

	private static final List< String > FLAGS = List.of( CENSORED, INTERNAL, SHORT_TRACKS );

	static final String FRAMES = "frames";

	static final String TIME = "time";

	private TrackletLength()
	{}

	static Map< String, Object > defaults()
	{
		final Map< String, Object > defaults = new LinkedHashMap<>();
		defaults.put( MINIMUM, Defaults.MIN_TRACKLET_LENGTH );
		defaults.put( UNIT, Defaults.MIN_TRACKLET_UNIT );
		FLAGS.forEach( flag -> defaults.put( flag, SharedDefaults.isOn( flag.toLowerCase( Locale.ROOT ) ) ) );
		return defaults;
	}

	/** The settings of a tracker that are not ours. */
	static Map< String, Object > others( final Map< String, Object > settings )
	{
		final Map< String, Object > others = new HashMap<>( settings );
		others.keySet().removeAll( defaults().keySet() );
		return others;
	}

	/**
	 * Checks the settings.
	 *
	 * @param settings
	 *            settings of a tracker.
	 * @return what is wrong, with end of line, or {@code null}.
	 */
	static String check( final Map< String, Object > settings )
	{
		if ( !( settings.get( MINIMUM ) instanceof Number minimum ) || !( minimum.doubleValue() >= 0 ) || Double.isInfinite( minimum.doubleValue() ) )
			return "Setting " + MINIMUM + " is " + settings.get( MINIMUM ) + "; a number >= 0 was expected (0 = off).\n";
		if ( !FRAMES.equals( settings.get( UNIT ) ) && !TIME.equals( settings.get( UNIT ) ) )
			return "Setting " + UNIT + " is " + settings.get( UNIT ) + "; '" + FRAMES + "' or '" + TIME + "' was expected.\n";
		for ( final String flag : FLAGS )
			if ( !( settings.get( flag ) instanceof Boolean ) )
				return "Setting " + flag + " is " + settings.get( flag ) + "; true or false was expected.\n";
		return null;
	}

	/** The rules that are switched on beside that for leaves. */
	static String describeFlags( final Map< String, Object > settings )
	{
		return FLAGS.stream().filter( f -> Boolean.TRUE.equals( settings.get( f ) ) ).map( f -> ", " + f.toLowerCase( Locale.ROOT ) ).collect( Collectors.joining() );
	}

	static void marshal( final Map< String, Object > settings, final Element element )
	{
		defaults().keySet().forEach( k -> element.setAttribute( k, String.valueOf( settings.get( k ) ) ) );
	}

	/**
	 * Reads the settings; what is not there gets its default.
	 *
	 * @param element
	 *            settings of a tracker; our attributes are removed.
	 * @param settings
	 *            gets the values.
	 * @throws DataConversionException
	 *             if an attribute has a wrong type.
	 */
	static void unmarshal( final Element element, final Map< String, Object > settings ) throws DataConversionException
	{
		settings.putAll( defaults() );
		if ( element.getAttribute( MINIMUM ) != null )
			settings.put( MINIMUM, element.getAttribute( MINIMUM ).getDoubleValue() );
		if ( element.getAttribute( UNIT ) != null )
			settings.put( UNIT, element.getAttributeValue( UNIT ) );
		for ( final String flag : FLAGS )
			if ( element.getAttribute( flag ) != null )
				settings.put( flag, element.getAttribute( flag ).getBooleanValue() );
		defaults().keySet().forEach( element::removeAttribute );
	}

	/**
	 * Reads what to prune.
	 *
	 * @param settings
	 *            settings of a tracker.
	 * @param spots
	 *            spots, from whose times the frame interval follows.
	 * @return settings of the pruner.
	 */
	static PruneSettings toPruneSettings( final Map< String, Object > settings, final SpotCollection spots )
	{
		final double minimum = ( ( Number ) settings.get( MINIMUM ) ).doubleValue();
		final boolean inFrames = FRAMES.equals( settings.get( UNIT ) );
		final PruneSettings prune = inFrames ? PruneSettings.inFrames( minimum ) : PruneSettings.inTime( minimum, frameInterval( spots ) );
		return prune.withCensored( ( Boolean ) settings.get( CENSORED ) ).withInternal( ( Boolean ) settings.get( INTERNAL ) ).withShortTracks( ( Boolean ) settings.get( SHORT_TRACKS ) );
	}

	/** TrackMate gives a tracker no calibration; every spot's time is frame × interval. */
	private static double frameInterval( final SpotCollection spots )
	{
		for ( final Spot spot : spots.iterable( false ) )
		{
			final Double time = spot.getFeature( Spot.POSITION_T );
			if ( ModelPruner.frame( spot ) > 0 && time != null )
				return time / ModelPruner.frame( spot );
		}
		return 1;
	}
}
