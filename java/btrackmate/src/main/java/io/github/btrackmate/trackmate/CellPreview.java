/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Color;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

import ij.ImagePlus;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.process.ColorProcessor;
import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.mask.CellInTissue;
import io.github.btrackmate.mask.MaskFilter;
import io.github.btrackmate.mask.MaskPolicy;

/**
 * Shows which cells a choice gives: their outlines in the plane that the image
 * shows, those that the tissue mask drops in another colour.
 */
final class CellPreview
{
	private static final int KEPT = Color.CYAN.getRGB();

	private static final int DROPPED = Color.RED.getRGB();

	private final ImagePlus imp;

	private final Overlay before;

	/** What was computed last, for which choice and frame. */
	private TrackInputs inputs;

	private int frame = -1;

	private LabelRuns runs;

	private Set< Long > dropped = Set.of();

	/**
	 * Creates a preview; nothing is shown yet.
	 *
	 * @param imp
	 *            image to draw on.
	 */
	CellPreview( final ImagePlus imp )
	{
		this.imp = imp;
		before = imp.getOverlay();
	}

	/** Whether it draws on an image. */
	boolean isOn( final ImagePlus other )
	{
		return imp == other;
	}

	/**
	 * Shows the cells of the frame that the image shows.
	 *
	 * @param choice
	 *            labels and tissue; not a table.
	 * @return how many there are, in words.
	 * @throws IllegalArgumentException
	 *             if images do not go together; for the user.
	 */
	synchronized String show( final TrackInputs choice )
	{
		final int t = Math.max( 0, imp.getFrame() - 1 );
		if ( t != frame || !choice.cells().equals( inputs == null ? null : inputs.cells() ) || !choice.tissue().equals( inputs.tissue() ) )
			compute( choice, t );
		draw( imp.getSlice() - 1 );
		return "Frame " + ( t + 1 ) + ": " + runs.cellCount() + " cells" + ( dropped.isEmpty() ? "" : ", " + dropped.size() + " of them dropped (red)" );
	}

	private void compute( final TrackInputs choice, final int t )
	{
		frame = -1;
		final TrackInputs.Opened opened = choice.open( imp );
		final Movie image = Movie.of( imp, 1 );
		final Movie labels = opened.labels() == null ? image.withChannel( choice.cells().channel() ) : Movie.of( opened.labels(), choice.cells().channel() );
		labels.checkSizeOf( image );
		runs = labels.labels( t );
		dropped = new HashSet<>();
		if ( opened.mask() != null )
		{
			final Movie mask = Movie.of( opened.mask(), 1 );
			mask.checkCovers( image );
			final Tissue tissue = new Tissue( mask, MaskPolicy.of( choice.tissue().policy(), choice.tissue().fraction() ), Tissue.parseIds( choice.tissue().ids() ), image.voxelSize() );
			for ( final CellInTissue cell : MaskFilter.apply( runs, tissue.mask( t ), tissue.policy() ).dropped() )
				dropped.add( cell.label() );
		}
		inputs = choice;
		frame = t;
	}

	private void draw( final int z )
	{
		final int nx = imp.getWidth();
		final int ny = imp.getHeight();
		final int[] cells = new int[ nx * ny ];
		Arrays.fill( cells, -1 );
		runs.forEachRun( ( cell, row, from, to ) -> {
			if ( row / ny == z )
				Arrays.fill( cells, row % ny * nx + from, row % ny * nx + to, cell );
		} );
		final int[] pixels = new int[ nx * ny ];
		for ( int y = 0; y < ny; y++ )
			for ( int x = 0; x < nx; x++ )
			{
				final int i = y * nx + x;
				if ( cells[ i ] < 0 )
					continue;
				final boolean edge = x == 0 || y == 0 || x == nx - 1 || y == ny - 1 || cells[ i - 1 ] != cells[ i ] || cells[ i + 1 ] != cells[ i ] || cells[ i - nx ] != cells[ i ] || cells[ i + nx ] != cells[ i ];
				if ( edge )
					pixels[ i ] = dropped.contains( runs.label( cells[ i ] ) ) ? DROPPED : KEPT;
			}
		final ImageRoi outlines = new ImageRoi( 0, 0, new ColorProcessor( nx, ny, pixels ) );
		outlines.setZeroTransparent( true );
		imp.setOverlay( new Overlay( outlines ) );
	}

	/** Takes the outlines away. */
	synchronized void clear()
	{
		imp.setOverlay( before );
	}
}
