/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.mask;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.mask.MaskPolicy.Kind;

/**
 * Decides which cells of a frame belong to the tissue.
 */
public final class MaskFilter
{
	/** So that rounding of the fraction never decides. */
	private static final double TOLERANCE = 1e-9;

	private MaskFilter()
	{}

	/**
	 * Applies a policy to the cells of one frame.
	 *
	 * @param cells
	 *            the frame.
	 * @param mask
	 *            the tissues that count, of the same size; a 2D one holds for
	 *            every plane.
	 * @param policy
	 *            when a cell belongs to the tissue.
	 * @return the cells that stay, and a report on all cells.
	 * @throws IllegalArgumentException
	 *             if the mask does not fit the frame; the message names both sizes.
	 */
	public static MaskResult apply( final LabelRuns cells, final TissueMask mask, final MaskPolicy policy )
	{
		mask.checkSize( cells.size() );
		final List< Map< Integer, long[] > > inside = countInside( cells, mask );
		final long[] voxels = new long[ cells.cellCount() ];
		final double[][] sums = new double[ 3 ][ cells.cellCount() ];
		final int ny = ( int ) cells.size()[ 1 ];
		cells.forEachRun( ( cell, row, from, to ) -> {
			voxels[ cell ] += to - from;
			sums[ 0 ][ cell ] += ( to - from ) * ( from + to - 1.0 ) / 2;
			sums[ 1 ][ cell ] += ( double ) ( to - from ) * ( row % ny );
			sums[ 2 ][ cell ] += ( double ) ( to - from ) * ( row / ny );
		} );

		final List< CellInTissue > report = new ArrayList<>( cells.cellCount() );
		final Set< Long > kept = new HashSet<>();
		for ( int c = 0; c < cells.cellCount(); c++ )
		{
			final long in = inside.get( c ).values().stream().mapToLong( n -> n[ 0 ] ).sum();
			final double fraction = ( double ) in / voxels[ c ];
			DropReason reason = null;
			if ( in == 0 )
				reason = DropReason.OUTSIDE;
			else if ( policy.kind() == Kind.FRACTION && fraction < policy.leastFraction() - TOLERANCE )
				reason = DropReason.FRACTION_BELOW;
			else if ( policy.kind() == Kind.CENTROID && !mask.contains( nearest( sums[ 0 ][ c ], voxels[ c ] ), nearest( sums[ 1 ][ c ], voxels[ c ] ), nearest( sums[ 2 ][ c ], voxels[ c ] ) ) )
				reason = DropReason.CENTROID_OUTSIDE;
			if ( reason == null )
				kept.add( cells.label( c ) );
			final long goesOn = reason == null && policy.kind() == Kind.CLIP ? in : voxels[ c ];
			report.add( new CellInTissue( cells.label( c ), mainTissue( inside.get( c ), mask ), fraction, goesOn, reason ) );
		}
		final LabelRuns runs = policy.kind() == Kind.CLIP ? cells.clip( mask.tissues() ) : cells.filter( kept::contains );
		return new MaskResult( runs, report );
	}

	/** Voxels of each cell by number of the tissue they lie in. */
	private static List< Map< Integer, long[] > > countInside( final LabelRuns cells, final TissueMask mask )
	{
		final List< Map< Integer, long[] > > inside = new ArrayList<>( cells.cellCount() );
		for ( int c = 0; c < cells.cellCount(); c++ )
			inside.add( new HashMap<>() );
		cells.forEachOverlap( mask.tissues(), ( cell, tissue, from, to ) -> inside.get( cell ).computeIfAbsent( tissue, t -> new long[ 1 ] )[ 0 ] += to - from );
		return inside;
	}

	/** Tissues are numbered in order of id: on a tie the lower number stays. */
	private static long mainTissue( final Map< Integer, long[] > counts, final TissueMask mask )
	{
		int main = -1;
		long most = 0;
		for ( final Map.Entry< Integer, long[] > entry : counts.entrySet() )
		{
			final long n = entry.getValue()[ 0 ];
			if ( n > most || n == most && entry.getKey() < main )
			{
				main = entry.getKey();
				most = n;
			}
		}
		return main < 0 ? 0 : mask.tissues().label( main );
	}

	private static int nearest( final double sum, final long n )
	{
		return ( int ) Math.floor( sum / n + 0.5 );
	}
}
