/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.distances;

import java.util.ArrayList;
import java.util.List;

/**
 * Two cells that are the nearest to each other.
 */
final class MutualMatch
{
	/** Index of the cell among the first ones. */
	final int source;

	/** Index of the cell among the others. */
	final int target;

	/** How far apart they are. */
	final double length;

	private MutualMatch( final int source, final int target, final double length )
	{
		this.source = source;
		this.target = target;
		this.length = length;
	}

	/** Matches cells, in order of the first ones; none where either are missing. */
	static List< MutualMatch > all( final double[][] one, final double[][] other )
	{
		final List< MutualMatch > matches = new ArrayList<>();
		if ( one.length == 0 || other.length == 0 )
			return matches;
		final NearestCells ahead = new NearestCells( other );
		final NearestCells back = new NearestCells( one );
		for ( int i = 0; i < one.length; i++ )
		{
			final NearestCells.Found found = ahead.nearest( one[ i ] );
			if ( back.nearest( other[ found.index ] ).index == i )
				matches.add( new MutualMatch( i, found.index, found.distance ) );
		}
		return matches;
	}
}
