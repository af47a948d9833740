/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.List;

import com.google.gson.JsonArray;

import ij.ImagePlus;
import ij.ImageStack;
import ij.process.ByteProcessor;
import ij.process.FloatProcessor;
import ij.process.ImageProcessor;
import ij.process.ShortProcessor;

/**
 * Images from literal arrays.
 */
final class TestImages
{
	private TestImages()
	{}

	/** Frames of a plane each, x last; of 8, 16 or 32 bit. */
	static ImagePlus movie2D( final String title, final int bits, final double pixelSize, final int[][]... frames )
	{
		final ImageStack stack = new ImageStack( frames[ 0 ][ 0 ].length, frames[ 0 ].length );
		for ( final int[][] frame : frames )
			stack.addSlice( plane( bits, frame ) );
		return calibrated( new ImagePlus( title, stack ), 1, frames.length, pixelSize, pixelSize, 1 );
	}

	/** One frame of several planes. */
	static ImagePlus stack3D( final String title, final int bits, final double[] xyz, final int[][]... planes )
	{
		final ImageStack stack = new ImageStack( planes[ 0 ][ 0 ].length, planes[ 0 ].length );
		for ( final int[][] plane : planes )
			stack.addSlice( plane( bits, plane ) );
		return calibrated( new ImagePlus( title, stack ), planes.length, 1, xyz[ 0 ], xyz[ 1 ], xyz[ 2 ] );
	}

	/** Frames of a golden case ([z,] y, x; spacing in the same order), twice, as a movie of 32 bit with a channel for each. */
	static ImagePlus twice( final String title, final List< JsonArray > channels, final JsonArray spacing )
	{
		final boolean flat = !channels.get( 0 ).get( 0 ).getAsJsonArray().get( 0 ).isJsonArray();
		final int nz = flat ? 1 : channels.get( 0 ).size();
		final JsonArray first = flat ? channels.get( 0 ) : channels.get( 0 ).get( 0 ).getAsJsonArray();
		final ImageStack stack = new ImageStack( first.get( 0 ).getAsJsonArray().size(), first.size() );
		for ( int t = 0; t < 2; t++ )
			for ( int z = 0; z < nz; z++ )
				for ( final JsonArray channel : channels )
					stack.addSlice( plane( flat ? channel : channel.get( z ).getAsJsonArray() ) );
		final int n = spacing.size();
		return calibrated( new ImagePlus( title, stack ), nz, 2, spacing.get( n - 1 ).getAsDouble(), spacing.get( n - 2 ).getAsDouble(), flat ? 1 : spacing.get( 0 ).getAsDouble() );
	}

	private static ImageProcessor plane( final JsonArray rows )
	{
		final ImageProcessor ip = new FloatProcessor( rows.get( 0 ).getAsJsonArray().size(), rows.size() );
		for ( int y = 0; y < ip.getHeight(); y++ )
			for ( int x = 0; x < ip.getWidth(); x++ )
				ip.setf( x, y, rows.get( y ).getAsJsonArray().get( x ).getAsFloat() );
		return ip;
	}

	private static ImagePlus calibrated( final ImagePlus imp, final int planes, final int frames, final double dx, final double dy, final double dz )
	{
		imp.setDimensions( imp.getStackSize() / ( planes * frames ), planes, frames );
		imp.setOpenAsHyperStack( true );
		imp.getCalibration().pixelWidth = dx;
		imp.getCalibration().pixelHeight = dy;
		imp.getCalibration().pixelDepth = dz;
		imp.getCalibration().setUnit( "µm" );
		imp.getCalibration().frameInterval = 30;
		imp.getCalibration().setTimeUnit( "sec" );
		return imp;
	}

	private static ImageProcessor plane( final int bits, final int[][] rows )
	{
		final int nx = rows[ 0 ].length;
		final ImageProcessor ip = bits == 8 ? new ByteProcessor( nx, rows.length ) : bits == 16 ? new ShortProcessor( nx, rows.length ) : new FloatProcessor( nx, rows.length );
		for ( int y = 0; y < rows.length; y++ )
			for ( int x = 0; x < nx; x++ )
				ip.setf( x, y, rows[ y ][ x ] );
		return ip;
	}
}
