/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.boundary;

import static io.github.btrackmate.golden.GoldenCases.assertClose;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.golden.GoldenCases;
import io.github.btrackmate.mask.TissueMask;
import net.imglib2.Cursor;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedByteType;

class BoundaryDistanceTest
{
	@TestFactory
	Stream< DynamicTest > goldenCases()
	{
		return GoldenCases.tests( "boundary", c -> {
			final TissueMask mask = TissueMask.of( GoldenCases.labels( c.get( "mask" ) ) );
			final VoxelSize voxelSize = VoxelSize.of( GoldenCases.reversed( c.getAsJsonArray( "spacing" ) ) );
			final BoundaryDistance distance = BoundaryDistance.of( mask, voxelSize, c.get( "border_is_surface" ).getAsBoolean() );
			for ( final JsonElement e : c.getAsJsonArray( "points" ) )
			{
				final JsonObject p = e.getAsJsonObject();
				final double[] point = { p.get( "x" ).getAsDouble(), p.get( "y" ).getAsDouble(), p.get( "z" ).getAsDouble() };
				assertClose( GoldenCases.number( p.get( "distance" ) ), distance.at( point ), p.toString() );
			}
		} );
	}

	/** Random masks, against the smallest distance to any box. */
	@Test
	void equalsSearchOfAllBoxes()
	{
		for ( int seed = 0; seed < 60; seed++ )
		{
			final Random random = new Random( seed );
			final Img< UnsignedByteType > image = ArrayImgs.unsignedBytes( 1 + random.nextInt( 7 ), 1 + random.nextInt( 6 ), 1 + random.nextInt( 5 ) );
			final double density = random.nextDouble();
			image.forEach( p -> p.set( random.nextDouble() < density ? 1 : 0 ) );
			final double[] s = { 0.1 + random.nextDouble(), 0.1 + random.nextDouble(), 0.1 + 3 * random.nextDouble() };
			final boolean border = random.nextBoolean();
			final BoundaryDistance distance = BoundaryDistance.of( TissueMask.of( image ), VoxelSize.of( s ), border );

			final Cursor< UnsignedByteType > voxel = image.localizingCursor();
			while ( voxel.hasNext() )
			{
				final boolean inside = voxel.next().get() > 0;
				final double[] point = new double[ 3 ];
				double nearest = Double.POSITIVE_INFINITY;
				for ( int d = 0; d < 3; d++ )
				{
					point[ d ] = voxel.getIntPosition( d ) * s[ d ];
					if ( border && inside && image.dimension( d ) > 1 )
						nearest = Math.min( nearest, ( Math.min( voxel.getIntPosition( d ), image.max( d ) - voxel.getIntPosition( d ) ) + 0.5 ) * s[ d ] );
				}
				final Cursor< UnsignedByteType > other = image.localizingCursor();
				while ( other.hasNext() )
				{
					if ( other.next().get() > 0 == inside )
						continue;
					double squared = 0;
					for ( int d = 0; d < 3; d++ )
						squared += Math.pow( Math.max( 0, Math.abs( voxel.getIntPosition( d ) - other.getIntPosition( d ) ) - 0.5 ) * s[ d ], 2 );
					nearest = Math.min( nearest, Math.sqrt( squared ) );
				}
				final double expected = Double.isInfinite( nearest ) ? Double.NaN : inside ? nearest : -nearest;
				assertClose( expected, distance.at( point ), "seed " + seed );
			}
		}
	}

	@Test
	void dimensionsMustAgree()
	{
		final TissueMask volume = TissueMask.of( ArrayImgs.unsignedBytes( 2, 2, 2 ) );
		assertThrows( IllegalArgumentException.class, () -> BoundaryDistance.of( volume, VoxelSize.of( 1, 1 ), false ) );
		final BoundaryDistance distance = BoundaryDistance.of( volume, VoxelSize.of( 1, 1, 1 ), false );
		assertThrows( IllegalArgumentException.class, () -> distance.at( 1, 1 ) );
	}
}
