/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.BorderLayout;
import java.awt.FlowLayout;
import java.awt.GridLayout;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

import javax.swing.BorderFactory;
import javax.swing.JCheckBox;
import javax.swing.JComboBox;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JSpinner;
import javax.swing.SpinnerNumberModel;

import fiji.plugin.trackmate.gui.Fonts;
import fiji.plugin.trackmate.gui.components.ConfigurationPanel;

/**
 * The panel of a tracker, with the minimum tracklet length below.
 */
final class PrunedTrackerPanel extends ConfigurationPanel
{
	private static final long serialVersionUID = 1L;

	private final ConfigurationPanel tracker;

	private final transient Map< String, Object > defaults;

	private final JSpinner minimum = new JSpinner( new SpinnerNumberModel( 0.0, 0.0, 1e9, 1.0 ) );

	private final JComboBox< String > unit;

	private final JCheckBox auto = new JCheckBox( "Distances from the data (those above don't count)" );

	/** In the order in which they are shown. */
	private final Map< String, JCheckBox > flags = new LinkedHashMap<>();

	/**
	 * Creates a panel.
	 *
	 * @param tracker
	 *            panel of the tracker.
	 * @param defaults
	 *            default settings, for what TrackMate does not give.
	 * @param timeUnits
	 *            time unit of the model.
	 */
	PrunedTrackerPanel( final ConfigurationPanel tracker, final Map< String, Object > defaults, final String timeUnits )
	{
		this.tracker = tracker;
		this.defaults = defaults;
		unit = new JComboBox<>( new String[] { TrackletLength.FRAMES, "time in " + timeUnits } );
		// Else it would be as wide as its greatest value, and push the unit out of TrackMate's window.
		( ( JSpinner.DefaultEditor ) minimum.getEditor() ).getTextField().setColumns( 4 );
		final JPanel row = new JPanel( new FlowLayout( FlowLayout.LEFT, 4, 0 ) );
		row.add( label( "Min. tracklet length (0 = off):" ) );
		row.add( minimum );
		row.add( unit );
		final JPanel own = new JPanel( new GridLayout( 0, 1 ) );
		own.setBorder( BorderFactory.createEmptyBorder( 4, 4, 4, 4 ) );
		if ( AutoDistances.fits( defaults ) )
		{
			auto.setName( "autoDistances" );
			auto.setFont( Fonts.SMALL_FONT );
			auto.setToolTipText( "Linking, gap closing, splitting and merging: from the steps and the spacing of the cells, when the tracker starts; then they stand above" );
			own.add( auto );
		}
		own.add( row );
		addFlag( own, TrackletLength.CENSORED, PruneDialog.CENSORED );
		addFlag( own, TrackletLength.INTERNAL, PruneDialog.INTERNAL );
		addFlag( own, TrackletLength.SHORT_TRACKS, PruneDialog.SHORT_TRACKS );
		minimum.setFont( Fonts.SMALL_FONT );
		unit.setFont( Fonts.SMALL_FONT );
		setLayout( new BorderLayout() );
		add( tracker, BorderLayout.CENTER );
		add( own, BorderLayout.SOUTH );
	}

	private void addFlag( final JPanel own, final String key, final String text )
	{
		final JCheckBox box = new JCheckBox( text );
		box.setFont( Fonts.SMALL_FONT );
		flags.put( key, box );
		own.add( box );
	}

	private static JLabel label( final String text )
	{
		final JLabel label = new JLabel( text );
		label.setFont( Fonts.SMALL_FONT );
		return label;
	}

	@Override
	public void setSettings( final Map< String, Object > settings )
	{
		// When the tracker changes, the wizard gives null for what it does not know.
		final Map< String, Object > all = new HashMap<>( defaults );
		settings.forEach( ( k, v ) -> {
			if ( v != null )
				all.put( k, v );
		} );
		tracker.setSettings( PrunedTrackerFactory.others( all ) );
		auto.setSelected( AutoDistances.isOn( all ) );
		minimum.setValue( ( ( Number ) all.get( TrackletLength.MINIMUM ) ).doubleValue() );
		unit.setSelectedIndex( TrackletLength.TIME.equals( all.get( TrackletLength.UNIT ) ) ? 1 : 0 );
		flags.forEach( ( key, box ) -> box.setSelected( ( Boolean ) all.get( key ) ) );
	}

	@Override
	public Map< String, Object > getSettings()
	{
		final Map< String, Object > settings = new HashMap<>( tracker.getSettings() );
		settings.put( TrackletLength.MINIMUM, ( ( Number ) minimum.getValue() ).doubleValue() );
		settings.put( TrackletLength.UNIT, unit.getSelectedIndex() == 1 ? TrackletLength.TIME : TrackletLength.FRAMES );
		flags.forEach( ( key, box ) -> settings.put( key, box.isSelected() ) );
		if ( AutoDistances.fits( settings ) )
			settings.put( AutoDistances.KEY, auto.isSelected() );
		return settings;
	}

	@Override
	public void clean()
	{
		tracker.clean();
	}
}
