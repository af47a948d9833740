/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import static io.github.btrackmate.golden.GoldenCases.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.btrackmate.golden.GoldenCases;
import net.imglib2.Cursor;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

class CellMeasurerTest
{
	private static final VoxelSize UNIT_2D = VoxelSize.of( 1, 1 );

	@TestFactory
	Stream< DynamicTest > goldenCases()
	{
		return GoldenCases.tests( "measure", c -> {
			final List< RandomAccessibleInterval< ? extends RealType< ? > > > channels = new ArrayList<>();
			for ( final JsonElement channel : c.getAsJsonArray( "channels" ) )
				channels.add( GoldenCases.image( channel ) );
			final VoxelSize voxelSize = VoxelSize.of( GoldenCases.reversed( c.getAsJsonArray( "spacing" ) ) );
			final List< Cell > cells = CellMeasurer.measure( GoldenCases.labels( c.get( "labels" ) ), channels, voxelSize );

			assertEquals( c.getAsJsonArray( "cells" ).size(), cells.size(), "number of cells" );
			for ( int i = 0; i < cells.size(); i++ )
				assertCell( c.getAsJsonArray( "cells" ).get( i ).getAsJsonObject(), cells.get( i ) );
		} );
	}

	private static void assertCell( final JsonObject expected, final Cell cell )
	{
		final String name = "cell " + cell.label() + " ";
		for ( final String field : expected.keySet() )
			if ( field.equals( "touches_border" ) )
				assertEquals( expected.get( field ).getAsBoolean(), cell.touchesBorder(), name + field );
			else
				assertClose( GoldenCases.number( expected.get( field ) ), valueOf( cell, field ), name + field );
	}

	private static double valueOf( final Cell cell, final String field )
	{
		if ( field.contains( "_intensity_ch" ) )
		{
			final int channel = Integer.parseInt( field.substring( field.indexOf( "_ch" ) + 3 ) ) - 1;
			return valueOf( cell.intensity( channel ), field.substring( 0, field.indexOf( '_' ) ) );
		}
		switch ( field )
		{
		case "label":
			return cell.label();
		case "voxels":
			return cell.voxels();
		case "volume":
			return cell.volume();
		case "x":
			return cell.position( 0 );
		case "y":
			return cell.position( 1 );
		case "z":
			return cell.position( 2 );
		case "radius":
			return cell.radius();
		case "ellipsoid_a":
			return cell.ellipsoid().semiAxis( 0 );
		case "ellipsoid_b":
			return cell.ellipsoid().semiAxis( 1 );
		case "ellipsoid_c":
			return cell.ellipsoid().semiAxis( 2 );
		case "surface":
		case "perimeter":
			return cell.surface();
		case "components":
			return cell.components();
		default:
			throw new IllegalArgumentException( "Unknown field in a golden case: " + field );
		}
	}

	private static double valueOf( final IntensityStatistics intensity, final String statistic )
	{
		switch ( statistic )
		{
		case "mean":
			return intensity.mean();
		case "min":
			return intensity.min();
		case "max":
			return intensity.max();
		case "std":
			return intensity.std();
		case "total":
			return intensity.total();
		case "median":
			return intensity.median();
		default:
			throw new IllegalArgumentException( "Unknown statistic in a golden case: " + statistic );
		}
	}

	/** Every number of a random image, against counting voxel by voxel. */
	@Test
	void equalsCountingVoxelByVoxel()
	{
		for ( int seed = 0; seed < 50; seed++ )
		{
			final Random random = new Random( seed );
			final long[] size = { 1 + random.nextInt( 8 ), 1 + random.nextInt( 7 ), 1 + random.nextInt( 5 ) };
			final Img< UnsignedIntType > labels = ArrayImgs.unsignedInts( size );
			final Img< UnsignedByteType > image = ArrayImgs.unsignedBytes( size );
			labels.forEach( p -> p.set( Math.max( 0, random.nextInt( 6 ) - 2 ) * 1_000_000_007L ) );
			image.forEach( p -> p.set( random.nextInt( 256 ) ) );
			final VoxelSize voxelSize = VoxelSize.of( 0.5, 0.7, 3 );
			for ( final Cell cell : CellMeasurer.measure( labels, List.of( image ), voxelSize ) )
				assertEqualsCounted( cell, labels, image, voxelSize, "seed " + seed );
		}
	}

	private static void assertEqualsCounted( final Cell cell, final Img< UnsignedIntType > labels, final Img< UnsignedByteType > image, final VoxelSize voxelSize, final String what )
	{
		final List< long[] > voxels = new ArrayList<>();
		final List< Integer > values = new ArrayList<>();
		final Cursor< UnsignedIntType > cursor = labels.localizingCursor();
		while ( cursor.hasNext() )
			if ( cursor.next().get() == cell.label() )
			{
				voxels.add( cursor.positionAsLongArray() );
				values.add( image.getAt( cursor ).get() );
			}
		final double n = voxels.size();
		assertEquals( voxels.size(), cell.voxels(), what );
		double faces = 0;
		for ( int d = 0; d < 3; d++ )
		{
			final int axis = d;
			final double mean = voxels.stream().mapToDouble( v -> v[ axis ] ).sum() / n;
			assertClose( mean * voxelSize.get( d ), cell.position( d ), what );
			for ( final long[] v : voxels )
				for ( final int step : new int[] { -1, 1 } )
				{
					final long[] neighbour = v.clone();
					neighbour[ d ] += step;
					if ( voxels.stream().noneMatch( o -> Arrays.equals( o, neighbour ) ) )
						faces += voxelSize.volume() / voxelSize.get( d );
				}
		}
		assertClose( faces * 2 / 3, cell.surface(), what );
		Collections.sort( values );
		final IntensityStatistics intensity = cell.intensity( 0 );
		assertClose( values.get( values.size() / 2 ), intensity.median(), what );
		assertClose( values.get( 0 ), intensity.min(), what );
		assertClose( values.get( values.size() - 1 ), intensity.max(), what );
		assertClose( values.stream().mapToInt( Integer::intValue ).sum(), intensity.total(), what );
		assertClose( countPieces( voxels ), cell.components(), what );
		assertMoments( cell, voxels, voxelSize, what );
	}

	/** Covariance × direction = eigenvalue × direction, for every axis. */
	private static void assertMoments( final Cell cell, final List< long[] > voxels, final VoxelSize voxelSize, final String what )
	{
		final double[][] covariance = new double[ 3 ][ 3 ];
		for ( int i = 0; i < 3; i++ )
			for ( int j = 0; j < 3; j++ )
			{
				for ( final long[] v : voxels )
					covariance[ i ][ j ] += ( v[ i ] * voxelSize.get( i ) - cell.position( i ) ) * ( v[ j ] * voxelSize.get( j ) - cell.position( j ) ) / voxels.size();
				if ( i == j )
					covariance[ i ][ i ] += voxelSize.get( i ) * voxelSize.get( i ) / 12;
			}
		for ( int k = 0; k < 3; k++ )
		{
			final double eigenvalue = Math.pow( cell.ellipsoid().semiAxis( k ), 2 ) / 5;
			final double[] direction = cell.ellipsoid().direction( k );
			for ( int i = 0; i < 3; i++ )
			{
				double product = 0;
				for ( int j = 0; j < 3; j++ )
					product += covariance[ i ][ j ] * direction[ j ];
				assertEquals( eigenvalue * direction[ i ], product, 1e-9 * ( 1 + covariance[ 2 ][ 2 ] ), what );
			}
		}
	}

	private static int countPieces( final List< long[] > voxels )
	{
		final List< long[] > left = new ArrayList<>( voxels );
		int pieces = 0;
		while ( !left.isEmpty() )
		{
			pieces++;
			final List< long[] > open = new ArrayList<>( List.of( left.remove( 0 ) ) );
			while ( !open.isEmpty() )
			{
				final long[] v = open.remove( 0 );
				for ( int i = left.size() - 1; i >= 0; i-- )
				{
					final long[] o = left.get( i );
					if ( Math.abs( o[ 0 ] - v[ 0 ] ) <= 1 && Math.abs( o[ 1 ] - v[ 1 ] ) <= 1 && Math.abs( o[ 2 ] - v[ 2 ] ) <= 1 )
						open.add( left.remove( i ) );
				}
			}
		}
		return pieces;
	}

	/** <pre>
	 * 7 7 .   in an interval that starts at (10, 20): positions count
	 * . . 7   from its corner
	 * </pre> */
	@Test
	void imageWithOffset()
	{
		final Img< UnsignedShortType > labels = ArrayImgs.unsignedShorts( new short[] { 7, 7, 0, 0, 0, 7 }, 3, 2 );
		final Cell cell = CellMeasurer.measure( Views.translate( labels, 10, 20 ), List.of(), UNIT_2D ).get( 0 );
		assertClose( 1, cell.position( 0 ), "x" );
		assertClose( 1.0 / 3, cell.position( 1 ), "y" );
	}

	/** Every integer and whole floating-point type gives the same cell. */
	@Test
	void pixelTypes()
	{
		final List< Img< ? extends RealType< ? > > > images = List.of(
				ArrayImgs.unsignedBytes( new byte[] { 0, 5, 5 }, 3, 1 ), ArrayImgs.bytes( new byte[] { 0, 5, 5 }, 3, 1 ),
				ArrayImgs.unsignedShorts( new short[] { 0, 5, 5 }, 3, 1 ), ArrayImgs.shorts( new short[] { 0, 5, 5 }, 3, 1 ),
				ArrayImgs.unsignedInts( new int[] { 0, 5, 5 }, 3, 1 ), ArrayImgs.ints( new int[] { 0, 5, 5 }, 3, 1 ),
				ArrayImgs.longs( new long[] { 0, 5, 5 }, 3, 1 ), ArrayImgs.unsignedLongs( new long[] { 0, 5, 5 }, 3, 1 ),
				ArrayImgs.floats( new float[] { 0, 5, 5 }, 3, 1 ), ArrayImgs.doubles( new double[] { 0, 5, 5 }, 3, 1 ) );
		for ( final Img< ? extends RealType< ? > > image : images )
			assertEquals( List.of( 5L, 2L ), firstCell( image ), image.getClass().getName() );
	}

	@SuppressWarnings( "unchecked" )
	private static < T extends RealType< T > > List< Long > firstCell( final Img< ? > image )
	{
		final Cell cell = CellMeasurer.measure( ( Img< T > ) image, List.of(), UNIT_2D ).get( 0 );
		return List.of( cell.label(), cell.voxels() );
	}

	@Test
	void noLabels()
	{
		assertRefused( ArrayImgs.floats( new float[] { 0, 2.5f }, 2, 1 ), "(1,0)", "2.5" );
		assertRefused( ArrayImgs.floats( new float[] { Float.NaN }, 1, 1 ), "NaN" );
		assertRefused( ArrayImgs.floats( new float[] { 16777218f }, 1, 1 ), "1.6777218E7", "16777216", "32-bit integers" );
		assertRefused( ArrayImgs.shorts( new short[] { 0, 0, 0, -4 }, 2, 2 ), "(1,1)", "-4" );
		assertRefused( ArrayImgs.longs( new long[] { 1L << 32 }, 1, 1 ), "4294967296" );
	}

	private static < T extends RealType< T > > void assertRefused( final Img< T > image, final String... parts )
	{
		final String message = assertThrows( IllegalArgumentException.class, () -> LabelRuns.of( image ) ).getMessage();
		for ( final String part : parts )
			assertTrue( message.contains( part ), message );
	}

	@Test
	void sizesMustAgree()
	{
		final Img< UnsignedByteType > labels = ArrayImgs.unsignedBytes( 4, 3 );
		final String message = assertThrows( IllegalArgumentException.class, () -> CellMeasurer.measure( labels, List.of( ArrayImgs.floats( 4, 4 ) ), UNIT_2D ) ).getMessage();
		assertTrue( message.contains( "[4, 4]" ) && message.contains( "[4, 3]" ), message );
		assertThrows( IllegalArgumentException.class, () -> CellMeasurer.measure( labels, List.of(), VoxelSize.of( 1, 1, 1 ) ) );
		assertThrows( IllegalArgumentException.class, () -> VoxelSize.of( 1, 0 ) );
	}

	/** A pixel that is NaN makes the statistics missing, not wrong. */
	@Test
	void missingIntensity()
	{
		final Img< FloatType > image = ArrayImgs.floats( new float[] { 1, Float.NaN, 3 }, 3, 1 );
		final IntensityStatistics intensity = CellMeasurer.measure( ArrayImgs.unsignedBytes( new byte[] { 1, 1, 1 }, 3, 1 ), List.of( image ), UNIT_2D ).get( 0 ).intensity( 0 );
		assertClose( Double.NaN, intensity.mean(), "mean" );
		assertClose( Double.NaN, intensity.max(), "max" );
		assertClose( Double.NaN, intensity.median(), "median" );
	}

	/** More labels than the tables start with; label n lies at pixel n - 1. */
	@Test
	void manySparseLabels()
	{
		final Img< UnsignedIntType > labels = ArrayImgs.unsignedInts( 5000, 1 );
		long label = 1;
		for ( final UnsignedIntType pixel : labels )
			pixel.set( label += 858_993L );
		final List< Cell > cells = CellMeasurer.measure( labels, List.of(), UNIT_2D );
		assertEquals( 5000, cells.size() );
		for ( int i = 0; i < 5000; i++ )
		{
			assertEquals( 1 + ( i + 1 ) * 858_993L, cells.get( i ).label() );
			assertClose( i, cells.get( i ).position( 0 ), "x" );
		}
	}
}
