/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.distances;

import java.util.List;

/**
 * What the cells of a movie tell about distances, in their unit of space.
 * <p>
 * With W the 95 % quantile of the distances to the nearest neighbour and m the
 * median displacement of mutual nearest neighbours in successive frames:
 * <ol>
 * <li>A link may be 3 m long, and 2 m more than the largest median displacement
 * of a frame, so that frames that jump are followed.
 * <li>Longer links (fast cells, daughters) show as a surplus: the cells that no
 * match within 2.5 m explains, lost in one frame and found in the next, form more
 * close pairs than the lost and found of frames that have nothing to do with each
 * other. The surplus is the number of the former less 1.25 times that of the
 * latter; the linking distance is the largest, up to W, that holds no less than
 * 95 % of the greatest surplus. Where cells come and go far apart there is none,
 * and 3 m remain; where too few cells are left over to tell, it is 0.75 W.
 * <li>Daughters may lie 1.4 times as far, but not beyond W.
 * </ol>
 * It is the rule of the Python package ({@code btrackmate.tracking.auto}); the
 * cases in {@code tests/golden/distances} hold both to the same numbers.
 */
public final class LinkingDistances
{
	/** Cells whose neighbours are looked at. */
	private static final int CELLS = 40_000;

	/** Largest linking distance where nothing else tells, in spacings. */
	private static final double USUAL = 0.75;

	/** Median steps that a cell's step rarely exceeds. */
	private static final double STEPS = 3.0;

	/** Daughters go this much farther than links, at most one spacing. */
	private static final double DAUGHTERS = 1.4;

	/** Where there is but one cell that never moves, in voxels. */
	private static final double LAST_RESORT = 10.0;

	private final double spacing;

	private final double near;

	private final double step;

	private final double jump;

	private final double linking;

	private final double splitting;

	private LinkingDistances( final FramePairs pairs, final double voxel )
	{
		spacing = pairs.spacing();
		near = pairs.near();
		step = pairs.step();
		jump = pairs.jump();
		final double least = Quantiles.largest( STEPS * step, jump + 2 * step );
		final double told = new FarLinks( pairs ).reach( least, Quantiles.largest( least, USUAL * spacing ), spacing );
		final double reach = told > 0 ? told : LAST_RESORT * voxel;
		linking = Quantiles.threeDigits( reach );
		splitting = Quantiles.threeDigits( Math.max( reach, Quantiles.smallest( DAUGHTERS * reach, spacing ) ) );
	}

	/**
	 * Measures how far cells are apart and how far they step, and derives linking
	 * distances. Large movies are sampled in pairs of frames.
	 *
	 * @param frames
	 *            for each frame, empty ones included, the positions of its cells in
	 *            physical units.
	 * @param voxel
	 *            largest side of a voxel: a scale where no two cells can be
	 *            compared.
	 * @return the distances.
	 */
	public static LinkingDistances of( final List< double[][] > frames, final double voxel )
	{
		return of( frames, voxel, CELLS );
	}

	/** The same, with another number of cells from which on a movie is sampled. */
	static LinkingDistances of( final List< double[][] > frames, final double voxel, final int cells )
	{
		return new LinkingDistances( new FramePairs( frames, cells ), voxel );
	}

	/**
	 * Returns the distance within which 95 % of the cells have their nearest
	 * neighbour.
	 *
	 * @return distance; NaN if no frame holds two cells.
	 */
	public double spacing()
	{
		return spacing;
	}

	/**
	 * Returns the median distance to the nearest neighbour.
	 *
	 * @return distance; NaN if no frame holds two cells.
	 */
	public double near()
	{
		return near;
	}

	/**
	 * Returns the median displacement of mutual nearest neighbours from frame to
	 * frame.
	 *
	 * @return displacement; NaN if there is none.
	 */
	public double step()
	{
		return step;
	}

	/**
	 * Returns the largest median displacement of a frame.
	 *
	 * @return displacement; NaN if none is sure.
	 */
	public double jump()
	{
		return jump;
	}

	/**
	 * Returns the largest distance of links, over gaps, too.
	 *
	 * @return distance, above 0, of three digits.
	 */
	public double linking()
	{
		return linking;
	}

	/**
	 * Returns the largest distance of daughters from their mother.
	 *
	 * @return distance, no less than that of links, of three digits.
	 */
	public double splitting()
	{
		return splitting;
	}
}
