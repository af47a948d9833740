/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.mask;

/**
 * Why a cell does not belong to the tissue.
 */
public enum DropReason
{
	/** No voxel lies in a tissue that counts. */
	OUTSIDE( "outside" ),

	/** The voxel nearest to the centroid is outside. */
	CENTROID_OUTSIDE( "centroid_outside" ),

	/** Too few voxels are inside. */
	FRACTION_BELOW( "fraction_below" );

	private final String key;

	private DropReason( final String key )
	{
		this.key = key;
	}

	/**
	 * Returns the name of this reason in tables and files.
	 *
	 * @return the name, the same in Java and in Python.
	 */
	public String key()
	{
		return key;
	}

	@Override
	public String toString()
	{
		return key;
	}
}
