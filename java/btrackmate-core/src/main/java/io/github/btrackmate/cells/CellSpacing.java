/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import net.imglib2.KDTree;
import net.imglib2.RealPoint;
import net.imglib2.neighborsearch.KNearestNeighborSearchOnKDTree;

/**
 * How far apart cells are.
 */
public final class CellSpacing
{
	private CellSpacing()
	{}

	/** Part of the cells that have a neighbour within the spacing; as in Python. */
	private static final double QUANTILE = 0.95;

	/**
	 * Measures the spacing of cells: the distance within which 95 % of them have
	 * their nearest neighbour.
	 *
	 * @param frames
	 *            for each frame the positions of its cells, in physical units.
	 * @return the spacing, over all cells that have a neighbour in their frame;
	 *         NaN if none has.
	 */
	public static double of( final List< List< double[] > > frames )
	{
		final List< Double > distances = new ArrayList<>();
		for ( final List< double[] > cells : frames )
			addDistances( cells, distances );
		final double[] sorted = distances.stream().mapToDouble( Double::doubleValue ).sorted().toArray();
		return sorted.length == 0 ? Double.NaN : sorted[ ( int ) Math.round( QUANTILE * ( sorted.length - 1 ) ) ];
	}

	private static void addDistances( final List< double[] > cells, final List< Double > distances )
	{
		if ( cells.size() < 2 )
			return;
		final List< RealPoint > points = cells.stream().map( RealPoint::new ).collect( Collectors.toList() );
		final List< Integer > numbers = IntStream.range( 0, cells.size() ).boxed().collect( Collectors.toList() );
		final KNearestNeighborSearchOnKDTree< Integer > search = new KNearestNeighborSearchOnKDTree<>( new KDTree<>( numbers, points ), 2 );
		for ( final RealPoint point : points )
		{
			search.search( point );
			distances.add( search.getDistance( 1 ) );
		}
	}
}
