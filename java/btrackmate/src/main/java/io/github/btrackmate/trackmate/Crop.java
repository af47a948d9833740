/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import net.imagej.ImgPlus;
import net.imagej.axis.Axes;
import net.imagej.axis.AxisType;
import net.imglib2.Interval;

/**
 * The frames and planes of an image that TrackMate asks for, all counted from
 * 0. The rest of TrackMate's crop, the ROI, it applies itself.
 *
 * @param firstFrame
 *            first frame.
 * @param lastFrame
 *            last frame.
 * @param firstPlane
 *            first plane.
 * @param lastPlane
 *            last plane.
 */
record Crop( int firstFrame, int lastFrame, int firstPlane, int lastPlane )
{
	/**
	 * Reads TrackMate's interval.
	 *
	 * @param img
	 *            image that is tracked.
	 * @param interval
	 *            interval of the axes of the image without channels.
	 * @return new crop.
	 */
	static Crop of( final ImgPlus< ? > img, final Interval interval )
	{
		final int z = dimension( img, Axes.Z );
		final int t = dimension( img, Axes.TIME );
		return new Crop(
				t < 0 ? 0 : ( int ) interval.min( t ), t < 0 ? 0 : ( int ) interval.max( t ),
				z < 0 ? 0 : ( int ) interval.min( z ), z < 0 ? 0 : ( int ) interval.max( z ) );
	}

	private static int dimension( final ImgPlus< ? > img, final AxisType axis )
	{
		final int d = img.dimensionIndex( axis );
		final int channel = img.dimensionIndex( Axes.CHANNEL );
		return channel >= 0 && d > channel ? d - 1 : d;
	}

	int frameCount()
	{
		return lastFrame - firstFrame + 1;
	}

	boolean holdsFrame( final int frame )
	{
		return frame >= firstFrame && frame <= lastFrame;
	}

	/** Whether the plane nearest to a position is in. */
	boolean holdsPlane( final double z, final double planeDistance )
	{
		final double plane = Math.floor( z / planeDistance + 0.5 );
		return plane >= firstPlane && plane <= lastPlane;
	}
}
