/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.mask;

/**
 * How one cell lies in the tissue, and whether it stays. Immutable.
 */
public final class CellInTissue
{
	private final long label;

	private final long tissue;

	private final double fraction;

	private final long voxels;

	private final DropReason reason;

	CellInTissue( final long label, final long tissue, final double fraction, final long voxels, final DropReason reason )
	{
		this.label = label;
		this.tissue = tissue;
		this.fraction = fraction;
		this.voxels = voxels;
		this.reason = reason;
	}

	/**
	 * Returns the label.
	 *
	 * @return label of the cell.
	 */
	public long label()
	{
		return label;
	}

	/**
	 * Returns the tissue that holds most of the cell (the lower id on a tie).
	 *
	 * @return tissue id, 0 for none.
	 */
	public long tissue()
	{
		return tissue;
	}

	/**
	 * Returns the part of the voxels that is inside, before clipping.
	 *
	 * @return from 0 to 1.
	 */
	public double fraction()
	{
		return fraction;
	}

	/**
	 * Returns the number of voxels with which the cell goes on; of a dropped
	 * cell, the number that it had.
	 *
	 * @return number of voxels.
	 */
	public long voxels()
	{
		return voxels;
	}

	/**
	 * Returns whether the cell stays.
	 *
	 * @return {@code true} if it stays.
	 */
	public boolean isKept()
	{
		return reason == null;
	}

	/**
	 * Returns why the cell is dropped.
	 *
	 * @return the reason, or {@code null} if it stays.
	 */
	public DropReason reason()
	{
		return reason;
	}
}
