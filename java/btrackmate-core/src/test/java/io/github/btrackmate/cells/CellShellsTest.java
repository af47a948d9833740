/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import net.imglib2.Cursor;
import net.imglib2.RandomAccessibleInterval;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.RealType;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;
import net.imglib2.type.numeric.real.FloatType;
import net.imglib2.view.Views;

/**
 * Mean intensity around cells.
 */
class CellShellsTest
{
	private static final VoxelSize UNIT_2D = VoxelSize.of( 1, 1 );

	private static double[] means( final RandomAccessibleInterval< ? extends RealType< ? > > labels, final RandomAccessibleInterval< ? extends RealType< ? > > image, final VoxelSize voxelSize )
	{
		final LabelRuns runs = runs( labels );
		return CellShells.means( runs, CellMeasurer.measure( runs, List.of(), voxelSize ), image, voxelSize );
	}

	@SuppressWarnings( "unchecked" )
	private static < T extends RealType< T > > LabelRuns runs( final RandomAccessibleInterval< ? > labels )
	{
		return LabelRuns.of( ( RandomAccessibleInterval< T > ) labels );
	}

	/** <pre>
	 * . . . . .   the cell is one pixel, of radius 1/sqrt(π) = 0.56: what is
	 * . . 1 . .   within 1.13 of its centre are its four neighbours
	 * . 2 7 4 .
	 * . . 5 . .
	 * . . . . 9
	 * </pre> */
	@Test
	void neighboursOfAPixel()
	{
		final byte[] values = { 90, 90, 90, 90, 90, 90, 90, 1, 90, 90, 90, 2, 77, 4, 90, 90, 90, 5, 90, 90, 90, 90, 90, 90, 9 };
		final byte[] labels = new byte[ 25 ];
		labels[ 12 ] = 7;
		assertArrayEquals( new double[] { 3 }, means( ArrayImgs.unsignedBytes( labels, 5, 5 ), ArrayImgs.unsignedBytes( values, 5, 5 ), UNIT_2D ), 1e-12 );
	}

	/** The neighbour's pixels count, the own ones don't; NaN is left out; a cell that fills the image has no shell. */
	@Test
	void ownPixelsAndMissingOnes()
	{
		final Img< UnsignedByteType > labels = ArrayImgs.unsignedBytes( new byte[] { 1, 2, 0 }, 3, 1 );
		assertArrayEquals( new double[] { 20, 10 }, means( labels, ArrayImgs.floats( new float[] { 10, 20, Float.NaN }, 3, 1 ), UNIT_2D ), 1e-12 );
		assertArrayEquals( new double[] { Double.NaN }, means( ArrayImgs.unsignedBytes( new byte[] { 1 }, 1, 1 ), ArrayImgs.unsignedBytes( 1, 1 ), UNIT_2D ) );
	}

	/** Against counting voxel by voxel, with cells of any shape and anisotropic voxels. */
	@Test
	void equalsCountingVoxelByVoxel()
	{
		for ( int seed = 0; seed < 40; seed++ )
		{
			final Random random = new Random( seed );
			final long[] size = { 1 + random.nextInt( 9 ), 1 + random.nextInt( 8 ), 1 + random.nextInt( 6 ) };
			final Img< UnsignedShortType > labels = ArrayImgs.unsignedShorts( size );
			final Img< FloatType > image = ArrayImgs.floats( size );
			labels.forEach( p -> p.set( Math.max( 0, random.nextInt( 6 ) - 2 ) ) );
			image.forEach( p -> p.set( random.nextInt( 9 ) == 0 ? Float.NaN : random.nextInt( 100 ) ) );
			final VoxelSize voxelSize = VoxelSize.of( 0.5, 0.7, 2 );
			final List< Cell > cells = CellMeasurer.measure( labels, List.of(), voxelSize );
			final double[] means = means( labels, Views.translate( image, 3, 4, 5 ), voxelSize );
			for ( int c = 0; c < cells.size(); c++ )
				assertEquals( count( cells.get( c ), labels, image, voxelSize ), means[ c ], 1e-9, "seed " + seed + " cell " + c );
		}
	}

	private static double count( final Cell cell, final Img< UnsignedShortType > labels, final Img< FloatType > image, final VoxelSize voxelSize )
	{
		double sum = 0;
		int n = 0;
		final Cursor< FloatType > cursor = image.localizingCursor();
		while ( cursor.hasNext() )
		{
			final float value = cursor.next().get();
			double squares = 0;
			for ( int d = 0; d < 3; d++ )
				squares += Math.pow( cursor.getIntPosition( d ) * voxelSize.get( d ) - cell.position( d ), 2 );
			if ( Float.isNaN( value ) || labels.getAt( cursor ).get() == cell.label() || squares > 4 * cell.radius() * cell.radius() )
				continue;
			sum += value;
			n++;
		}
		return sum / n;
	}

	@Test
	void whatDoesNotGoTogetherIsRefused()
	{
		final LabelRuns runs = runs( ArrayImgs.unsignedBytes( new byte[] { 1, 2, 0 }, 3, 1 ) );
		final List< Cell > cells = CellMeasurer.measure( runs, List.of(), UNIT_2D );
		assertThrows( IllegalArgumentException.class, () -> CellShells.means( runs, cells.subList( 0, 1 ), ArrayImgs.floats( 3, 1 ), UNIT_2D ) );
		assertThrows( IllegalArgumentException.class, () -> CellShells.means( runs, cells, ArrayImgs.floats( 2, 1 ), UNIT_2D ) );
		assertThrows( IllegalArgumentException.class, () -> CellShells.means( runs, cells, ArrayImgs.floats( 3, 1 ), VoxelSize.of( 1, 1, 1 ) ) );
	}
}
