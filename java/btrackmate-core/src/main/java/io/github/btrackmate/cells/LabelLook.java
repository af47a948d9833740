/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import net.imglib2.RandomAccessibleInterval;
import net.imglib2.type.numeric.RealType;

/**
 * What one frame looks like: label image, mask or intensities. Told by how the
 * values hang together: a label is one piece or a few, an intensity that many
 * pixels share is in pieces all over the image.
 */
public enum LabelLook
{
	/** Nothing but background. */
	EMPTY,

	/** A few values that fill large parts. */
	MASK,

	/** Many values, each of them in one place. */
	LABELS,

	/** Values that are no whole numbers, or are strewn all over. */
	INTENSITIES;

	/** More different values than a mask has tissues. */
	private static final int MOST_TISSUES = 8;

	/** More pieces than this, on average, and a value is no label. */
	private static final double MOST_PIECES = 3;

	/** A piece of a tissue has so many voxels, on average. */
	private static final double LARGE_PIECE = 2000;

	/** A piece of a label has so many voxels, on average; noise has a few. */
	private static final double LEAST_PIECE = 10;

	/**
	 * Looks at a frame.
	 *
	 * @param <T>
	 *            type of pixels.
	 * @param frame
	 *            2D or 3D.
	 * @return what it looks like.
	 */
	public static < T extends RealType< T > > LabelLook of( final RandomAccessibleInterval< T > frame )
	{
		final LabelRuns runs;
		try
		{
			runs = LabelRuns.of( frame );
		}
		catch ( final IllegalArgumentException e )
		{
			return INTENSITIES;
		}
		return of( runs );
	}

	static LabelLook of( final LabelRuns runs )
	{
		if ( runs.cellCount() == 0 )
			return EMPTY;
		long pieces = 0;
		long voxels = 0;
		for ( final CellShape shape : CellMeasurer.measureShapes( runs ) )
		{
			pieces += shape.components();
			voxels += shape.voxels();
		}
		if ( pieces > MOST_PIECES / 2 * runs.cellCount() && voxels < LEAST_PIECE * pieces )
			return INTENSITIES;
		// Pieces of a mask are whatever the tissue is; its values are few.
		if ( runs.cellCount() <= MOST_TISSUES && ( pieces > MOST_PIECES * runs.cellCount() || voxels >= LARGE_PIECE * pieces ) )
			return MASK;
		if ( pieces > MOST_PIECES * runs.cellCount() )
			return INTENSITIES;
		return LABELS;
	}
}
