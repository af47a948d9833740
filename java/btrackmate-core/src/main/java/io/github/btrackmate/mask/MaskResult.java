/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.mask;

import java.util.List;
import java.util.stream.Collectors;

import io.github.btrackmate.cells.LabelRuns;

/**
 * The cells of one frame that stay, and the report on all. Immutable.
 */
public final class MaskResult
{
	private final LabelRuns runs;

	private final List< CellInTissue > cells;

	MaskResult( final LabelRuns runs, final List< CellInTissue > cells )
	{
		this.runs = runs;
		this.cells = List.copyOf( cells );
	}

	/**
	 * Returns the cells that stay, clipped where the policy says so.
	 *
	 * @return runs to measure.
	 */
	public LabelRuns runs()
	{
		return runs;
	}

	/**
	 * Returns the cells that stay, in order of label: as many, and in the same
	 * order, as the cells of {@link #runs()}.
	 *
	 * @return kept cells.
	 */
	public List< CellInTissue > kept()
	{
		return cells.stream().filter( CellInTissue::isKept ).collect( Collectors.toList() );
	}

	/**
	 * Returns the cells that go, in order of label.
	 *
	 * @return dropped cells.
	 */
	public List< CellInTissue > dropped()
	{
		return cells.stream().filter( c -> !c.isKept() ).collect( Collectors.toList() );
	}
}
