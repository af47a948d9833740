/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.prune;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

import org.jgrapht.Graph;

/**
 * A track graph as arrays: spots numbered by frame, then id, so that a later
 * number is never an earlier frame; links numbered by source, then target, all
 * forward in time.
 */
final class LinkTable< V, E >
{
	private final List< V > spots;

	private final List< E > links;

	private final long[] ids;

	private final int[] frames;

	private final int[] source;

	private final int[] target;

	private final double[] costs;

	private final int[][] outgoing;

	private final int[][] incoming;

	LinkTable( final Graph< V, E > graph, final ToIntFunction< V > frame, final ToLongFunction< V > id, final ToDoubleFunction< E > cost )
	{
		spots = new ArrayList<>( graph.vertexSet() );
		spots.sort( Comparator.comparingInt( frame ).thenComparingLong( id ) );
		ids = spots.stream().mapToLong( id ).toArray();
		frames = spots.stream().mapToInt( frame ).toArray();
		checkUnique();

		final Map< V, Integer > number = new HashMap<>();
		for ( int s = 0; s < spots.size(); s++ )
			number.put( spots.get( s ), s );

		links = new ArrayList<>( graph.edgeSet() );
		links.sort( Comparator
				.comparingInt( ( final E link ) -> earlier( graph, link, number ) )
				.thenComparingInt( link -> later( graph, link, number ) ) );
		source = new int[ links.size() ];
		target = new int[ links.size() ];
		costs = new double[ links.size() ];
		for ( int l = 0; l < links.size(); l++ )
		{
			final E link = links.get( l );
			source[ l ] = earlier( graph, link, number );
			target[ l ] = later( graph, link, number );
			costs[ l ] = cost.applyAsDouble( link );
			if ( frames[ source[ l ] ] == frames[ target[ l ] ] )
				throw new IllegalArgumentException( "The link " + ids[ source[ l ] ] + " - " + ids[ target[ l ] ] + " joins two spots of frame " + frames[ source[ l ] ] + "; links go from one frame to a later one. Remove it first." );
		}
		outgoing = group( source );
		incoming = group( target );
	}

	private void checkUnique()
	{
		final long[] sorted = ids.clone();
		Arrays.sort( sorted );
		for ( int i = 1; i < sorted.length; i++ )
			if ( sorted[ i ] == sorted[ i - 1 ] )
				throw new IllegalArgumentException( "Two spots have the id " + sorted[ i ] + "; ids must be unique." );
	}

	private static < V, E > int earlier( final Graph< V, E > graph, final E link, final Map< V, Integer > number )
	{
		return Math.min( number.get( graph.getEdgeSource( link ) ), number.get( graph.getEdgeTarget( link ) ) );
	}

	private static < V, E > int later( final Graph< V, E > graph, final E link, final Map< V, Integer > number )
	{
		return Math.max( number.get( graph.getEdgeSource( link ) ), number.get( graph.getEdgeTarget( link ) ) );
	}

	private int[][] group( final int[] ends )
	{
		final int[] counts = new int[ spots.size() ];
		for ( final int s : ends )
			counts[ s ]++;
		final int[][] groups = new int[ spots.size() ][];
		for ( int s = 0; s < groups.length; s++ )
			groups[ s ] = new int[ counts[ s ] ];
		for ( int l = ends.length - 1; l >= 0; l-- )
			groups[ ends[ l ] ][ --counts[ ends[ l ] ] ] = l;
		return groups;
	}

	int spotCount()
	{
		return spots.size();
	}

	int linkCount()
	{
		return links.size();
	}

	V spot( final int s )
	{
		return spots.get( s );
	}

	E link( final int l )
	{
		return links.get( l );
	}

	int frame( final int s )
	{
		return frames[ s ];
	}

	long id( final int s )
	{
		return ids[ s ];
	}

	int source( final int l )
	{
		return source[ l ];
	}

	int target( final int l )
	{
		return target[ l ];
	}

	/** Cost of a link; one that is not known is the highest. */
	double costOrHighest( final int l )
	{
		return Double.isNaN( costs[ l ] ) ? Double.POSITIVE_INFINITY : costs[ l ];
	}

	int[] outgoing( final int s )
	{
		return outgoing[ s ];
	}

	int[] incoming( final int s )
	{
		return incoming[ s ];
	}

	/** Numbers of the spots in order of id. */
	int[] spotsById()
	{
		return IntStream.range( 0, ids.length ).boxed()
				.sorted( Comparator.comparingLong( s -> ids[ s ] ) )
				.mapToInt( Integer::intValue ).toArray();
	}

	/** Numbers of the links in order of the ids of source, then target. */
	int[] linksById()
	{
		return IntStream.range( 0, source.length ).boxed()
				.sorted( Comparator
						.comparingLong( ( final Integer l ) -> ids[ source[ l ] ] )
						.thenComparingLong( l -> ids[ target[ l ] ] ) )
				.mapToInt( Integer::intValue ).toArray();
	}
}
