/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.prune;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;

import org.jgrapht.Graph;

/**
 * Finds tracklets that are too short to be cells.
 * <ol>
 * <li><b>Leaves.</b> From the latest division to the earliest, daughters go
 * that end before the minimum, counted in frames from the division. If all
 * daughters are short, the longest continues the mother (tie: lower link cost,
 * then lower id). Tracklets that reach the last frame of the movie are
 * censored, not short.</li>
 * <li><b>Internal</b> (optional). A division that follows another one within
 * the minimum is undone: the daughter followed longest continues, the links to
 * the others are cut.</li>
 * <li><b>Short tracks</b> (optional). Whole tracks go.</li>
 * </ol>
 * A mother is never removed, the order of spots and links plays no part, and
 * pruning what was pruned removes nothing more. The graph is only read.
 *
 * @param <V>
 *            type of spots.
 * @param <E>
 *            type of links.
 */
public final class TrackletPruner< V, E >
{
	private final ToIntFunction< V > frame;

	private final ToLongFunction< V > id;

	private final ToDoubleFunction< E > cost;

	/**
	 * Creates a pruner for graphs of some library.
	 *
	 * @param frame
	 *            frame of a spot.
	 * @param id
	 *            id of a spot, unique.
	 * @param cost
	 *            cost of a link; NaN where it is not known.
	 */
	public TrackletPruner( final ToIntFunction< V > frame, final ToLongFunction< V > id, final ToDoubleFunction< E > cost )
	{
		this.frame = frame;
		this.id = id;
		this.cost = cost;
	}

	/**
	 * Lists what pruning removes from a graph.
	 *
	 * @param graph
	 *            spots and links; a link may be stored in either direction, it
	 *            is taken from the earlier to the later spot.
	 * @param settings
	 *            the minimum and the rules.
	 * @param lastFrame
	 *            last frame of the movie, whether it has spots or not.
	 * @return spots and links to remove, with reasons.
	 * @throws IllegalArgumentException
	 *             if a link joins two spots of one frame, or two spots have one
	 *             id.
	 */
	public PruneResult< V, E > prune( final Graph< V, E > graph, final PruneSettings settings, final int lastFrame )
	{
		final LinkTable< V, E > table = new LinkTable<>( graph, frame, id, cost );
		final PruneMarks marks = new PruneMarks( table, settings, lastFrame );
		if ( !settings.isOff() )
			marks.apply();

		final Map< V, PruneRule > spots = new LinkedHashMap<>();
		for ( final int s : table.spotsById() )
			if ( marks.ruleOfSpot( s ) != null )
				spots.put( table.spot( s ), marks.ruleOfSpot( s ) );
		final Map< E, PruneRule > links = new LinkedHashMap<>();
		for ( final int l : table.linksById() )
			if ( marks.ruleOfLink( l ) != null )
				links.put( table.link( l ), marks.ruleOfLink( l ) );
		return new PruneResult<>( spots, links );
	}
}
