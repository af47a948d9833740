/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.Map;

import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleWeightedGraph;
import org.scijava.Cancelable;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import fiji.plugin.trackmate.tracking.SpotTracker;
import io.github.btrackmate.prune.PruneResult;
import io.github.btrackmate.prune.TrackletPruner;

/**
 * Runs a tracker, then prunes short tracklets. Their spots are hidden, as if a
 * spot filter had done it, and shown again before the next tracking; a spot
 * filter in between decides anew.
 */
final class PrunedTracker implements SpotTracker, Cancelable
{
	/** Not positive, so that TrackMate takes it as hidden; filters write 0 and 1. */
	static final Double HIDDEN_BY_PRUNING = -1.0;

	private final SpotTracker tracker;

	private final SpotCollection spots;

	private final Map< String, Object > settings;

	/** Null if nobody wants the table. */
	private final Model model;

	private Logger logger = Logger.VOID_LOGGER;

	private SimpleWeightedGraph< Spot, DefaultWeightedEdge > graph;

	private String errorMessage;

	/** A line for the log; empty for none. */
	private String announcement = "";

	/**
	 * Creates a tracker.
	 *
	 * @param tracker
	 *            does the linking.
	 * @param spots
	 *            spots to link; their visibility changes.
	 * @param settings
	 *            settings with those of {@link TrackletLength}.
	 * @param model
	 *            keeps the table of what is pruned; may be {@code null}.
	 */
	PrunedTracker( final SpotTracker tracker, final SpotCollection spots, final Map< String, Object > settings, final Model model )
	{
		this.model = model;
		this.tracker = tracker;
		this.spots = spots;
		this.settings = settings;
	}

	/** Sets a line that is logged before the linking. */
	PrunedTracker announce( final String line )
	{
		announcement = line;
		return this;
	}

	@Override
	public boolean checkInput()
	{
		errorMessage = TrackletLength.check( settings );
		return errorMessage == null && tracker.checkInput();
	}

	@Override
	public boolean process()
	{
		if ( !announcement.isEmpty() )
			logger.log( announcement );
		for ( final Spot spot : spots.iterable( false ) )
			if ( HIDDEN_BY_PRUNING.equals( spot.getFeature( SpotCollection.VISIBILITY ) ) )
				spot.putFeature( SpotCollection.VISIBILITY, SpotCollection.ONE );
		if ( !tracker.process() )
			return false;
		graph = tracker.getResult();
		if ( isCanceled() )
			return true;
		final int lastFrame = spots.keySet().last();
		final PruneResult< Spot, DefaultWeightedEdge > result = new TrackletPruner< Spot, DefaultWeightedEdge >( ModelPruner::frame, Spot::ID, graph::getEdgeWeight ).prune( graph, TrackletLength.toPruneSettings( settings, spots ), lastFrame );
		log( result );
		graph.removeAllEdges( result.links().keySet() );
		graph.removeAllVertices( result.spots().keySet() );
		result.spots().keySet().forEach( s -> s.putFeature( SpotCollection.VISIBILITY, HIDDEN_BY_PRUNING ) );
		return true;
	}

	private void log( final PruneResult< Spot, DefaultWeightedEdge > result )
	{
		final PruneReport report = new PruneReport();
		result.spots().forEach( report::addSpot );
		result.links().forEach( ( link, rule ) -> report.addLink( graph.getEdgeSource( link ), graph.getEdgeTarget( link ), graph.getEdgeWeight( link ), rule ) );
		logger.log( "Pruned short tracklets: " + PruneTrackletsAction.summary( result ) + "; the spots are hidden.\n" );
		report.log( logger );
		report.table().keepWith( model );
	}

	@Override
	public SimpleWeightedGraph< Spot, DefaultWeightedEdge > getResult()
	{
		return graph;
	}

	@Override
	public String getErrorMessage()
	{
		return errorMessage == null ? tracker.getErrorMessage() : errorMessage;
	}

	@Override
	public void setLogger( final Logger logger )
	{
		this.logger = logger;
		tracker.setLogger( logger );
	}

	@Override
	public void setNumThreads()
	{
		tracker.setNumThreads();
	}

	@Override
	public void setNumThreads( final int numThreads )
	{
		tracker.setNumThreads( numThreads );
	}

	@Override
	public int getNumThreads()
	{
		return tracker.getNumThreads();
	}

	@Override
	public boolean isCanceled()
	{
		return tracker instanceof Cancelable cancelable && cancelable.isCanceled();
	}

	@Override
	public void cancel( final String reason )
	{
		if ( tracker instanceof Cancelable cancelable )
			cancelable.cancel( reason );
	}

	@Override
	public String getCancelReason()
	{
		return tracker instanceof Cancelable cancelable ? cancelable.getCancelReason() : null;
	}
}
