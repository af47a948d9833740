/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.prune;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What pruning removes, and by which rule. The links include all those of
 * removed spots. Both maps are in a fixed order: spots by id, links by id of
 * their earlier, then of their later spot.
 *
 * @param <V>
 *            type of spots.
 * @param <E>
 *            type of links.
 */
public final class PruneResult< V, E >
{
	private final Map< V, PruneRule > spots;

	private final Map< E, PruneRule > links;

	PruneResult( final Map< V, PruneRule > spots, final Map< E, PruneRule > links )
	{
		this.spots = Collections.unmodifiableMap( new LinkedHashMap<>( spots ) );
		this.links = Collections.unmodifiableMap( new LinkedHashMap<>( links ) );
	}

	/**
	 * Returns the spots to remove.
	 *
	 * @return each with its rule.
	 */
	public Map< V, PruneRule > spots()
	{
		return spots;
	}

	/**
	 * Returns the links to remove.
	 *
	 * @return each with its rule.
	 */
	public Map< E, PruneRule > links()
	{
		return links;
	}

	/**
	 * Returns whether there is nothing to remove.
	 *
	 * @return {@code true} if all spots and links stay.
	 */
	public boolean isEmpty()
	{
		return spots.isEmpty() && links.isEmpty();
	}
}
