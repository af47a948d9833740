/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.detection.LabelImageDetectorFactory;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.features.spot.SpotAnalyzerFactoryBase;
import ij.ImagePlus;
import ij.ImageStack;
import ij.process.ShortProcessor;

/**
 * 20 frames of 500 cells at 300 × 300 × 40: our detector, whose spots come with
 * all our features, against TrackMate's label image detector and then its spot
 * analyzers. Both in one warm JVM, with the same number of threads, in turn. Run
 * it with {@code mvn -Dbenchmark -DskipTests verify}.
 */
final class DetectionBenchmark
{
	private static final int NX = 300;

	private static final int NY = 300;

	private static final int NZ = 40;

	private static final int FRAMES = 20;

	private static final int[] CELLS = { 10, 10, 5 };

	private static final int WARM_UP = 2;

	private static final int ROUNDS = 5;

	private DetectionBenchmark()
	{}

	/** Wall-clock times of one run, ms, and its number of spots. */
	private record Times( double detection, double features, int spots )
	{}

	/**
	 * Prints a table.
	 *
	 * @param args
	 *            number of threads; all by default.
	 */
	public static void main( final String[] args )
	{
		final int threads = args.length > 0 ? Integer.parseInt( args[ 0 ] ) : Runtime.getRuntime().availableProcessors();
		final ImagePlus imp = movie();
		final Times[] ours = new Times[ ROUNDS ];
		final Times[] theirs = new Times[ ROUNDS ];
		for ( int i = -WARM_UP; i < ROUNDS; i++ )
		{
			final Times own = run( imp, new LabelMaskDetectorFactory<>(), threads );
			final Times other = run( imp, new LabelImageDetectorFactory<>(), threads );
			if ( own.spots() != other.spots() )
				throw new IllegalStateException( own.spots() + " spots here, " + other.spots() + " there" );
			if ( i < 0 )
				continue;
			ours[ i ] = own;
			theirs[ i ] = other;
		}
		System.out.printf( "%d frames, %d spots, %d threads, Java %s, median of %d (least) in ms%n", FRAMES, ours[ 0 ].spots(), threads, System.getProperty( "java.version" ), ROUNDS );
		final double own = print( "BTrackMate: detection with all its features", Arrays.stream( ours ).mapToDouble( Times::detection ).toArray() );
		print( "TrackMate: label image detector", Arrays.stream( theirs ).mapToDouble( Times::detection ).toArray() );
		print( "TrackMate: its spot analyzers", Arrays.stream( theirs ).mapToDouble( Times::features ).toArray() );
		final double other = print( "TrackMate: both", Arrays.stream( theirs ).mapToDouble( t -> t.detection() + t.features() ).toArray() );
		print( "BTrackMate's detection and TrackMate's analyzers", Arrays.stream( ours ).mapToDouble( t -> t.detection() + t.features() ).toArray() );
		System.out.printf( "TrackMate's detector and analyzers take %.1f times as long%n", other / own );
	}

	private static double print( final String what, final double[] ms )
	{
		Arrays.sort( ms );
		System.out.printf( "%-50s %8.0f (%.0f)%n", what, ms[ ms.length / 2 ], ms[ 0 ] );
		return ms[ ms.length / 2 ];
	}

	private static Times run( final ImagePlus imp, final SpotDetectorFactoryBase< ? > detector, final int threads )
	{
		final Settings settings = new Settings( imp );
		settings.detectorFactory = detector;
		settings.detectorSettings = detector.getDefaultSettings();
		settings.addAllAnalyzers();
		for ( final SpotAnalyzerFactoryBase< ? > analyzer : new ArrayList<>( settings.getSpotAnalyzerFactories() ) )
			if ( analyzer instanceof final SpotFeatures< ? > own )
				settings.removeSpotAnalyzerFactory( own );
		final TrackMate trackmate = new TrackMate( new Model(), settings );
		trackmate.setNumThreads( threads );
		final long start = System.nanoTime();
		check( trackmate.execDetection(), trackmate );
		final long detected = System.nanoTime();
		check( trackmate.computeSpotFeatures( false ), trackmate );
		final long measured = System.nanoTime();
		return new Times( ( detected - start ) / 1e6, ( measured - detected ) / 1e6, trackmate.getModel().getSpots().getNSpots( false ) );
	}

	private static void check( final boolean done, final TrackMate trackmate )
	{
		if ( !done )
			throw new IllegalStateException( trackmate.getErrorMessage() );
	}

	/** Ellipsoids on a jittered grid, 16 bit. */
	private static ImagePlus movie()
	{
		final Random random = new Random( 1 );
		final ImageStack stack = new ImageStack( NX, NY );
		final double[] pitch = { ( double ) NX / CELLS[ 0 ], ( double ) NY / CELLS[ 1 ], ( double ) NZ / CELLS[ 2 ] };
		for ( int t = 0; t < FRAMES; t++ )
		{
			final short[][] planes = new short[ NZ ][ NX * NY ];
			int id = 0;
			for ( int k = 0; k < CELLS[ 2 ]; k++ )
				for ( int j = 0; j < CELLS[ 1 ]; j++ )
					for ( int i = 0; i < CELLS[ 0 ]; i++ )
						paint( planes, ++id, new double[] { ( i + 0.5 ) * pitch[ 0 ] + random.nextGaussian(), ( j + 0.5 ) * pitch[ 1 ] + random.nextGaussian(), ( k + 0.5 ) * pitch[ 2 ] } );
			for ( final short[] plane : planes )
				stack.addSlice( new ShortProcessor( NX, NY, plane, null ) );
		}
		final ImagePlus imp = new ImagePlus( "cells", stack );
		imp.setDimensions( 1, NZ, FRAMES );
		imp.getCalibration().pixelDepth = 3;
		return imp;
	}

	private static void paint( final short[][] planes, final int id, final double[] centre )
	{
		final double[] radius = { 11, 11, 3.6 };
		for ( int z = ( int ) Math.ceil( centre[ 2 ] - radius[ 2 ] ); z <= Math.min( NZ - 1, centre[ 2 ] + radius[ 2 ] ); z++ )
			for ( int y = Math.max( 0, ( int ) ( centre[ 1 ] - radius[ 1 ] ) ); y <= Math.min( NY - 1, centre[ 1 ] + radius[ 1 ] ); y++ )
				for ( int x = Math.max( 0, ( int ) ( centre[ 0 ] - radius[ 0 ] ) ); x <= Math.min( NX - 1, centre[ 0 ] + radius[ 0 ] ); x++ )
				{
					final double dx = ( x - centre[ 0 ] ) / radius[ 0 ];
					final double dy = ( y - centre[ 1 ] ) / radius[ 1 ];
					final double dz = ( z - centre[ 2 ] ) / radius[ 2 ];
					if ( dx * dx + dy * dy + dz * dz <= 1 )
						planes[ z ][ y * NX + x ] = ( short ) id;
				}
	}
}
