/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Component;
import java.awt.GridLayout;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

import javax.swing.JCheckBox;
import javax.swing.JComboBox;
import javax.swing.JLabel;
import javax.swing.JOptionPane;
import javax.swing.JPanel;
import javax.swing.JSpinner;
import javax.swing.SpinnerNumberModel;

import io.github.btrackmate.prune.PruneResult;
import io.github.btrackmate.prune.PruneSettings;

/**
 * Asks for the minimum tracklet length and shows, for every change, how many
 * spots and links would go.
 */
final class PruneDialog
{
	private static final String[] BUTTONS = { "Prune", "Dry run (log only)", "Cancel" };

	static final String CENSORED = "Also prune what reaches the last frame";

	static final String INTERNAL = "Undo a division that follows another one too soon";

	static final String SHORT_TRACKS = "Also remove whole short tracks";

	/** What the user decided. */
	record Choice( PruneSettings settings, boolean dryRun )
	{}

	private final double frameInterval;

	private final Function< PruneSettings, PruneResult< ?, ? > > preview;

	private final JSpinner minimum = new JSpinner( new SpinnerNumberModel( Defaults.MIN_TRACKLET_LENGTH, 0.0, 1e9, 1.0 ) );

	private final JComboBox< String > unit;

	private final JCheckBox censored = box( CENSORED, TrackletLength.CENSORED );

	private final JCheckBox internal = box( INTERNAL, TrackletLength.INTERNAL );

	private final JCheckBox shortTracks = box( SHORT_TRACKS, TrackletLength.SHORT_TRACKS );

	private final JLabel count = new JLabel();

	private PruneDialog( final String timeUnits, final double frameInterval, final Function< PruneSettings, PruneResult< ?, ? > > preview )
	{
		this.frameInterval = frameInterval;
		this.preview = preview;
		unit = new JComboBox<>( new String[] { "frames", "time in " + timeUnits } );
		minimum.setName( "minimum" );
		unit.setName( "unit" );
		count.setName( "count" );
		unit.setSelectedIndex( TrackletLength.FRAMES.equals( Defaults.MIN_TRACKLET_UNIT ) ? 0 : 1 );
	}

	private static JCheckBox box( final String text, final String setting )
	{
		final JCheckBox box = new JCheckBox( text, ( Boolean ) TrackletLength.defaults().get( setting ) );
		box.setName( setting.toLowerCase( Locale.ROOT ) );
		return box;
	}

	/**
	 * Shows the dialog and waits for the answer.
	 *
	 * @param timeUnits
	 *            time unit of the model.
	 * @param frameInterval
	 *            time between frames, in time units.
	 * @param preview
	 *            what would go.
	 * @return settings, or nothing if cancelled.
	 */
	static Optional< Choice > ask( final Component parent, final String timeUnits, final double frameInterval, final Function< PruneSettings, PruneResult< ?, ? > > preview )
	{
		return new PruneDialog( timeUnits, frameInterval, preview ).show( parent );
	}

	private Optional< Choice > show( final Component parent )
	{
		final JPanel panel = new JPanel( new GridLayout( 0, 1, 0, 4 ) );
		panel.add( new JLabel( "Minimum tracklet length after a division (0 = off):" ) );
		final JPanel row = new JPanel( new GridLayout( 1, 2, 4, 0 ) );
		row.add( minimum );
		row.add( unit );
		panel.add( row );
		for ( final JCheckBox box : List.of( censored, internal, shortTracks ) )
		{
			box.addActionListener( e -> refresh() );
			panel.add( box );
		}
		panel.add( count );
		minimum.addChangeListener( e -> refresh() );
		unit.addActionListener( e -> refresh() );
		refresh();
		final int answer = JOptionPane.showOptionDialog( parent, panel, "Prune short tracklets", JOptionPane.DEFAULT_OPTION, JOptionPane.PLAIN_MESSAGE, null, BUTTONS, BUTTONS[ 0 ] );
		return answer == 0 || answer == 1 ? Optional.of( new Choice( settings(), answer == 1 ) ) : Optional.empty();
	}

	private PruneSettings settings()
	{
		final double value = ( ( Number ) minimum.getValue() ).doubleValue();
		final PruneSettings settings = unit.getSelectedIndex() == 0 ? PruneSettings.inFrames( value ) : PruneSettings.inTime( value, frameInterval );
		return settings.withCensored( censored.isSelected() ).withInternal( internal.isSelected() ).withShortTracks( shortTracks.isSelected() );
	}

	private void refresh()
	{
		count.setText( "Would remove " + PruneTrackletsAction.summary( preview.apply( settings() ) ) );
	}
}
