/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;

import org.jdom2.DataConversionException;
import org.jdom2.Element;

import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import fiji.plugin.trackmate.tracking.TrackerKeys;
import io.github.btrackmate.distances.LinkingDistances;

/**
 * The setting of a tracker that takes its distances from the data, when it links:
 * the numbers that it finds stand in the settings afterwards.
 */
final class AutoDistances
{
	/** Setting: whether the distances are taken from the data. */
	static final String KEY = "AUTO_DISTANCES";

	/** What is written for a distance that the data tell. */
	static final String AUTO = "auto";

	private AutoDistances()
	{}

	/** Whether a tracker has distances. */
	static boolean fits( final Map< String, Object > settings )
	{
		return settings.containsKey( TrackerKeys.KEY_LINKING_MAX_DISTANCE );
	}

	static boolean isOn( final Map< String, Object > settings )
	{
		return Boolean.TRUE.equals( settings.get( KEY ) );
	}

	/** What is wrong, with end of line, or {@code null}. */
	static String check( final Map< String, Object > settings )
	{
		final Object value = settings.get( KEY );
		return value == null || value instanceof Boolean ? null : "Setting " + KEY + " is " + value + "; true or false was expected.\n";
	}

	static void unmarshal( final Element element, final Map< String, Object > settings ) throws DataConversionException
	{
		if ( element.getAttribute( KEY ) == null )
			return;
		settings.put( KEY, element.getAttribute( KEY ).getBooleanValue() );
		element.removeAttribute( KEY );
	}

	/**
	 * Measures the spots that are shown, and sets the distances that the tracker
	 * has. Where the spots tell nothing, the distances stay.
	 *
	 * @param spots
	 *            what is to be linked.
	 * @param settings
	 *            settings of a tracker; changed, if the distances are to be taken
	 *            from the data.
	 * @param given
	 *            distances that count all the same, by name.
	 * @param unit
	 *            unit of space, for the text.
	 * @return what was found, a line for the log; empty if nothing was asked.
	 */
	static String fill( final SpotCollection spots, final Map< String, Object > settings, final Map< String, Double > given, final String unit )
	{
		if ( !isOn( settings ) )
			return "";
		settings.put( KEY, false );
		final double lastResort = ( ( Number ) settings.get( TrackerKeys.KEY_LINKING_MAX_DISTANCE ) ).doubleValue();
		// It is ten voxels.
		final LinkingDistances found = LinkingDistances.of( positions( spots ), lastResort / 10 );
		final Map< String, Object > distances = new HashMap<>();
		distances.put( TrackerKeys.KEY_LINKING_MAX_DISTANCE, found.linking() );
		distances.put( TrackerKeys.KEY_KALMAN_SEARCH_RADIUS, found.linking() );
		distances.put( TrackerKeys.KEY_GAP_CLOSING_MAX_DISTANCE, found.linking() );
		distances.put( TrackerKeys.KEY_SPLITTING_MAX_DISTANCE, found.splitting() );
		distances.put( TrackerKeys.KEY_MERGING_MAX_DISTANCE, found.linking() );
		distances.putAll( given );
		settings.putAll( Jobs.known( settings, distances ) );
		final String kept = given.isEmpty() ? "" : "; given: " + new TreeMap<>( given );
		return String.format( "Distances from the data: linking and gap closing %.4g %s, splitting %.4g %s (median step %.3g, median nearest neighbour %.3g, 95 %% of these within %.3g)%s.%n", found.linking(), unit, found.splitting(), unit, found.step(), found.near(), found.spacing(), kept );
	}

	private static List< double[][] > positions( final SpotCollection spots )
	{
		final List< double[][] > frames = new ArrayList<>();
		final int last = spots.keySet().isEmpty() ? -1 : spots.keySet().last();
		for ( int t = 0; t <= last; t++ )
			frames.add( StreamSupport.stream( spots.iterable( t, true ).spliterator(), false )
					.map( s -> new double[] { s.getFeature( Spot.POSITION_X ), s.getFeature( Spot.POSITION_Y ), s.getFeature( Spot.POSITION_Z ) } )
					.toArray( double[][]::new ) );
		return frames;
	}
}
