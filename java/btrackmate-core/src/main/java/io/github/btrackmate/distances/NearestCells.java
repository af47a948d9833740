/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.distances;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Cells of one frame whose nearest ones are asked for. Of equally near cells the
 * one of the lowest index is found.
 */
final class NearestCells
{
	/** Sorted by x: a search walks away from the place on both sides. */
	private final double[][] sorted;

	/** Index of each of them in the list that was given. */
	private final int[] index;

	/**
	 * Sorts cells.
	 *
	 * @param cells
	 *            positions; at least one.
	 */
	NearestCells( final double[][] cells )
	{
		index = IntStream.range( 0, cells.length ).boxed().sorted( Comparator.comparingDouble( i -> cells[ i ][ 0 ] ) ).mapToInt( Integer::intValue ).toArray();
		sorted = Arrays.stream( index ).mapToObj( i -> cells[ i ] ).toArray( double[][]::new );
	}

	/** What was found: index and distance. */
	static final class Found
	{
		final int index;

		final double distance;

		private Found( final int index, final double distance )
		{
			this.index = index;
			this.distance = distance;
		}
	}

	/**
	 * Finds the nearest cell.
	 *
	 * @param place
	 *            where to look from.
	 * @return the nearest cell.
	 */
	Found nearest( final double[] place )
	{
		return search( place, -1 );
	}

	/**
	 * Finds the nearest cell but one, as seen from it.
	 *
	 * @param place
	 *            where to look from.
	 * @param but
	 *            index of the cell that does not count.
	 * @return the nearest other cell; there must be one.
	 */
	Found nearestBut( final double[] place, final int but )
	{
		return search( place, but );
	}

	private Found search( final double[] place, final int but )
	{
		int up = firstFrom( place[ 0 ] );
		int down = up - 1;
		double best = Double.POSITIVE_INFINITY;
		int found = -1;
		while ( up < sorted.length || down >= 0 )
		{
			final double above = up < sorted.length ? sorted[ up ][ 0 ] - place[ 0 ] : Double.POSITIVE_INFINITY;
			final double below = down >= 0 ? place[ 0 ] - sorted[ down ][ 0 ] : Double.POSITIVE_INFINITY;
			if ( Math.min( above, below ) > best )
				break;
			final int next = above < below ? up++ : down--;
			if ( index[ next ] == but )
				continue;
			final double distance = distance( place, sorted[ next ] );
			if ( distance < best || distance == best && index[ next ] < found )
			{
				best = distance;
				found = index[ next ];
			}
		}
		return new Found( found, best );
	}

	/** The first cell at x or beyond. */
	private int firstFrom( final double x )
	{
		int low = 0;
		int high = sorted.length;
		while ( low < high )
		{
			final int middle = ( low + high ) >>> 1;
			if ( sorted[ middle ][ 0 ] < x )
				low = middle + 1;
			else
				high = middle;
		}
		return low;
	}

	private static double distance( final double[] one, final double[] other )
	{
		double sum = 0;
		for ( int d = 0; d < one.length; d++ )
			sum += ( one[ d ] - other[ d ] ) * ( one[ d ] - other[ d ] );
		return Math.sqrt( sum );
	}
}
