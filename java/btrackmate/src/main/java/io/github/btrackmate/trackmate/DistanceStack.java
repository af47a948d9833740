/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Color;
import java.awt.image.IndexColorModel;

import ij.ImagePlus;
import ij.VirtualStack;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.LUT;
import io.github.btrackmate.boundary.BoundaryDistance;

/**
 * The signed distance to the surface of the tissue as an image, computed frame by
 * frame as it is looked at. Inside is warm, outside cold, the surface white.
 */
final class DistanceStack extends VirtualStack
{
	private static final int COLOURS = 256;

	private static final Color INSIDE = new Color( 178, 24, 43 );

	private static final Color OUTSIDE = new Color( 33, 102, 172 );

	private final Tissue tissue;

	private final int nx;

	private final int ny;

	private final int nz;

	private final int frames;

	/** Of the frame that was looked at last. */
	private BoundaryDistance distance;

	private int frame = -1;

	private DistanceStack( final ImagePlus imp, final Tissue tissue )
	{
		super( imp.getWidth(), imp.getHeight(), null, null );
		this.tissue = tissue;
		nx = imp.getWidth();
		ny = imp.getHeight();
		nz = imp.getNSlices();
		frames = imp.getNFrames();
		setBitDepth( 32 );
	}

	/**
	 * Makes an image of the size of another one.
	 *
	 * @param imp
	 *            image that is tracked.
	 * @param tissue
	 *            its tissue.
	 * @return new image; nothing is shown.
	 */
	static ImagePlus image( final ImagePlus imp, final Tissue tissue )
	{
		final DistanceStack stack = new DistanceStack( imp, tissue );
		final ImagePlus result = new ImagePlus( "Distance to the tissue surface of " + imp.getShortTitle(), stack );
		result.setDimensions( 1, imp.getNSlices(), imp.getNFrames() );
		result.setOpenAsHyperStack( true );
		result.setCalibration( imp.getCalibration().copy() );
		result.getCalibration().setValueUnit( imp.getCalibration().getUnit() );
		final double reach = stack.reach();
		result.setLut( new LUT( colours(), -reach, reach ) );
		result.setDisplayRange( -reach, reach );
		return result;
	}

	/** Largest distance in the first frame. */
	double reach()
	{
		double reach = 0;
		for ( int z = 0; z < nz; z++ )
			for ( final float value : plane( 0, z ) )
				if ( Math.abs( value ) > reach )
					reach = Math.abs( value );
		return reach > 0 ? reach : 1;
	}

	private static IndexColorModel colours()
	{
		final byte[][] rgb = new byte[ 3 ][ COLOURS ];
		for ( int i = 0; i < COLOURS; i++ )
		{
			final double position = 2.0 * i / ( COLOURS - 1 ) - 1;
			final Color end = position < 0 ? OUTSIDE : INSIDE;
			final int[] parts = { end.getRed(), end.getGreen(), end.getBlue() };
			for ( int c = 0; c < 3; c++ )
				rgb[ c ][ i ] = ( byte ) Math.round( 255 + Math.abs( position ) * ( parts[ c ] - 255 ) );
		}
		return new IndexColorModel( 8, COLOURS, rgb[ 0 ], rgb[ 1 ], rgb[ 2 ] );
	}

	private synchronized float[] plane( final int t, final int z )
	{
		if ( t != frame )
			distance = tissue.frame( t ).distance();
		frame = t;
		return distance.plane( tissue.isFlat() ? 0 : z );
	}

	@Override
	public int getSize()
	{
		return nz * frames;
	}

	@Override
	public ImageProcessor getProcessor( final int n )
	{
		return new FloatProcessor( nx, ny, plane( ( n - 1 ) / nz, ( n - 1 ) % nz ) );
	}

	@Override
	public String getSliceLabel( final int n )
	{
		return null;
	}
}
