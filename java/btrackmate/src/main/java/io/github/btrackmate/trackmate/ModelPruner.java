/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import org.jgrapht.Graph;
import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleDirectedGraph;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackModel;
import io.github.btrackmate.prune.PruneResult;
import io.github.btrackmate.prune.PruneSettings;
import io.github.btrackmate.prune.TrackletPruner;

/**
 * Prunes short tracklets in a TrackMate model. All tracks are looked at,
 * whether a track filter shows them or not; of the spots without a track, those
 * that the spot filters show.
 */
final class ModelPruner
{
	/** A link, from spot to spot as TrackMate stores it. */
	record Link( Spot source, Spot target, double cost )
	{}

	private ModelPruner()
	{}

	/**
	 * Lists what pruning removes. The model is only read.
	 *
	 * @param model
	 *            tracks.
	 * @param settings
	 *            the minimum and the rules.
	 * @param lastFrame
	 *            last frame of the movie.
	 * @return spots and links to remove, with reasons.
	 */
	static PruneResult< Spot, Link > find( final Model model, final PruneSettings settings, final int lastFrame )
	{
		final TrackModel tracks = model.getTrackModel();
		final Graph< Spot, Link > graph = new SimpleDirectedGraph<>( Link.class );
		tracks.vertexSet().forEach( graph::addVertex );
		model.getSpots().iterable( true ).forEach( graph::addVertex );
		for ( final DefaultWeightedEdge edge : tracks.edgeSet() )
		{
			final Spot source = tracks.getEdgeSource( edge );
			final Spot target = tracks.getEdgeTarget( edge );
			graph.addEdge( source, target, new Link( source, target, tracks.getEdgeWeight( edge ) ) );
		}
		return new TrackletPruner< Spot, Link >( ModelPruner::frame, Spot::ID, Link::cost ).prune( graph, settings, lastFrame );
	}

	/**
	 * Removes spots and links from a model, in one transaction.
	 *
	 * @param model
	 *            changed.
	 * @param result
	 *            what to remove.
	 */
	static void remove( final Model model, final PruneResult< Spot, Link > result )
	{
		model.beginUpdate();
		try
		{
			result.links().keySet().forEach( link -> model.removeEdge( link.source(), link.target() ) );
			result.spots().keySet().forEach( model::removeSpot );
		}
		finally
		{
			model.endUpdate();
		}
	}

	/**
	 * Finds the last frame of the movie, or of the part that was tracked.
	 *
	 * @param model
	 *            tracks.
	 * @param settings
	 *            settings, may be {@code null}.
	 * @return last frame; at least that of the last spot.
	 */
	static int lastFrame( final Model model, final Settings settings )
	{
		int last = settings == null ? 0 : settings.tend;
		for ( final Spot spot : model.getSpots().iterable( false ) )
			last = Math.max( last, frame( spot ) );
		return last;
	}

	static int frame( final Spot spot )
	{
		return spot.getFeature( Spot.FRAME ).intValue();
	}
}
