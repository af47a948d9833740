/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;

/**
 * How times count frames: frame 0 at a start, one more each step.
 */
final class FrameClock
{
	/**
	 * Relative to the shortest distance of two times: how far a time may lie from
	 * a whole step.
	 */
	private static final double TOLERANCE = 1e-3;

	/** Into how many steps the shortest distance may fall (2 and 5 have the step 1). */
	private static final int MOST_STEPS = 12;

	/** Part of a step by which times of a clock may come early or late. */
	private static final double JITTER = 0.25;

	/** Part of a step by which a time may miss a frame where the step is given. */
	private static final double SLACK = 1e-6;

	private final double step;

	private final double start;

	private final boolean isFound;

	private final double allowed;

	private FrameClock( final double step, final double start, final boolean isFound, final double allowed )
	{
		this.step = step;
		this.start = start;
		this.isFound = isFound;
		this.allowed = allowed;
	}

	/**
	 * Makes the clock of a table's times.
	 *
	 * @param times
	 *            in any order, doubled or not; those that are no numbers are left
	 *            out.
	 * @param given
	 *            step, if it is known; else it is looked for.
	 * @return the clock. It starts at 0 where the times are whole steps from 0, so
	 *         that a movie whose first frames hold no cell keeps its frame
	 *         numbers; else at the first time.
	 */
	static FrameClock of( final DoubleStream times, final OptionalDouble given )
	{
		final double[] known = times.filter( Double::isFinite ).sorted().distinct().toArray();
		if ( known.length == 0 )
			return new FrameClock( 1, 0, false, SLACK );
		final OptionalDouble found = given.isPresent() ? OptionalDouble.empty() : findStep( known );
		final double step = given.orElse( found.orElse( 1 ) );
		final double steps = known[ 0 ] / step;
		final boolean whole = Math.abs( steps - Math.rint( steps ) ) <= TOLERANCE;
		final double start = known[ 0 ] >= 0 && whole ? 0 : known[ 0 ];
		return new FrameClock( step, start, found.isPresent() && ( step != 1 || start != 0 ), found.isPresent() ? JITTER : SLACK );
	}

	/**
	 * Finds the largest step of which all distances of times are whole multiples:
	 * Euclid's algorithm with a tolerance. Times of a clock, up to a quarter of a
	 * step early or late, have the median distance as step.
	 */
	private static OptionalDouble findStep( final double[] sorted )
	{
		if ( sorted.length < 2 )
			return OptionalDouble.empty();
		final double[] distances = new double[ sorted.length - 1 ];
		Arrays.setAll( distances, i -> sorted[ i + 1 ] - sorted[ i ] );
		final double[] different = Arrays.stream( distances ).sorted().distinct().toArray();
		final double shortest = different[ 0 ];
		double step = shortest;
		for ( final double distance : different )
			step = commonDivisor( distance, step, shortest * TOLERANCE );
		if ( step >= shortest / MOST_STEPS )
		{
			final double common = step;
			final double whole = Arrays.stream( distances ).sum() / Arrays.stream( distances ).map( d -> Math.rint( d / common ) ).sum();
			return OptionalDouble.of( Math.abs( whole - Math.rint( whole ) ) < whole * 1e-9 ? Math.rint( whole ) : whole );
		}
		final double median = median( distances );
		for ( final double time : sorted )
		{
			final double off = ( time - sorted[ 0 ] ) / median;
			if ( Math.abs( off - Math.rint( off ) ) > JITTER )
				return OptionalDouble.empty();
		}
		return OptionalDouble.of( median );
	}

	private static double commonDivisor( final double first, final double second, final double tolerance )
	{
		double a = first;
		double b = second;
		while ( b > tolerance )
		{
			final double rest = a % b;
			a = b;
			// A remainder of almost the divisor is none.
			b = a - rest <= tolerance ? 0 : rest;
		}
		return a;
	}

	private static double median( final double[] values )
	{
		final double[] sorted = Arrays.stream( values ).sorted().toArray();
		final int n = sorted.length;
		return n % 2 == 1 ? sorted[ n / 2 ] : ( sorted[ n / 2 - 1 ] + sorted[ n / 2 ] ) / 2;
	}

	/** The frame at a time; empty where the time is that of none. */
	OptionalDouble frame( final double time )
	{
		final double steps = ( time - start ) / step;
		final double near = Math.rint( steps );
		return Math.abs( steps - near ) <= allowed && near >= 0 && near <= Integer.MAX_VALUE ? OptionalDouble.of( near ) : OptionalDouble.empty();
	}

	double step()
	{
		return step;
	}

	double start()
	{
		return start;
	}

	/** Whether the step was found in the times, and frames are not the times themselves. */
	boolean isFound()
	{
		return isFound;
	}
}
