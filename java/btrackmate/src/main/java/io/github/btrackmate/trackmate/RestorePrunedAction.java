/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Frame;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.SelectionModel;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.action.AbstractTMAction;
import fiji.plugin.trackmate.action.TrackMateActionFactory;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;
import io.github.btrackmate.trackmate.ModelPruner.Link;

/**
 * Puts back what the action <i>Prune short tracklets</i> removed last.
 */
public final class RestorePrunedAction extends AbstractTMAction
{
	/** Key of this action. */
	public static final String KEY = "BTRACKMATE_RESTORE_PRUNED";

	private static final String NAME = "Restore pruned";

	private static final String INFO_TEXT = "<html>"
			+ "Puts back the spots and links that <i>Prune short tracklets</i> removed last, with their ids, features and costs, unless the window was closed since then. "
			+ "A link is not put back if one of its spots was deleted in between; the log lists such links."
			+ "</html>";

	@Override
	public void execute( final TrackMate trackmate, final SelectionModel selectionModel, final DisplaySettings displaySettings, final Frame parent )
	{
		final Model model = trackmate.getModel();
		final Optional< PrunedRecord > record = PrunedRecord.find( model );
		if ( record.isEmpty() )
		{
			logger.error( NAME + ": nothing was pruned in this session.\n" );
			return;
		}
		final List< Link > lost = new ArrayList<>();
		PruneTrackletsAction.changeAndUpdate( model, trackmate.getSettings(), () -> lost.addAll( record.get().restore( model ) ) );
		logger.log( NAME + ": put back " + record.get().spotCount() + " spots and " + ( record.get().linkCount() - lost.size() ) + " links\n", Logger.BLUE_COLOR );
		lost.forEach( link -> logger.log( "  link " + link.source().ID() + " - " + link.target().ID() + " is not put back: one of its spots was deleted\n" ) );
	}

	/**
	 * Makes the action known to TrackMate.
	 */
	@Plugin( type = TrackMateActionFactory.class )
	public static final class Factory extends ActionFactory
	{
		/** Creates the factory. */
		public Factory()
		{
			super( KEY, NAME, INFO_TEXT, RestorePrunedAction::new );
		}
	}
}
