/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.distances;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/**
 * Links that are longer than most: the pairs that sure matches leave over,
 * compared with pairs that are wrong by construction. That is the target-decoy
 * approach of Elias and Gygi, Nature Methods 4, 207–214 (2007),
 * doi:10.1038/nmeth1019.
 */
final class FarLinks
{
	/** Part of the greatest surplus that must be within the linking distance. */
	private static final double SURPLUS = 0.95;

	/** What a pair by chance takes from the surplus, so that it does not grow by noise. */
	private static final double PRICE = 1.25;

	/** Fewest far pairs that tell where links end, and fewest more than by chance. */
	private static final int FEWEST = 10;

	private static final int FEWEST_MORE = 3;

	/** Frames between those whose leftover cells are compared by chance. */
	private static final int[] APART = { 3, 4, 5, 6 };

	/** Lengths that are tried. */
	private static final int LENGTHS = 61;

	private final List< FramePairs.Pair > pairs;

	FarLinks( final FramePairs pairs )
	{
		this.pairs = pairs.pairs();
	}

	/**
	 * Finds the largest distance that the surplus supports.
	 *
	 * @param least
	 *            least distance.
	 * @param usual
	 *            distance where too few pairs tell.
	 * @param widest
	 *            greatest distance.
	 * @return the distance; NaN if nothing is known.
	 */
	double reach( final double least, final double usual, final double widest )
	{
		if ( !( widest > least ) )
			return usual;
		final double[] real = pairs.stream().flatMapToDouble( p -> lengths( p.lost, p.found, widest ) ).sorted().toArray();
		final Map< Integer, FramePairs.Pair > byFrame = pairs.stream().collect( Collectors.toMap( p -> p.frame, Function.identity() ) );
		final int stride = pairs.size() > 1 ? pairs.get( 1 ).frame - pairs.get( 0 ).frame : 1;
		final List< double[] > byChance = new ArrayList<>();
		for ( final FramePairs.Pair pair : pairs )
			for ( final int away : APART )
				for ( int sign = -1; sign <= 1; sign += 2 )
				{
					final FramePairs.Pair other = byFrame.get( pair.frame + sign * away * stride );
					if ( other != null )
						byChance.add( lengths( pair.lost, other.found, widest ).toArray() );
				}
		final double[] chance = byChance.stream().flatMapToDouble( DoubleStream::of ).sorted().toArray();
		final double share = byChance.isEmpty() ? 0 : ( double ) pairs.size() / byChance.size();
		if ( real.length + share * chance.length < FEWEST )
			return usual;
		return farthest( real, chance, PRICE * share, least, widest );
	}

	private static double farthest( final double[] real, final double[] chance, final double price, final double least, final double widest )
	{
		final double[] lengths = new double[ LENGTHS ];
		final double[] surplus = new double[ LENGTHS ];
		double best = Double.NEGATIVE_INFINITY;
		for ( int i = 0; i < LENGTHS; i++ )
		{
			lengths[ i ] = i == LENGTHS - 1 ? widest : least + i * ( ( widest - least ) / ( LENGTHS - 1 ) );
			surplus[ i ] = Quantiles.countUpTo( real, lengths[ i ] ) - price * Quantiles.countUpTo( chance, lengths[ i ] );
			best = Math.max( best, surplus[ i ] );
		}
		if ( best < Math.max( FEWEST_MORE, 2 * Math.sqrt( real.length ) ) )
			return least;
		int last = LENGTHS - 1;
		while ( surplus[ last ] < SURPLUS * best )
			last--;
		return lengths[ last ];
	}

	private static DoubleStream lengths( final double[][] lost, final double[][] found, final double widest )
	{
		return MutualMatch.all( lost, found ).stream().mapToDouble( m -> m.length ).filter( l -> l <= widest );
	}
}
