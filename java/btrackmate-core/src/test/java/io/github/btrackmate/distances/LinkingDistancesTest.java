/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.distances;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.btrackmate.golden.GoldenCases;

class LinkingDistancesTest
{
	private static final double PRECISION = 1e-9;

	@TestFactory
	Stream< DynamicTest > golden()
	{
		return GoldenCases.tests( "distances", LinkingDistancesTest::check );
	}

	private static void check( final JsonObject c )
	{
		final List< double[][] > frames = new ArrayList<>();
		for ( final JsonElement frame : c.getAsJsonArray( "frames" ) )
			frames.add( IntStream.range( 0, frame.getAsJsonArray().size() ).mapToObj( i -> point( frame.getAsJsonArray().get( i ) ) ).toArray( double[][]::new ) );
		final double voxel = Arrays.stream( GoldenCases.reversed( c.getAsJsonArray( "spacing" ) ) ).max().getAsDouble();
		final LinkingDistances found = c.has( "sample" ) ? LinkingDistances.of( frames, voxel, c.get( "sample" ).getAsInt() ) : LinkingDistances.of( frames, voxel );
		final JsonObject expected = c.getAsJsonObject( "expected" );
		assertClose( expected, "spacing", found.spacing() );
		assertClose( expected, "near", found.near() );
		assertClose( expected, "step", found.step() );
		assertClose( expected, "jump", found.jump() );
		assertClose( expected, "linking", found.linking() );
		assertClose( expected, "splitting", found.splitting() );
	}

	private static double[] point( final JsonElement e )
	{
		return IntStream.range( 0, e.getAsJsonArray().size() ).mapToDouble( d -> e.getAsJsonArray().get( d ).getAsDouble() ).toArray();
	}

	private static void assertClose( final JsonObject expected, final String name, final double actual )
	{
		assertEquals( GoldenCases.number( expected.get( name ) ), actual, PRECISION, name );
	}

	/** The walk along x stops only when no nearer cell can come: compared with looking at all. */
	@Test
	void nearestCellIsTheNearestOfAll()
	{
		final Random random = new Random( 1 );
		final double[][] cells = random.doubles( 300 ).mapToObj( x -> new double[] { Math.round( 4 * x ), 9 * random.nextDouble(), 3 * random.nextDouble() } ).toArray( double[][]::new );
		final NearestCells nearest = new NearestCells( cells );
		for ( int i = 0; i < cells.length; i++ )
		{
			final int[] order = inOrder( cells, cells[ i ] );
			assertEquals( order[ 0 ], nearest.nearest( cells[ i ] ).index );
			assertEquals( order[ 1 ], nearest.nearestBut( cells[ i ], i ).index );
		}
	}

	/** Two cells equally far away: the first counts, wherever it stands along x. */
	@Test
	void ofEquallyNearCellsTheFirstIsFound()
	{
		final double[][] right = { { 2, 0, 0 }, { 0, 0, 0 } };
		assertEquals( 0, new NearestCells( right ).nearest( new double[] { 1, 0, 0 } ).index );
		final double[][] left = { { 0, 0, 0 }, { 2, 0, 0 } };
		assertEquals( 0, new NearestCells( left ).nearest( new double[] { 1, 0, 0 } ).index );
	}

	private static int[] inOrder( final double[][] cells, final double[] place )
	{
		return IntStream.range( 0, cells.length ).boxed()
				.sorted( ( a, b ) -> Double.compare( squared( cells[ a ], place ), squared( cells[ b ], place ) ) )
				.mapToInt( Integer::intValue ).toArray();
	}

	private static double squared( final double[] one, final double[] other )
	{
		return IntStream.range( 0, 3 ).mapToDouble( d -> ( one[ d ] - other[ d ] ) * ( one[ d ] - other[ d ] ) ).sum();
	}
}
