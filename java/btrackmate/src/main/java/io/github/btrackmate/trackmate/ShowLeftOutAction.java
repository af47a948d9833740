/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Frame;
import java.awt.GraphicsEnvironment;
import java.util.Optional;

import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.SelectionModel;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.action.AbstractTMAction;
import fiji.plugin.trackmate.action.TrackMateActionFactory;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;

/**
 * Shows what was dropped or pruned as a table, which ImageJ saves.
 */
final class ShowLeftOutAction extends AbstractTMAction
{
	/** Its name, in messages. */
	static final String SHOW_DROPPED = "Show dropped cells";

	/** Its name, in messages. */
	static final String SHOW_PRUNED = "Show pruned spots and links";

	private final LeftOut.Kind kind;

	ShowLeftOutAction( final LeftOut.Kind kind )
	{
		this.kind = kind;
	}

	@Override
	public void execute( final TrackMate trackmate, final SelectionModel selectionModel, final DisplaySettings displaySettings, final Frame parent )
	{
		final Optional< LeftOut > table = LeftOut.find( trackmate.getModel(), kind );
		if ( table.isEmpty() || table.get().size() == 0 )
		{
			logger.log( kind.title() + ": none" + ( table.isEmpty() ? " in this session; a TrackMate file does not keep this table" : "" ) + ".\n" );
			return;
		}
		if ( GraphicsEnvironment.isHeadless() )
		{
			logger.error( kind.title() + ": there is no screen to show the table. Batch… saves it.\n" );
			return;
		}
		final Settings settings = trackmate.getSettings();
		table.get().show( settings == null || settings.imp == null ? "this model" : settings.imp.getShortTitle() );
		logger.log( kind.title() + ": " + table.get().size() + " rows.\n" );
	}

	/** Makes the table of dropped cells known to TrackMate. */
	@Plugin( type = TrackMateActionFactory.class )
	public static final class Dropped extends ActionFactory
	{
		/** Creates the factory. */
		public Dropped()
		{
			super( "BTRACKMATE_SHOW_" + LeftOut.Kind.DROPPED, SHOW_DROPPED, "<html>Lists the cells that the tissue mask dropped, with the reason: <i>outside</i> (no voxel in the tissue), <i>centroid_outside</i> or <i>fraction_below</i>. ImageJ saves the table as CSV.</html>", () -> new ShowLeftOutAction( LeftOut.Kind.DROPPED ) );
		}
	}

	/** Makes the table of pruned spots known to TrackMate. */
	@Plugin( type = TrackMateActionFactory.class )
	public static final class Pruned extends ActionFactory
	{
		/** Creates the factory. */
		public Pruned()
		{
			super( "BTRACKMATE_SHOW_" + LeftOut.Kind.PRUNED, SHOW_PRUNED, "<html>Lists the spots and links that pruning took last, by the tracker or by <i>Prune short tracklets</i>, with the rule. ImageJ saves the table as CSV.</html>", () -> new ShowLeftOutAction( LeftOut.Kind.PRUNED ) );
		}
	}
}
