/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.distances;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Pairs of successive frames spread over a movie: mutual nearest cells, and what
 * sure matches leave over.
 */
final class FramePairs
{
	/** Part of the cells that have a neighbour within the spacing. */
	private static final double SPACING_QUANTILE = 0.95;

	/** Median steps within which a match is believed. */
	private static final double SURE_STEPS = 2.5;

	/** Fewest matches, and part of the cells matched, that make a frame's median step believed. */
	private static final int JUMP_MATCHES = 5;

	private static final double JUMP_SHARE = 0.8;

	/** Two successive frames. */
	static final class Pair
	{
		/** The first of them. */
		final int frame;

		/** Cells of the first frame that no sure match explains. */
		final double[][] lost;

		/** Cells of the second frame that no sure match explains. */
		final double[][] found;

		/** Lengths of all matches, the unsure ones, too. */
		private final double[] steps;

		/** Part of the smaller frame's cells that have a match. */
		private final double share;

		private Pair( final Matches matches, final double[][] here, final double[][] next, final double sure )
		{
			frame = matches.frame;
			steps = matches.lengths();
			share = ( double ) steps.length / Math.min( here.length, next.length );
			lost = without( here, matches.all.stream().filter( m -> m.length <= sure ).mapToInt( m -> m.source ) );
			found = without( next, matches.all.stream().filter( m -> m.length <= sure ).mapToInt( m -> m.target ) );
		}

		private static double[][] without( final double[][] cells, final IntStream gone )
		{
			final boolean[] isGone = new boolean[ cells.length ];
			gone.forEach( i -> isGone[ i ] = true );
			return IntStream.range( 0, cells.length ).filter( i -> !isGone[ i ] ).mapToObj( i -> cells[ i ] ).toArray( double[][]::new );
		}
	}

	/** Cells of two frames that are the nearest to each other. */
	private static final class Matches
	{
		private final int frame;

		private final List< MutualMatch > all;

		private Matches( final int frame, final double[][] here, final double[][] next )
		{
			this.frame = frame;
			all = MutualMatch.all( here, next );
		}

		private double[] lengths()
		{
			return all.stream().mapToDouble( m -> m.length ).toArray();
		}
	}

	private final double[] apart;

	private final List< Pair > pairs;

	/**
	 * Looks at frames.
	 *
	 * @param frames
	 *            positions of the cells of each frame.
	 * @param cells
	 *            how many cells are looked at, about.
	 */
	FramePairs( final List< double[][] > frames, final int cells )
	{
		final int total = frames.stream().mapToInt( f -> f.length ).sum();
		final int stride = Math.max( 1, ( total + cells - 1 ) / cells );
		apart = every( stride, IntStream.range( 0, frames.size() ).filter( f -> frames.get( f ).length > 1 ) ).stream()
				.flatMapToDouble( f -> distances( frames.get( f ) ) ).filter( d -> d > 0 ).toArray();
		final IntStream both = IntStream.range( 0, frames.size() - 1 ).filter( f -> frames.get( f ).length > 0 && frames.get( f + 1 ).length > 0 );
		final List< Matches > matches = every( stride, both ).stream().map( f -> new Matches( f, frames.get( f ), frames.get( f + 1 ) ) ).collect( Collectors.toList() );
		final double sure = SURE_STEPS * Quantiles.of( matches.stream().flatMapToDouble( m -> DoubleStream.of( m.lengths() ) ).toArray(), 0.5 );
		pairs = matches.stream().map( m -> new Pair( m, frames.get( m.frame ), frames.get( m.frame + 1 ), sure ) ).collect( Collectors.toList() );
	}

	private static List< Integer > every( final int stride, final IntStream frames )
	{
		final int[] all = frames.toArray();
		final List< Integer > some = new ArrayList<>();
		for ( int i = 0; i < all.length; i += stride )
			some.add( all[ i ] );
		return some;
	}

	private static DoubleStream distances( final double[][] cells )
	{
		final NearestCells nearest = new NearestCells( cells );
		return IntStream.range( 0, cells.length ).mapToDouble( i -> nearest.nearestBut( cells[ i ], i ).distance );
	}

	/** In order of frame. */
	List< Pair > pairs()
	{
		return pairs;
	}

	double spacing()
	{
		return Quantiles.of( apart, SPACING_QUANTILE );
	}

	double near()
	{
		return Quantiles.of( apart, 0.5 );
	}

	double step()
	{
		return Quantiles.of( pairs.stream().flatMapToDouble( p -> DoubleStream.of( p.steps ) ).toArray(), 0.5 );
	}

	double jump()
	{
		return pairs.stream().filter( p -> p.steps.length >= JUMP_MATCHES && p.share >= JUMP_SHARE )
				.mapToDouble( p -> Quantiles.of( p.steps, 0.5 ) ).max().orElse( Double.NaN );
	}
}
