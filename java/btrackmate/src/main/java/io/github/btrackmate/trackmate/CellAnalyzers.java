/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

import org.scijava.Priority;
import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.features.spot.SpotAnalyzer;
import fiji.plugin.trackmate.features.spot.SpotAnalyzerFactory;
import fiji.plugin.trackmate.features.spot.SpotContrastAndSNRAnalyzerFactory;
import fiji.plugin.trackmate.features.spot.SpotIntensityMultiCAnalyzerFactory;
import io.github.btrackmate.schema.IntensityColumn;
import io.github.btrackmate.schema.SpotColumn;
import net.imagej.ImgPlus;
import net.imglib2.algorithm.MultiThreaded;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;

/**
 * TrackMate's analyzers of intensity, contrast and signal-to-noise, but for spots
 * of a label image: those keep what the label's own voxels gave when they were
 * detected, however often TrackMate computes features again. TrackMate measures a
 * ball (a contour in 2D), which is not the cell.
 * <p>
 * They stand in the place of TrackMate's: TrackMate finds analyzers by key, and
 * takes the one of lower priority where two have the same. So nothing is measured
 * twice, and all other spots get what they always got.
 */
final class CellAnalyzers
{
	private CellAnalyzers()
	{}

	/** Whether a spot was measured in a label image, in this channel (from 0). */
	private static boolean isMeasured( final Spot spot, final int channel )
	{
		return spot.getFeature( SpotColumn.LABEL.key() ) != null && spot.getFeature( SpotColumn.VOXELS.key() ) != null && spot.getFeature( mean( channel ) ) != null;
	}

	private static String mean( final int channel )
	{
		return IntensityColumn.key( "mean", channel );
	}

	private static < T extends RealType< T > & NativeType< T > > SpotAnalyzer< T > onlyFor( final Predicate< Spot > needs, final SpotAnalyzer< T > analyzer )
	{
		return new Selective<>( needs, analyzer );
	}

	/** Passes some of the spots on. */
	private record Selective< T extends RealType< T > & NativeType< T > >( Predicate< Spot > needs, SpotAnalyzer< T > analyzer ) implements SpotAnalyzer< T >, MultiThreaded
	{
		@Override
		public void process( final Iterable< Spot > spots )
		{
			final List< Spot > chosen = new ArrayList<>();
			spots.forEach( s -> {
				if ( needs.test( s ) )
					chosen.add( s );
			} );
			if ( !chosen.isEmpty() )
				analyzer.process( chosen );
		}

		@Override
		public void setNumThreads()
		{
			if ( analyzer instanceof MultiThreaded threaded )
				threaded.setNumThreads();
		}

		@Override
		public void setNumThreads( final int numThreads )
		{
			if ( analyzer instanceof MultiThreaded threaded )
				threaded.setNumThreads( numThreads );
		}

		@Override
		public int getNumThreads()
		{
			return analyzer instanceof MultiThreaded threaded ? threaded.getNumThreads() : 1;
		}
	}

	/**
	 * Mean, median, minimum, maximum, sum and standard deviation.
	 *
	 * @param <T>
	 *            type of pixels.
	 */
	@Plugin( type = SpotAnalyzerFactory.class, priority = Priority.NORMAL - 1 )
	public static final class Intensity< T extends RealType< T > & NativeType< T > > extends SpotIntensityMultiCAnalyzerFactory< T >
	{
		@Override
		public SpotAnalyzer< T > getAnalyzer( final ImgPlus< T > img, final int frame, final int channel )
		{
			return onlyFor( s -> !isMeasured( s, channel ), super.getAnalyzer( img, frame, channel ) );
		}

		@Override
		public String getInfoText()
		{
			return "<html>Intensities in the voxels of the label where a spot comes from a label image, as they were when it was detected; else in the ball, in 2D in the contour, of the spot.</html>";
		}
	}

	/**
	 * Contrast and signal-to-noise, after the intensities.
	 *
	 * @param <T>
	 *            type of pixels.
	 */
	@Plugin( type = SpotAnalyzerFactory.class, priority = Priority.LOW - 1 )
	public static final class Contrast< T extends RealType< T > & NativeType< T > > extends SpotContrastAndSNRAnalyzerFactory< T >
	{
		@Override
		public SpotAnalyzer< T > getAnalyzer( final ImgPlus< T > img, final int frame, final int channel )
		{
			return onlyFor( s -> needs( s, channel ), super.getAnalyzer( img, frame, channel ) );
		}

		/** TrackMate needs mean and standard deviation, which a cell of one voxel does not have. */
		private static boolean needs( final Spot spot, final int channel )
		{
			final boolean has = isMeasured( spot, channel ) && spot.getFeature( contrast( channel ) ) != null;
			return !has && spot.getFeature( mean( channel ) ) != null && spot.getFeature( IntensityColumn.key( "std", channel ) ) != null;
		}

		@Override
		public String getInfoText()
		{
			return "<html>Contrast and signal-to-noise of a cell against the shell around it: all voxels within twice its radius that are not its own; for spots that come from no label image, against the ring around the spot.</html>";
		}
	}

	/** TrackMate's key of the contrast in a channel, from 0. */
	static String contrast( final int channel )
	{
		return SpotContrastAndSNRAnalyzerFactory.CONTRAST + ( channel + 1 );
	}

	/** TrackMate's key of the signal-to-noise ratio in a channel, from 0. */
	static String snr( final int channel )
	{
		return SpotContrastAndSNRAnalyzerFactory.SNR + ( channel + 1 );
	}
}
