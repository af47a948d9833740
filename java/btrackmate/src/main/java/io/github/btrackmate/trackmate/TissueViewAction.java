/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Frame;
import java.awt.GraphicsEnvironment;
import java.util.Map;

import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.SelectionModel;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.action.AbstractTMAction;
import fiji.plugin.trackmate.action.TrackMateActionFactory;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings.TrackMateObject;
import fiji.plugin.trackmate.visualization.hyperstack.HyperStackDisplayer;
import ij.ImagePlus;
import io.github.btrackmate.mask.MaskPolicy;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Shows cells and tracks on the tissue: an image of the signed distance to its
 * surface, with the spots on it coloured by the same distance.
 */
public final class TissueViewAction extends AbstractTMAction
{
	/** Key of this action. */
	public static final String KEY = "BTRACKMATE_TISSUE_VIEW";

	private static final String NAME = "Tissue view";

	private static final String INFO_TEXT = "<html>"
			+ "Opens an image of the signed distance to the surface of the tissue (inside warm, outside cold, the surface white), with cells and tracks on it, and colours the spots by their distance in all views. "
			+ "Needs a tissue mask in the settings of the detector."
			+ "</html>";

	@Override
	public void execute( final TrackMate trackmate, final SelectionModel selectionModel, final DisplaySettings displaySettings, final Frame parent )
	{
		final Settings settings = trackmate.getSettings();
		final Model model = trackmate.getModel();
		if ( displaySettings != null )
			colour( model, displaySettings );
		try
		{
			final Tissue tissue = tissue( settings );
			if ( tissue == null )
			{
				logger.error( NAME + ": the detector's settings name no tissue mask.\n" );
				return;
			}
			if ( GraphicsEnvironment.isHeadless() )
				return;
			final ImagePlus view = DistanceStack.image( settings.imp, tissue );
			view.show();
			view.setPosition( 1, settings.imp.getSlice(), settings.imp.getFrame() );
			new HyperStackDisplayer( model, selectionModel, view, displaySettings ).render();
		}
		catch ( final IllegalArgumentException e )
		{
			logger.error( NAME + ": " + e.getMessage() + "\n" );
		}
	}

	private static Tissue tissue( final Settings settings )
	{
		final Map< String, Object > values = settings.detectorSettings;
		if ( values == null || !values.containsKey( DetectorArguments.MASK_IMAGE ) || settings.imp == null )
			return null;
		final Movie image = Movie.of( settings.imp, 1 );
		return DetectorArguments.tissue( values, image, null, MaskPolicy.KEEP_TOUCHING, Logger.VOID_LOGGER );
	}

	/** By distance, the surface in the middle. */
	static void colour( final Model model, final DisplaySettings displaySettings )
	{
		double reach = 0;
		for ( final Spot spot : model.getSpots().iterable( true ) )
		{
			final Double distance = spot.getFeature( SpotColumn.BOUNDARY_DISTANCE.key() );
			if ( distance != null && Math.abs( distance ) > reach )
				reach = Math.abs( distance );
		}
		if ( reach == 0 )
			return;
		displaySettings.setSpotColorBy( TrackMateObject.SPOTS, SpotColumn.BOUNDARY_DISTANCE.key() );
		displaySettings.setSpotMinMax( -reach, reach );
	}

	/** Makes the action known to TrackMate. */
	@Plugin( type = TrackMateActionFactory.class )
	public static final class Factory extends ActionFactory
	{
		/** Creates the factory. */
		public Factory()
		{
			super( KEY, NAME, INFO_TEXT, TissueViewAction::new );
		}
	}
}
