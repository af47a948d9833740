/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

/**
 * Joins touching runs of one label to pieces, and counts the faces that their
 * voxels share.
 */
final class RunPieces
{
	/** For rows that touch along an edge only. */
	static final int NO_FACE = -1;

	private final LabelRuns runs;

	private final CellShape[] shapes;

	/** Another run of the same piece; the first run of a piece is its own. */
	private final int[] parent;

	RunPieces( final LabelRuns runs, final CellShape[] shapes )
	{
		this.runs = runs;
		this.shapes = shapes;
		parent = new int[ runs.runCount() ];
		for ( int r = 0; r < parent.length; r++ )
			parent[ r ] = r;
	}

	/**
	 * Joins the runs of two rows where voxels share a face, edge or corner.
	 *
	 * @param axis
	 *            axis across which the rows are neighbours, or {@link #NO_FACE}.
	 */
	void join( final int row, final int otherRow, final int axis )
	{
		final int last = runs.firstRun( otherRow + 1 );
		int first = runs.firstRun( otherRow );
		for ( int r = runs.firstRun( row ); r < runs.firstRun( row + 1 ); r++ )
		{
			while ( first < last && runs.end( first ) < runs.start( r ) )
				first++;
			for ( int o = first; o < last && runs.start( o ) <= runs.end( r ); o++ )
			{
				if ( runs.cell( o ) != runs.cell( r ) )
					continue;
				unite( r, o );
				final int shared = Math.min( runs.end( r ), runs.end( o ) ) - Math.max( runs.start( r ), runs.start( o ) );
				if ( axis != NO_FACE && shared > 0 )
					shapes[ runs.cell( r ) ].addInnerFaces( axis, shared );
			}
		}
	}

	/** Tells the cells how many pieces they have. */
	void count()
	{
		for ( int r = 0; r < parent.length; r++ )
			if ( parent[ r ] == r )
				shapes[ runs.cell( r ) ].addComponent();
	}

	private void unite( final int a, final int b )
	{
		final int rootA = root( a );
		final int rootB = root( b );
		parent[ Math.max( rootA, rootB ) ] = Math.min( rootA, rootB );
	}

	private int root( final int run )
	{
		int r = run;
		while ( parent[ r ] != r )
		{
			parent[ r ] = parent[ parent[ r ] ];
			r = parent[ r ];
		}
		return r;
	}
}
