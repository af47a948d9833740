/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.mask;

import static io.github.btrackmate.golden.GoldenCases.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.btrackmate.cells.Cell;
import io.github.btrackmate.cells.CellMeasurer;
import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.golden.GoldenCases;
import net.imglib2.img.array.ArrayImgs;

class MaskFilterTest
{
	@TestFactory
	Stream< DynamicTest > goldenCases()
	{
		return GoldenCases.tests( "mask", c -> {
			final LabelRuns cells = LabelRuns.of( GoldenCases.labels( c.get( "labels" ) ) );
			final JsonObject p = c.getAsJsonObject( "policy" );
			TissueMask mask = TissueMask.of( GoldenCases.labels( c.get( "mask" ) ) );
			if ( !p.get( "tissues" ).isJsonNull() )
			{
				final Set< Long > ids = new HashSet<>();
				p.getAsJsonArray( "tissues" ).forEach( id -> ids.add( id.getAsLong() ) );
				mask = mask.select( ids );
			}
			final MaskPolicy policy = MaskPolicy.of( p.get( "name" ).getAsString(), GoldenCases.number( p.get( "fraction" ) ) );
			final MaskResult result = MaskFilter.apply( cells, mask, policy );

			assertCells( c.getAsJsonArray( "kept" ), result.kept() );
			assertCells( c.getAsJsonArray( "dropped" ), result.dropped() );
			assertMeasured( result );
		} );
	}

	private static void assertCells( final JsonArray expected, final List< CellInTissue > cells )
	{
		assertEquals( expected.size(), cells.size() );
		int i = 0;
		for ( final JsonElement e : expected )
		{
			final CellInTissue cell = cells.get( i++ );
			final JsonObject o = e.getAsJsonObject();
			final String what = "cell " + cell.label();
			assertEquals( o.get( "label" ).getAsLong(), cell.label(), what );
			assertEquals( o.get( "tissue" ).getAsLong(), cell.tissue(), what );
			assertEquals( o.get( "voxels" ).getAsLong(), cell.voxels(), what );
			assertClose( o.get( "fraction" ).getAsDouble(), cell.fraction(), what );
			assertEquals( o.has( "reason" ) ? o.get( "reason" ).getAsString() : null, cell.isKept() ? null : cell.reason().key(), what );
		}
	}

	/** The cells that go on are those reported, with as many voxels. */
	private static void assertMeasured( final MaskResult result )
	{
		final VoxelSize unit = result.runs().numDimensions() == 2 ? VoxelSize.of( 1, 1 ) : VoxelSize.of( 1, 1, 1 );
		final List< Cell > cells = CellMeasurer.measure( result.runs(), List.of(), unit );
		assertEquals( result.kept().size(), cells.size() );
		for ( int i = 0; i < cells.size(); i++ )
		{
			assertEquals( result.kept().get( i ).label(), cells.get( i ).label() );
			assertEquals( result.kept().get( i ).voxels(), cells.get( i ).voxels() );
		}
	}

	@Test
	void maskOfOtherSize()
	{
		final LabelRuns cells = LabelRuns.of( ArrayImgs.unsignedBytes( 4, 3, 2 ) );
		for ( final TissueMask mask : List.of( TissueMask.of( ArrayImgs.unsignedBytes( 3, 4 ) ), TissueMask.of( ArrayImgs.unsignedBytes( 4, 3, 3 ) ) ) )
		{
			final String message = assertThrows( IllegalArgumentException.class, () -> MaskFilter.apply( cells, mask, MaskPolicy.CLIP ) ).getMessage();
			assertTrue( message.contains( "[4, 3, 2]" ), message );
		}
		final TissueMask volume = TissueMask.of( ArrayImgs.unsignedBytes( 4, 3, 2 ) );
		final LabelRuns plane = LabelRuns.of( ArrayImgs.unsignedBytes( 4, 3 ) );
		assertThrows( IllegalArgumentException.class, () -> MaskFilter.apply( plane, volume, MaskPolicy.CLIP ) );
	}

	/** Voxels of 0.5 × 2: x = 0.74 is nearest to column 1, y = 1.1 to row 1. */
	@Test
	void tissueNearestToAPoint()
	{
		final TissueMask mask = TissueMask.of( ArrayImgs.unsignedBytes( new byte[] { 0, 0, 0, 0, 7, 0 }, 3, 2 ) );
		final VoxelSize voxelSize = VoxelSize.of( 0.5, 2 );
		assertEquals( OptionalLong.of( 7 ), mask.tissueNear( voxelSize, 0.74, 1.1, 99 ) );
		assertEquals( OptionalLong.of( 0 ), mask.tissueNear( voxelSize, 0.76, 1.1 ) );
		assertEquals( OptionalLong.empty(), mask.tissueNear( voxelSize, -0.26, 1.1 ) );
		assertEquals( OptionalLong.empty(), mask.tissueNear( voxelSize, 0.5, 3.0 ) );
	}

	@Test
	void unknownPolicy()
	{
		assertThrows( IllegalArgumentException.class, () -> MaskPolicy.of( "keep", 0.5 ) );
		assertThrows( IllegalArgumentException.class, () -> MaskPolicy.of( "fraction", 0 ) );
		assertThrows( IllegalArgumentException.class, () -> MaskPolicy.of( "fraction", Double.NaN ) );
	}
}
