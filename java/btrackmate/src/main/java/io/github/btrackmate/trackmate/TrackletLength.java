package io.github.btrackmate.trackmate;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

import org.jdom2.DataConversionException;
import org.jdom2.Element;

import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import io.github.btrackmate.prune.PruneSettings;

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

	static final String FRAMES = "frames";

	static final String TIME = "time";

	private TrackletLength()
	{}

	static Map< String, Object > defaults()
	{
		final Map< String, Object > defaults = new LinkedHashMap<>();
		defaults.put( MINIMUM, 3.0 );
		defaults.put( UNIT, FRAMES );
		defaults.put( CENSORED, false );
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
		if ( !( settings.get( CENSORED ) instanceof Boolean ) )
			return "Setting " + CENSORED + " is " + settings.get( CENSORED ) + "; true or false was expected.\n";
		return null;
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
		if ( element.getAttribute( CENSORED ) != null )
			settings.put( CENSORED, element.getAttribute( CENSORED ).getBooleanValue() );
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
		return prune.withCensored( ( Boolean ) settings.get( CENSORED ) );
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
