/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

/**
 * Intensities of the voxels of one cell in one channel. Immutable. Standard
 * deviation and median are those of TrackMate's {@code STD_INTENSITY} and
 * {@code MEDIAN_INTENSITY}.
 */
public final class IntensityStatistics
{
	private final double mean;

	private final double min;

	private final double max;

	private final double std;

	private final double total;

	private final double median;

	private IntensityStatistics( final double mean, final double min, final double max, final double std, final double total, final double median )
	{
		this.mean = mean;
		this.min = min;
		this.max = max;
		this.std = std;
		this.total = total;
		this.median = median;
	}

	/**
	 * Summarises values, at least one. If one of them is NaN, so is all of the
	 * result.
	 *
	 * @param values
	 *            the values; put in another order.
	 */
	static IntensityStatistics of( final double[] values )
	{
		double total = 0;
		double min = Double.POSITIVE_INFINITY;
		double max = Double.NEGATIVE_INFINITY;
		for ( final double v : values )
		{
			total += v;
			min = Math.min( min, v );
			max = Math.max( max, v );
		}
		if ( Double.isNaN( total ) )
			return new IntensityStatistics( total, total, total, total, total, total );
		final double mean = total / values.length;
		double squares = 0;
		for ( final double v : values )
			squares += ( v - mean ) * ( v - mean );
		final double std = values.length > 1 ? Math.sqrt( squares / ( values.length - 1 ) ) : Double.NaN;
		return new IntensityStatistics( mean, min, max, std, total, select( values, values.length / 2 ) );
	}

	/** Finds the value that would stand at an index after sorting. */
	private static double select( final double[] values, final int index )
	{
		int low = 0;
		int high = values.length - 1;
		while ( low < high )
		{
			final double pivot = values[ low + high >>> 1 ];
			int i = low;
			int j = high;
			while ( i <= j )
			{
				while ( values[ i ] < pivot )
					i++;
				while ( values[ j ] > pivot )
					j--;
				if ( i <= j )
				{
					final double swapped = values[ i ];
					values[ i++ ] = values[ j ];
					values[ j-- ] = swapped;
				}
			}
			if ( index <= j )
				high = j;
			else if ( index >= i )
				low = i;
			else
				break;
		}
		return values[ index ];
	}

	/**
	 * Returns the mean.
	 *
	 * @return mean intensity.
	 */
	public double mean()
	{
		return mean;
	}

	/**
	 * Returns the lowest value.
	 *
	 * @return minimal intensity.
	 */
	public double min()
	{
		return min;
	}

	/**
	 * Returns the highest value.
	 *
	 * @return maximal intensity.
	 */
	public double max()
	{
		return max;
	}

	/**
	 * Returns the sample standard deviation (divided by n − 1).
	 *
	 * @return standard deviation; NaN for a single voxel.
	 */
	public double std()
	{
		return std;
	}

	/**
	 * Returns the sum.
	 *
	 * @return summed intensity.
	 */
	public double total()
	{
		return total;
	}

	/**
	 * Returns the median: element ⌊n/2⌋ of the sorted values.
	 *
	 * @return median intensity.
	 */
	public double median()
	{
		return median;
	}
}
