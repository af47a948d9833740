/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.ModelChangeEvent;
import fiji.plugin.trackmate.ModelChangeListener;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import io.github.btrackmate.prune.PruneResult;
import io.github.btrackmate.trackmate.ModelPruner.Link;

/**
 * What one pruning removed from a model. It waits among the listeners of the
 * model, so that it lives as long as the model does, and no longer.
 */
final class PrunedRecord implements ModelChangeListener
{
	/** With their visibility, which is lost when they leave the model. */
	private final Map< Spot, Double > spots = new LinkedHashMap<>();

	private final List< Link > links;

	private PrunedRecord( final List< Link > links )
	{
		this.links = links;
	}

	/**
	 * Takes note of what is going to be removed.
	 *
	 * @param result
	 *            what will be removed.
	 * @return new record.
	 */
	static PrunedRecord of( final PruneResult< Spot, Link > result )
	{
		final PrunedRecord record = new PrunedRecord( new ArrayList<>( result.links().keySet() ) );
		// The links of removed spots are among them; the spots keep all other features.
		result.spots().keySet().forEach( s -> record.spots.put( s, s.getFeature( SpotCollection.VISIBILITY ) ) );
		return record;
	}

	/** Replaces the record of an earlier pruning. */
	void keepWith( final Model model )
	{
		find( model ).ifPresent( model::removeModelChangeListener );
		model.addModelChangeListener( this );
	}

	/**
	 * Finds the last pruning of a model.
	 *
	 * @param model
	 *            a model.
	 * @return its record, if it was pruned.
	 */
	static Optional< PrunedRecord > find( final Model model )
	{
		return model.getModelChangeListener().stream().filter( PrunedRecord.class::isInstance ).map( PrunedRecord.class::cast ).findAny();
	}

	/**
	 * Puts everything back in one transaction, and forgets it.
	 *
	 * @param model
	 *            changed.
	 * @return links that could not be put back, since one of their spots was
	 *         deleted in between.
	 */
	List< Link > restore( final Model model )
	{
		final List< Link > lost = new ArrayList<>();
		model.beginUpdate();
		try
		{
			spots.forEach( ( spot, visibility ) -> {
				model.addSpotTo( spot, ModelPruner.frame( spot ) );
				spot.putFeature( SpotCollection.VISIBILITY, visibility );
			} );
			for ( final Link link : links )
				if ( !isThere( model, link.source() ) || !isThere( model, link.target() ) )
					lost.add( link );
				else if ( !model.getTrackModel().containsEdge( link.source(), link.target() ) )
					model.addEdge( link.source(), link.target(), link.cost() );
		}
		finally
		{
			model.endUpdate();
		}
		model.removeModelChangeListener( this );
		return lost;
	}

	private boolean isThere( final Model model, final Spot spot )
	{
		return spots.containsKey( spot ) || model.getSpots().search( spot.ID() ) != null;
	}

	int spotCount()
	{
		return spots.size();
	}

	int linkCount()
	{
		return links.size();
	}

	@Override
	public void modelChanged( final ModelChangeEvent event )
	{
		// Edits in between are looked at when restoring.
	}
}
