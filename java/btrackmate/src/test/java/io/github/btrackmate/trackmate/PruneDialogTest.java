/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import javax.swing.JCheckBox;
import javax.swing.JComboBox;
import javax.swing.JDialog;
import javax.swing.JLabel;
import javax.swing.JSpinner;
import javax.swing.SwingUtilities;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import io.github.btrackmate.schema.SharedDefaults;

/**
 * The action <i>Prune short tracklets</i> on a screen.
 *
 * <pre>
 * frame  0  1  2  3
 *           /-b
 *        a--a--a--a
 * </pre>
 */
@Tag( "screen" )
class PruneDialogTest
{
	private static Model divided()
	{
		final Model model = new Model();
		model.setPhysicalUnits( "µm", "min" );
		model.beginUpdate();
		Spot last = null;
		for ( int t = 0; t < 4; t++ )
		{
			final Spot spot = model.addSpotTo( new Spot( 5, 5, 0, 2, 1 ), t );
			if ( last != null )
				model.addEdge( last, spot, 1 );
			if ( t == 2 )
				model.addEdge( last, model.addSpotTo( new Spot( 9, 5, 0, 2, 1 ), t ), 1 );
			last = spot;
		}
		model.endUpdate();
		return model;
	}

	private static < C > C field( final JDialog dialog, final Class< C > type, final String name )
	{
		return type.cast( Screen.find( dialog, name ).orElseThrow() );
	}

	/** It begins with the shared defaults, and says what each choice would remove. */
	@Test
	void beginsWithTheSharedDefaults() throws Exception
	{
		Screen.assumeThereIsOne();
		final Model model = divided();
		final PruneTrackletsAction action = new PruneTrackletsAction();
		action.setLogger( new TextLogger() );
		final CompletableFuture< Void > done = CompletableFuture.runAsync( () -> action.execute( new TrackMate( model, new Settings() ), null, null, null ) );
		final JDialog dialog = Screen.awaitWindow( JDialog.class, "Prune short tracklets" );
		final JSpinner minimum = field( dialog, JSpinner.class, "minimum" );
		assertEquals( SharedDefaults.number( "min_tracklet_length" ), minimum.getValue() );
		assertEquals( SharedDefaults.text( "unit" ), field( dialog, JComboBox.class, "unit" ).getSelectedItem() );
		for ( final String rule : new String[] { "prune_censored", "prune_internal", "prune_short_tracks" } )
			assertEquals( SharedDefaults.isOn( rule ), field( dialog, JCheckBox.class, rule ).isSelected(), rule );
		assertEquals( "Would remove 0 spots and 0 links", field( dialog, JLabel.class, "count" ).getText() );
		SwingUtilities.invokeAndWait( () -> minimum.setValue( 2.0 ) );
		assertEquals( "Would remove 1 spots and 1 links", field( dialog, JLabel.class, "count" ).getText() );
		Screen.shoot( "prune-dialog" );
		Screen.press( dialog, "Cancel" );
		done.get( 60, TimeUnit.SECONDS );
		assertEquals( 5, model.getSpots().getNSpots( false ) );
		assertFalse( dialog.isShowing() );
	}
}
