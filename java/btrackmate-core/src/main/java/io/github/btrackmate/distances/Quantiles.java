/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.distances;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Arrays;

/**
 * Arithmetic in which NaN stands for a number that is missing.
 */
final class Quantiles
{
	private static final MathContext THREE_DIGITS = new MathContext( 3, RoundingMode.HALF_EVEN );

	private Quantiles()
	{}

	/** Interpolates between the two values next to a share of them; NaN for none. */
	static double of( final double[] values, final double share )
	{
		if ( values.length == 0 )
			return Double.NaN;
		final double[] sorted = values.clone();
		Arrays.sort( sorted );
		final double place = share * ( sorted.length - 1 );
		final int below = ( int ) Math.floor( place );
		final int above = Math.min( below + 1, sorted.length - 1 );
		return sorted[ below ] + ( place - below ) * ( sorted[ above ] - sorted[ below ] );
	}

	/** The number of sorted values up to a limit, itself included. */
	static int countUpTo( final double[] sorted, final double limit )
	{
		int low = 0;
		int high = sorted.length;
		while ( low < high )
		{
			final int middle = ( low + high ) >>> 1;
			if ( sorted[ middle ] <= limit )
				low = middle + 1;
			else
				high = middle;
		}
		return low;
	}

	/** The largest number; NaN if there is none. */
	static double largest( final double one, final double other )
	{
		return Double.isNaN( one ) ? other : Double.isNaN( other ) ? one : Math.max( one, other );
	}

	/** The smallest number; NaN if there is none. */
	static double smallest( final double one, final double other )
	{
		return -largest( -one, -other );
	}

	/** Keeps three digits, as more would pretend. */
	static double threeDigits( final double value )
	{
		return new BigDecimal( value ).round( THREE_DIGITS ).doubleValue();
	}
}
