/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

import io.github.btrackmate.boundary.BoundaryDistance;
import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.mask.MaskPolicy;
import io.github.btrackmate.mask.TissueMask;

/**
 * The tissue of every frame: mask, policy, and distance to the surface. What
 * belongs to a static mask is made once, when it is needed.
 */
final class Tissue
{
	/** Ids that a message lists. */
	private static final int MOST_IDS = 20;

	/** Of one frame. */
	record Frame( TissueMask mask, BoundaryDistance distance )
	{}

	private final Movie movie;

	private final MaskPolicy policy;

	/** Ids that count; empty for all. */
	private final Set< Long > ids;

	private final VoxelSize voxelSize;

	private final boolean isFixed;

	/** Of a static mask, when it was asked for. */
	private Frame fixed;

	/**
	 * Creates a tissue.
	 *
	 * @param movie
	 *            its mask.
	 * @param policy
	 *            which cells stay.
	 * @param ids
	 *            tissue ids that count; empty for all.
	 * @param voxelSize
	 *            voxel size of the image that is tracked.
	 */
	Tissue( final Movie movie, final MaskPolicy policy, final Set< Long > ids, final VoxelSize voxelSize )
	{
		this.movie = movie;
		this.policy = policy;
		this.ids = Set.copyOf( ids );
		this.voxelSize = voxelSize;
		isFixed = movie.frameCount() == 1;
	}

	/**
	 * Reads a list of tissue ids.
	 *
	 * @param text
	 *            whole numbers, with commas between them.
	 * @return the ids; none if the text is blank.
	 */
	static Set< Long > parseIds( final String text )
	{
		final Set< Long > ids = new TreeSet<>();
		for ( final String part : text.isBlank() ? new String[ 0 ] : text.split( "," ) )
			try
			{
				ids.add( Long.parseLong( part.trim() ) );
			}
			catch ( final NumberFormatException e )
			{
				throw new IllegalArgumentException( "Tissue ids are '" + text + "'; whole numbers with commas between them were expected, or nothing for all tissues." );
			}
		return ids;
	}

	/**
	 * Checks that the mask has the tissues that count, in one of its frames at
	 * least.
	 *
	 * @throws IllegalArgumentException
	 *             if it lacks one; for the user.
	 */
	void checkIds()
	{
		final Set< Long > missing = new TreeSet<>( ids );
		final Set< Long > there = new TreeSet<>();
		for ( int t = 0; t < movie.frameCount() && !missing.isEmpty(); t++ )
		{
			final LabelRuns tissues = movie.mask( t ).tissues();
			for ( int c = 0; c < tissues.cellCount(); c++ )
				there.add( tissues.label( c ) );
			missing.removeAll( there );
		}
		if ( !missing.isEmpty() )
			throw new IllegalArgumentException( "The tissue mask '" + movie.name() + "' has no tissue " + missing.iterator().next() + "; it has " + ( there.isEmpty() ? "none" : list( there ) ) + "." );
	}

	private static String list( final Set< Long > ids )
	{
		final String text = ids.stream().limit( MOST_IDS ).map( String::valueOf ).collect( Collectors.joining( ", " ) );
		return ids.size() > MOST_IDS ? text + ", …" : text;
	}

	/** Whether the mask is one plane, which holds for all. */
	boolean isFlat()
	{
		return movie.is2D();
	}

	MaskPolicy policy()
	{
		return policy;
	}

	Frame frame( final int t )
	{
		return isFixed ? fixed() : make( t );
	}

	private synchronized Frame fixed()
	{
		if ( fixed == null )
			fixed = make( 0 );
		return fixed;
	}

	/** The tissues that count, without distances to their surface. */
	TissueMask mask( final int t )
	{
		final TissueMask all = movie.mask( movie.frameCount() == 1 ? 0 : t );
		return ids.isEmpty() ? all : all.select( ids );
	}

	private Frame make( final int t )
	{
		final TissueMask mask = mask( t );
		return new Frame( mask, BoundaryDistance.of( mask, voxelSize, false ) );
	}
}
