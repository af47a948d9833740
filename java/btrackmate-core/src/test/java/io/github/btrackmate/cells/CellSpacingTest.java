/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;

import org.junit.jupiter.api.Test;

/**
 * How far apart cells are.
 */
class CellSpacingTest
{
	/** Neighbours at 1, 1, 2 in one frame and 4, 4 in another; the cell that is alone has none. */
	@Test
	void nearestNeighbours()
	{
		final List< double[] > three = List.of( new double[] { 0, 0, 0 }, new double[] { 1, 0, 0 }, new double[] { 1, 2, 0 } );
		final List< double[] > two = List.of( new double[] { 0, 0, 0 }, new double[] { 0, 0, 4 } );
		final List< double[] > one = List.of( new double[] { 9, 9, 9 } );
		assertEquals( 4, CellSpacing.of( List.of( three, two, one, List.of() ) ) );
		assertEquals( 2, CellSpacing.of( List.of( three ) ) );
		assertEquals( Double.NaN, CellSpacing.of( List.of( one ) ) );
	}
}
