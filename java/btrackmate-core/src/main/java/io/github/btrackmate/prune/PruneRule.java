/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.prune;

/**
 * Why a spot or a link is removed.
 */
public enum PruneRule
{
	/** A daughter shorter than the minimum; another daughter is not short. */
	SHORT_LEAF( "short_leaf" ),

	/** All daughters are short; another one continues the mother. */
	ALL_SHORT( "all_short" ),

	/** The second of two divisions within the minimum; only the link goes. */
	SHORT_INTERNAL( "short_internal" ),

	/** The whole track is shorter than the minimum. */
	SHORT_TRACK( "short_track" );

	private final String key;

	private PruneRule( final String key )
	{
		this.key = key;
	}

	/**
	 * Returns the name of this rule in tables and files.
	 *
	 * @return the name, the same in Java and in Python.
	 */
	public String key()
	{
		return key;
	}

	@Override
	public String toString()
	{
		return key;
	}
}
