/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;


import org.jdom2.DataConversionException;
import org.jdom2.Element;
import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.SpotCollection;
import fiji.plugin.trackmate.gui.components.ConfigurationPanel;
import fiji.plugin.trackmate.tracking.SpotTracker;
import fiji.plugin.trackmate.tracking.SpotTrackerFactory;
import fiji.plugin.trackmate.tracking.jaqaman.SparseLAPTrackerFactory;
import fiji.plugin.trackmate.tracking.kalman.AdvancedKalmanTrackerFactory;
import fiji.plugin.trackmate.tracking.overlap.OverlapTrackerFactory;

/**
 * One of TrackMate's trackers, followed by the pruning of short tracklets.
 * Settings are those of that tracker and of {@link TrackletLength}.
 */
public abstract class PrunedTrackerFactory implements SpotTrackerFactory, BTrackMateModule
{
	private final SpotTrackerFactory tracker;

	/** Keeps the table of what is pruned; null until the wizard gives it. */
	private Model model;

	/** Distances that count where the others are taken from the data. */
	private Map< String, Double > given = Map.of();

	private PrunedTrackerFactory( final SpotTrackerFactory tracker )
	{
		this.tracker = tracker;
	}

	/** Sets where the table of what is pruned is kept. */
	PrunedTrackerFactory reportTo( final Model keeper )
	{
		model = keeper;
		return this;
	}

	/** TrackMate's LAP tracker. */
	@Plugin( type = SpotTrackerFactory.class )
	public static final class Lap extends PrunedTrackerFactory
	{
		/** Creates the factory. */
		public Lap()
		{
			super( new SparseLAPTrackerFactory() );
		}
	}

	/** TrackMate's advanced Kalman tracker. */
	@Plugin( type = SpotTrackerFactory.class )
	public static final class AdvancedKalman extends PrunedTrackerFactory
	{
		/** Creates the factory. */
		public AdvancedKalman()
		{
			super( new AdvancedKalmanTrackerFactory() );
		}
	}

	/** TrackMate's overlap tracker. */
	@Plugin( type = SpotTrackerFactory.class )
	public static final class Overlap extends PrunedTrackerFactory
	{
		/** Creates the factory. */
		public Overlap()
		{
			super( new OverlapTrackerFactory() );
		}
	}

	/**
	 * Keeps distances where the others are taken from the data; of a script, not
	 * saved.
	 *
	 * @param distances
	 *            distances by TrackMate's names.
	 */
	public void keepDistances( final Map< String, Double > distances )
	{
		given = Map.copyOf( distances );
	}

	/** The settings that are TrackMate's. */
	static Map< String, Object > others( final Map< String, Object > settings )
	{
		final Map< String, Object > others = TrackletLength.others( settings );
		others.remove( AutoDistances.KEY );
		return others;
	}

	@Override
	public SpotTracker create( final SpotCollection spots, final Map< String, Object > settings )
	{
		final String distances = AutoDistances.fill( spots, settings, given, model == null ? "" : model.getSpaceUnits() );
		return new PrunedTracker( tracker.create( spots, others( settings ) ), spots, settings, model ).announce( distances );
	}

	@Override
	public ConfigurationPanel getTrackerConfigurationPanel( final Model wizardModel )
	{
		model = wizardModel;
		return new PrunedTrackerPanel( tracker.getTrackerConfigurationPanel( wizardModel ), getDefaultSettings(), wizardModel.getTimeUnits() );
	}

	@Override
	public Map< String, Object > getDefaultSettings()
	{
		final Map< String, Object > settings = Defaults.ofTracker( tracker.getDefaultSettings() );
		settings.putAll( TrackletLength.defaults() );
		if ( AutoDistances.fits( settings ) )
			settings.put( AutoDistances.KEY, false );
		return settings;
	}

	@Override
	public String checkSettings( final Map< String, Object > settings )
	{
		if ( settings == null )
			return "There are no tracker settings.\n";
		return Stream.of( tracker.checkSettings( others( settings ) ), TrackletLength.check( settings ), AutoDistances.check( settings ) ).filter( Objects::nonNull ).findFirst().orElse( null );
	}

	@Override
	public String marshal( final Map< String, Object > settings, final Element element )
	{
		TrackletLength.marshal( settings, element );
		if ( settings.containsKey( AutoDistances.KEY ) )
			element.setAttribute( AutoDistances.KEY, String.valueOf( AutoDistances.isOn( settings ) ) );
		return tracker.marshal( others( settings ), element );
	}

	@Override
	public String unmarshal( final Element element, final Map< String, Object > settings )
	{
		final Map< String, Object > own = new HashMap<>();
		final Element rest = element.clone();
		try
		{
			TrackletLength.unmarshal( rest, own );
			if ( AutoDistances.fits( tracker.getDefaultSettings() ) )
				own.put( AutoDistances.KEY, false );
			AutoDistances.unmarshal( rest, own );
		}
		catch ( final DataConversionException e )
		{
			return "Settings of " + getName() + ": " + e.getMessage() + "\n";
		}
		final String fault = tracker.unmarshal( rest, settings );
		settings.putAll( own );
		return fault == null ? checkSettings( settings ) : fault;
	}

	@Override
	public String toString( final Map< String, Object > settings )
	{
		final String fault = checkSettings( settings );
		if ( fault != null )
			return fault;
		return tracker.toString( others( settings ) ) + ( AutoDistances.isOn( settings ) ? "  Distances: from the data\n" : "" ) + "  Minimum tracklet length: " + settings.get( TrackletLength.MINIMUM ) + " " + settings.get( TrackletLength.UNIT ) + " (0 = off)" + TrackletLength.describeFlags( settings ) + "\n";
	}

	@Override
	public String getInfoText()
	{
		return About.withCitation( "<html>" + tracker.getInfoText().replace( "<html>", "" ).replace( "</html>", "" )
				+ "<p><p>Afterwards, daughters that end too soon after a division to be cells are pruned. "
				+ "If all daughters of a division are short, the longest one continues the mother; daughters that reach the last frame are not short. "
				+ "Pruned spots are hidden; the action <i>" + ShowLeftOutAction.SHOW_PRUNED + "</i> lists them.</html>" );
	}

	@Override
	public String getKey()
	{
		return "BTRACKMATE_PRUNED_" + tracker.getKey();
	}

	@Override
	public String getName()
	{
		return tracker.getName() + " + minimum tracklet length";
	}
}
