/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.prune;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Marks what goes, rule after rule. A marked link no longer counts: degrees,
 * tracklets and tracks are those of what is left.
 */
final class PruneMarks
{
	private final LinkTable< ?, ? > table;

	private final PruneSettings settings;

	private final int lastFrame;

	private final PruneRule[] spotRules;

	private final PruneRule[] linkRules;

	private final int[] outDegree;

	private final int[] inDegree;

	PruneMarks( final LinkTable< ?, ? > table, final PruneSettings settings, final int lastFrame )
	{
		this.table = table;
		this.settings = settings;
		this.lastFrame = lastFrame;
		spotRules = new PruneRule[ table.spotCount() ];
		linkRules = new PruneRule[ table.linkCount() ];
		outDegree = new int[ table.spotCount() ];
		inDegree = new int[ table.spotCount() ];
		for ( int s = 0; s < table.spotCount(); s++ )
		{
			outDegree[ s ] = table.outgoing( s ).length;
			inDegree[ s ] = table.incoming( s ).length;
		}
	}

	PruneRule ruleOfSpot( final int spot )
	{
		return spotRules[ spot ];
	}

	PruneRule ruleOfLink( final int link )
	{
		return linkRules[ link ];
	}

	void apply()
	{
		markLeaves();
		// A cut can turn a merge into a plain link, and so make a new leaf.
		while ( settings.pruneInternal() && markInternal() )
			markLeaves();
		if ( settings.pruneShortTracks() )
			markShortTracks();
	}

	/**
	 * Rule 1. Spots are numbered by frame, so that counting down meets every
	 * division after all those below it.
	 */
	private void markLeaves()
	{
		for ( int mother = table.spotCount() - 1; mother >= 0; mother-- )
			if ( outDegree[ mother ] > 1 )
				markLeavesOf( mother );
	}

	private void markLeavesOf( final int mother )
	{
		final List< Integer > shortLinks = new ArrayList<>();
		int best = -1;
		int bestEnd = -1;
		for ( final int link : liveOutgoing( mother ) )
		{
			final int end = leafEnd( link );
			if ( end < 0 || isCensored( table.frame( end ) ) || !settings.isShort( table.frame( end ) - table.frame( mother ) ) )
				continue;
			shortLinks.add( link );
			if ( best < 0 || isBetter( link, table.frame( end ), best, bestEnd ) )
			{
				best = link;
				bestEnd = table.frame( end );
			}
		}
		final boolean allShort = shortLinks.size() == outDegree[ mother ];
		for ( final int link : shortLinks )
			if ( !allShort )
				removeLeaf( link, PruneRule.SHORT_LEAF );
			else if ( link != best )
				removeLeaf( link, PruneRule.ALL_SHORT );
	}

	/**
	 * Follows the daughter at the end of a link.
	 *
	 * @return the last spot of her tracklet, or -1 if she is no leaf: she has
	 *         another mother, divides, or runs into a merge.
	 */
	private int leafEnd( final int link )
	{
		int spot = table.target( link );
		while ( inDegree[ spot ] == 1 )
		{
			if ( outDegree[ spot ] == 0 )
				return spot;
			if ( outDegree[ spot ] > 1 )
				return -1;
			spot = table.target( firstLive( table.outgoing( spot ) ) );
		}
		return -1;
	}

	private void removeLeaf( final int firstLink, final PruneRule rule )
	{
		int link = firstLink;
		while ( true )
		{
			removeLink( link, rule );
			final int spot = table.target( link );
			spotRules[ spot ] = rule;
			if ( outDegree[ spot ] == 0 )
				return;
			link = firstLive( table.outgoing( spot ) );
		}
	}

	/**
	 * Rule 2. Counting down, the latest frame that the descendants of a spot
	 * reach is known when its mother is met.
	 *
	 * @return whether a link was cut.
	 */
	private boolean markInternal()
	{
		boolean cut = false;
		final int[] reach = new int[ table.spotCount() ];
		for ( int spot = table.spotCount() - 1; spot >= 0; spot-- )
		{
			if ( outDegree[ spot ] > 1 && followsDivisionTooSoon( spot ) )
			{
				keepLongestDaughter( spot, reach );
				cut = true;
			}
			reach[ spot ] = table.frame( spot );
			for ( final int link : liveOutgoing( spot ) )
				reach[ spot ] = Math.max( reach[ spot ], reach[ table.target( link ) ] );
		}
		return cut;
	}

	private boolean followsDivisionTooSoon( final int division )
	{
		int spot = division;
		while ( inDegree[ spot ] == 1 )
		{
			spot = table.source( firstLive( table.incoming( spot ) ) );
			if ( !settings.isShort( table.frame( division ) - table.frame( spot ) ) )
				return false;
			if ( outDegree[ spot ] > 1 )
				return true;
		}
		return false;
	}

	private void keepLongestDaughter( final int mother, final int[] reach )
	{
		final List< Integer > links = liveOutgoing( mother );
		int best = links.get( 0 );
		for ( final int link : links )
			if ( isBetter( link, reach[ table.target( link ) ], best, reach[ table.target( best ) ] ) )
				best = link;
		for ( final int link : links )
			if ( link != best )
				removeLink( link, PruneRule.SHORT_INTERNAL );
	}

	/** Rule 3. */
	private void markShortTracks()
	{
		final boolean[] seen = new boolean[ table.spotCount() ];
		for ( int first = 0; first < table.spotCount(); first++ )
		{
			if ( seen[ first ] || spotRules[ first ] != null )
				continue;
			final List< Integer > track = collectTrack( first, seen );
			int last = table.frame( first );
			for ( final int spot : track )
				last = Math.max( last, table.frame( spot ) );
			// The first spot met has the lowest number: the earliest frame.
			if ( isCensored( last ) || !settings.isShort( last - table.frame( first ) ) )
				continue;
			for ( final int spot : track )
			{
				spotRules[ spot ] = PruneRule.SHORT_TRACK;
				for ( final int link : liveOutgoing( spot ) )
					removeLink( link, PruneRule.SHORT_TRACK );
			}
		}
	}

	private List< Integer > collectTrack( final int first, final boolean[] seen )
	{
		final List< Integer > track = new ArrayList<>();
		final Deque< Integer > open = new ArrayDeque<>();
		seen[ first ] = true;
		open.push( first );
		while ( !open.isEmpty() )
		{
			final int spot = open.pop();
			track.add( spot );
			for ( final int link : table.outgoing( spot ) )
				visit( link, table.target( link ), seen, open );
			for ( final int link : table.incoming( spot ) )
				visit( link, table.source( link ), seen, open );
		}
		return track;
	}

	private void visit( final int link, final int spot, final boolean[] seen, final Deque< Integer > open )
	{
		if ( linkRules[ link ] != null || seen[ spot ] )
			return;
		seen[ spot ] = true;
		open.push( spot );
	}

	/** Later end first, then lower cost, then lower id of the daughter. */
	private boolean isBetter( final int link, final int end, final int otherLink, final int otherEnd )
	{
		if ( end != otherEnd )
			return end > otherEnd;
		final int byCost = Double.compare( table.costOrHighest( link ), table.costOrHighest( otherLink ) );
		if ( byCost != 0 )
			return byCost < 0;
		return table.id( table.target( link ) ) < table.id( table.target( otherLink ) );
	}

	private boolean isCensored( final int frame )
	{
		return !settings.pruneCensored() && frame >= lastFrame;
	}

	private void removeLink( final int link, final PruneRule rule )
	{
		linkRules[ link ] = rule;
		outDegree[ table.source( link ) ]--;
		inDegree[ table.target( link ) ]--;
	}

	private List< Integer > liveOutgoing( final int spot )
	{
		final List< Integer > live = new ArrayList<>( outDegree[ spot ] );
		for ( final int link : table.outgoing( spot ) )
			if ( linkRules[ link ] == null )
				live.add( link );
		return live;
	}

	private int firstLive( final int[] links )
	{
		for ( final int link : links )
			if ( linkRules[ link ] == null )
				return link;
		throw new IllegalStateException( "All links of the spot are removed." );
	}
}
