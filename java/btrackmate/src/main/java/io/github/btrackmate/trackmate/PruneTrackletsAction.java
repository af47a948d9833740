/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Frame;
import java.awt.GraphicsEnvironment;
import java.util.Optional;

import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.SelectionModel;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.action.AbstractTMAction;
import fiji.plugin.trackmate.action.TrackMateActionFactory;
import fiji.plugin.trackmate.features.ModelFeatureUpdater;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;
import io.github.btrackmate.prune.PruneResult;
import io.github.btrackmate.prune.PruneSettings;
import io.github.btrackmate.trackmate.ModelPruner.Link;

/**
 * Removes tracklets after a division that are too short to be cells. From
 * TrackMate's wizard it asks for the settings; a script gives them to the
 * constructor:
 *
 * <pre>
 * action = PruneTrackletsAction( PruneSettings.inFrames( 3 ), False )
 * action.setLogger( Logger.IJ_LOGGER )
 * action.execute( trackmate, None, None, None )
 * </pre>
 */
public final class PruneTrackletsAction extends AbstractTMAction
{
	/** Key of this action. */
	public static final String KEY = "BTRACKMATE_PRUNE_TRACKLETS";

	private static final String NAME = "Prune short tracklets";

	private static final String INFO_TEXT = "<html>"
			+ "Removes daughters that end too soon after a division to be cells, with their spots. "
			+ "If all daughters of a division are short, the longest one continues the mother. "
			+ "Daughters that reach the last frame of the movie are not short: nobody knows how long they would have lived."
			+ "<p>"
			+ "The minimum is counted from the division, in frames or time units, gaps included. "
			+ "Optionally, a division that follows another one within the minimum is undone, and whole short tracks go. "
			+ "All tracks are pruned, whether the track filters show them or not. "
			+ "Every spot and link that is removed is listed in the log with its rule. "
			+ "The action <i>Restore pruned</i> puts back what was pruned last."
			+ "</html>";

	/** Null to ask for them. */
	private final PruneSettings settings;

	private final boolean dryRun;

	PruneTrackletsAction()
	{
		this( null, false );
	}

	/**
	 * Creates an action that does not ask.
	 *
	 * @param settings
	 *            the minimum and the rules.
	 * @param dryRun
	 *            {@code true} to list what would be removed, and remove nothing.
	 */
	public PruneTrackletsAction( final PruneSettings settings, final boolean dryRun )
	{
		this.settings = settings;
		this.dryRun = dryRun;
	}

	@Override
	public void execute( final TrackMate trackmate, final SelectionModel selectionModel, final DisplaySettings displaySettings, final Frame parent )
	{
		final Model model = trackmate.getModel();
		final int lastFrame = ModelPruner.lastFrame( model, trackmate.getSettings() );
		if ( settings != null )
		{
			prune( trackmate, selectionModel, settings, dryRun, lastFrame );
			return;
		}
		if ( GraphicsEnvironment.isHeadless() )
		{
			logger.error( NAME + ": there is no screen to ask for the minimum tracklet length. Create the action with its settings.\n" );
			return;
		}
		final Optional< PruneDialog.Choice > choice = PruneDialog.ask( parent, model.getTimeUnits(), trackmate.getSettings().dt, s -> ModelPruner.find( model, s, lastFrame ) );
		choice.ifPresent( c -> prune( trackmate, selectionModel, c.settings(), c.dryRun(), lastFrame ) );
	}

	private void prune( final TrackMate trackmate, final SelectionModel selectionModel, final PruneSettings pruneSettings, final boolean listOnly, final int lastFrame )
	{
		final Model model = trackmate.getModel();
		final PruneResult< Spot, Link > result = ModelPruner.find( model, pruneSettings, lastFrame );
		final PruneReport report = new PruneReport();
		result.spots().forEach( report::addSpot );
		result.links().forEach( ( link, rule ) -> report.addLink( link.source(), link.target(), link.cost(), rule ) );
		logger.log( NAME + ( listOnly ? ", dry run: would remove " : ": removed " ) + summary( result ) + "\n", Logger.BLUE_COLOR );
		report.log( logger );
		if ( listOnly || result.isEmpty() )
			return;
		report.table().keepWith( model );
		if ( selectionModel != null )
			selectionModel.clearSelection();
		final PrunedRecord record = PrunedRecord.of( result );
		changeAndUpdate( model, trackmate.getSettings(), () -> ModelPruner.remove( model, result ) );
		record.keepWith( model );
	}

	/** The wizard keeps track features up to date, a script has to. */
	static void changeAndUpdate( final Model model, final Settings trackMateSettings, final Runnable change )
	{
		final boolean updated = model.getModelChangeListener().stream().anyMatch( ModelFeatureUpdater.class::isInstance );
		if ( updated || trackMateSettings == null )
		{
			change.run();
			return;
		}
		final ModelFeatureUpdater updater = new ModelFeatureUpdater( model, trackMateSettings );
		try
		{
			change.run();
		}
		finally
		{
			updater.quit();
		}
	}

	static String summary( final PruneResult< ?, ? > result )
	{
		return result.spots().size() + " spots and " + result.links().size() + " links";
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
			super( KEY, NAME, INFO_TEXT, PruneTrackletsAction::new );
		}
	}
}
