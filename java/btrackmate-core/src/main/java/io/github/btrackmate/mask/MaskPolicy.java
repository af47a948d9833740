/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.mask;

import java.util.Locale;

/**
 * When a cell belongs to the tissue. Immutable.
 */
public final class MaskPolicy
{
	/** The kinds of policies. */
	enum Kind
	{
		KEEP_TOUCHING, CENTROID, FRACTION, CLIP;
	}

	/** A cell with at least one voxel inside stays whole. */
	public static final MaskPolicy KEEP_TOUCHING = new MaskPolicy( Kind.KEEP_TOUCHING, Double.NaN );

	/** A cell stays whole if the voxel nearest to its centroid is inside. */
	public static final MaskPolicy CENTROID = new MaskPolicy( Kind.CENTROID, Double.NaN );

	/** Of every cell that part stays that is inside. */
	public static final MaskPolicy CLIP = new MaskPolicy( Kind.CLIP, Double.NaN );

	private final Kind kind;

	private final double fraction;

	private MaskPolicy( final Kind kind, final double fraction )
	{
		this.kind = kind;
		this.fraction = fraction;
	}

	/**
	 * A cell stays whole if enough of its voxels are inside.
	 *
	 * @param fraction
	 *            least part of the voxels, above 0 and up to 1.
	 * @return new policy.
	 * @throws IllegalArgumentException
	 *             if the fraction is not above 0 and at most 1.
	 */
	public static MaskPolicy fraction( final double fraction )
	{
		if ( !( fraction > 0 && fraction <= 1 ) )
			throw new IllegalArgumentException( "Fraction inside the tissue is " + fraction + "; it must be above 0 and at most 1." );
		return new MaskPolicy( Kind.FRACTION, fraction );
	}

	/**
	 * Creates a policy from its name in settings and on the command line.
	 *
	 * @param name
	 *            {@code keep-touching}, {@code centroid}, {@code fraction} or
	 *            {@code clip}.
	 * @param fraction
	 *            used by {@code fraction} only.
	 * @return the policy.
	 * @throws IllegalArgumentException
	 *             if there is no such policy, or the fraction of that name is not
	 *             above 0 and at most 1.
	 */
	public static MaskPolicy of( final String name, final double fraction )
	{
		switch ( name )
		{
		case "keep-touching":
			return KEEP_TOUCHING;
		case "centroid":
			return CENTROID;
		case "fraction":
			return fraction( fraction );
		case "clip":
			return CLIP;
		default:
			throw new IllegalArgumentException( "Unknown mask policy '" + name + "'; use keep-touching, centroid, fraction or clip." );
		}
	}

	Kind kind()
	{
		return kind;
	}

	/** The least fraction inside, for {@link Kind#FRACTION}. */
	double leastFraction()
	{
		return fraction;
	}

	@Override
	public String toString()
	{
		final String name = kind.name().toLowerCase( Locale.ROOT ).replace( '_', '-' );
		return kind == Kind.FRACTION ? name + " >= " + fraction : name;
	}
}
