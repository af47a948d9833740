/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Supplier;

import fiji.plugin.trackmate.util.TMUtils;
import ij.ImagePlus;
import io.github.btrackmate.cells.LabelLook;
import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.mask.TissueMask;
import io.github.btrackmate.schema.Units;
import net.imagej.ImgPlus;
import net.imagej.axis.Axes;
import net.imagej.axis.AxisType;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.type.numeric.RealType;
import net.imglib2.view.Views;

/**
 * One channel of an image, frame by frame. Faults name the image.
 */
final class Movie
{
	/** How far two calibrations may differ, relative, before a warning. */
	private static final double TOLERANCE = 1e-3;

	private final ImgPlus< ? > img;

	private final String name;

	private final int channel;

	private Movie( final ImgPlus< ? > img, final String name, final int channel )
	{
		this.img = img;
		this.name = name;
		this.channel = channel;
	}

	/**
	 * Takes a channel of an image.
	 *
	 * @param img
	 *            image of x, y, and channel, z, t where it has more than one.
	 * @param name
	 *            what to call it in messages.
	 * @param channel
	 *            channel, from 1.
	 * @return new movie.
	 */
	static Movie of( final ImgPlus< ? > img, final String name, final int channel )
	{
		if ( !( img.firstElement() instanceof RealType ) )
			throw new IllegalArgumentException( "Image '" + name + "' is an RGB image; one of 8, 16 or 32 bit was expected. Use Image > Type, or take the image before it was coloured." );
		final Movie movie = new Movie( img, name, channel - 1 );
		final int channels = movie.channelCount();
		if ( channel < 1 || channel > channels )
			throw new IllegalArgumentException( "Image '" + name + "' has " + channels + " channel(s), channel " + channel + " was asked for." );
		return movie;
	}

	static Movie of( final ImagePlus imp, final int channel )
	{
		return of( TMUtils.rawWraps( imp ), imp.getTitle(), channel );
	}

	/** Another channel, from 1, of the same image. */
	Movie withChannel( final int number )
	{
		return of( img, name, number );
	}

	String name()
	{
		return name;
	}

	int frameCount()
	{
		return ( int ) size( Axes.TIME );
	}

	private long size( final AxisType axis )
	{
		final int d = img.dimensionIndex( axis );
		return d < 0 ? 1 : img.dimension( d );
	}

	int planeCount()
	{
		return ( int ) size( Axes.Z );
	}

	int channelCount()
	{
		return ( int ) size( Axes.CHANNEL );
	}

	boolean is2D()
	{
		return planeCount() == 1;
	}

	/** Time between frames; 1 without calibration, as in TrackMate. */
	double frameInterval()
	{
		return statedFrameInterval().orElse( 1 );
	}

	/** Time between frames; empty where the image does not state it. */
	OptionalDouble statedFrameInterval()
	{
		final int t = img.dimensionIndex( Axes.TIME );
		final double dt = t < 0 ? 0 : img.averageScale( t );
		return dt > 0 ? OptionalDouble.of( dt ) : OptionalDouble.empty();
	}

	/** Unit of length under our name, such as µm. */
	String spaceUnit()
	{
		final String unit = img.axis( img.dimensionIndex( Axes.X ) ).unit();
		return Units.space( unit == null ? "" : unit );
	}

	/** Voxel size of 2 dimensions for a single plane, else of 3. */
	VoxelSize voxelSize()
	{
		final double[] size = TMUtils.getSpatialCalibration( img );
		return is2D() ? VoxelSize.of( size[ 0 ], size[ 1 ] ) : VoxelSize.of( size[ 0 ], size[ 1 ], size[ 2 ] );
	}

	/** Whether a point, in physical units, lies in the image. */
	boolean holds( final double... position )
	{
		final VoxelSize voxelSize = voxelSize();
		final AxisType[] axes = { Axes.X, Axes.Y, Axes.Z };
		for ( int d = 0; d < voxelSize.numDimensions(); d++ )
		{
			final double voxel = position[ d ] / voxelSize.get( d );
			if ( voxel < -0.5 || voxel > size( axes[ d ] ) - 0.5 )
				return false;
		}
		return true;
	}

	/** A frame as label image. */
	@SuppressWarnings( { "unchecked", "rawtypes" } )
	LabelRuns labels( final int t )
	{
		return naming( () -> LabelRuns.of( ( RandomAccessibleInterval ) frame( t ) ) );
	}

	/** What a frame looks like. */
	@SuppressWarnings( { "unchecked", "rawtypes" } )
	LabelLook look( final int t )
	{
		return LabelLook.of( ( RandomAccessibleInterval ) frame( t ) );
	}

	/**
	 * Says why these may be no labels.
	 *
	 * @param t
	 *            frame to look at.
	 * @return a warning; empty if they look like labels.
	 */
	String doubt( final int t )
	{
		final boolean odd = look( Math.min( t, frameCount() - 1 ) ) == LabelLook.INTENSITIES;
		return odd ? "Image '" + name + "'" + ( channelCount() > 1 ? ", channel " + ( channel + 1 ) + "," : "" ) + " looks like intensities, not like labels: its values are strewn over the image. Is it the label image?" : "";
	}

	/** A frame as tissue mask. */
	@SuppressWarnings( { "unchecked", "rawtypes" } )
	TissueMask mask( final int t )
	{
		return naming( () -> TissueMask.of( ( RandomAccessibleInterval ) frame( t ) ) );
	}

	/** All channels of a frame, whatever channel this is. */
	@SuppressWarnings( { "unchecked", "rawtypes" } )
	List< RandomAccessibleInterval< ? extends RealType< ? > > > channels( final int t )
	{
		final List< RandomAccessibleInterval< ? extends RealType< ? > > > channels = new ArrayList<>();
		for ( int c = 0; c < channelCount(); c++ )
			channels.add( ( RandomAccessibleInterval ) slice( c, t ) );
		return channels;
	}

	/** 2D or 3D. */
	private RandomAccessibleInterval< ? > frame( final int t )
	{
		return slice( channel, t );
	}

	private RandomAccessibleInterval< ? > slice( final int c, final int t )
	{
		RandomAccessibleInterval< ? > slice = img.getImg();
		for ( int d = img.numDimensions() - 1; d >= 0; d-- )
			if ( img.axis( d ).type() == Axes.CHANNEL )
				slice = Views.hyperSlice( slice, d, c );
			else if ( img.axis( d ).type() == Axes.TIME )
				slice = Views.hyperSlice( slice, d, t );
			else if ( img.axis( d ).type() == Axes.Z && slice.dimension( d ) == 1 )
				slice = Views.hyperSlice( slice, d, 0 );
		return slice;
	}

	private < R > R naming( final Supplier< R > work )
	{
		try
		{
			return work.get();
		}
		catch ( final IllegalArgumentException e )
		{
			throw new IllegalArgumentException( "Image '" + name + "': " + e.getMessage(), e );
		}
	}

	/**
	 * Checks that labels go with an image: same size and frames.
	 *
	 * @param image
	 *            the image that is tracked.
	 */
	void checkSizeOf( final Movie image )
	{
		checkPlane( image );
		if ( size( Axes.Z ) != image.size( Axes.Z ) || frameCount() != image.frameCount() )
			throw sizes( image, "They must be equal." );
	}

	/**
	 * Checks that a mask goes with an image: one plane or all, one frame or all.
	 *
	 * @param image
	 *            the image that is tracked.
	 */
	void checkCovers( final Movie image )
	{
		checkPlane( image );
		if ( !is2D() && size( Axes.Z ) != image.size( Axes.Z ) || frameCount() != 1 && frameCount() != image.frameCount() )
			throw sizes( image, "A mask has one plane or all, and one frame or all." );
	}

	private void checkPlane( final Movie image )
	{
		if ( size( Axes.X ) != image.size( Axes.X ) || size( Axes.Y ) != image.size( Axes.Y ) )
			throw sizes( image, "x and y must be equal." );
	}

	private IllegalArgumentException sizes( final Movie image, final String rule )
	{
		final boolean swapped = size( Axes.Z ) == image.size( Axes.TIME ) && size( Axes.TIME ) == image.size( Axes.Z );
		return new IllegalArgumentException( "Image '" + name + "' is " + sizes() + ", '" + image.name + "' is " + image.sizes() + ". " + rule + ( swapped ? " Z and t look swapped: set them in Image > Properties." : "" ) );
	}

	private String sizes()
	{
		return size( Axes.X ) + " x " + size( Axes.Y ) + ", " + size( Axes.Z ) + " plane(s), " + frameCount() + " frame(s)";
	}

	/**
	 * Describes how the pixel size differs from that of the image that is
	 * tracked, which is the one that counts.
	 *
	 * @param image
	 *            the image that is tracked.
	 * @return warning with end of line, empty if there is none.
	 */
	String calibrationWarning( final Movie image )
	{
		final double[] own = TMUtils.getSpatialCalibration( img );
		final double[] other = TMUtils.getSpatialCalibration( image.img );
		final int n = is2D() || image.is2D() ? 2 : 3;
		for ( int d = 0; d < n; d++ )
			if ( Math.abs( own[ d ] - other[ d ] ) > TOLERANCE * other[ d ] )
				return "Warning: image '" + name + "' has another voxel size (" + text( own ) + ") than '" + image.name + "' (" + text( other ) + "), which is used.\n";
		return "";
	}

	private static String text( final double[] xyz )
	{
		return xyz[ 0 ] + " x " + xyz[ 1 ] + " x " + xyz[ 2 ];
	}
}
