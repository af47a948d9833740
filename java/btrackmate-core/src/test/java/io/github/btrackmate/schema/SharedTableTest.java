/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;

/** Java has what the tables that Python reads, too, have. */
class SharedTableTest
{
	@Test
	void everyColumnIsThereInOrder()
	{
		assertEquals(
				SharedTable.COLUMNS.rows().stream().map( r -> r.get( "name" ) ).collect( Collectors.toList() ),
				Arrays.stream( SpotColumn.values() ).map( SpotColumn::columnName ).collect( Collectors.toList() ) );
	}

	@Test
	void keysLabelsUnitsAndTypesAreThoseOfTheTable()
	{
		assertEquals( "CELL_ORIGIN", SpotColumn.ORIGIN.key() );
		assertEquals( "Signed distance to tissue boundary", SpotColumn.BOUNDARY_DISTANCE.label() );
		assertEquals( "Bound. dist.", SpotColumn.BOUNDARY_DISTANCE.shortLabel() );
		assertEquals( SpotColumn.Dimension.LENGTH, SpotColumn.PERIMETER.dimension() );
		assertTrue( SpotColumn.VOXELS.isWhole() );
		assertFalse( SpotColumn.VOLUME.isWhole() );
		assertEquals( Optional.of( SpotColumn.AGREEMENT ), SpotColumn.find( "network_agreement" ) );
	}

	@Test
	void defaultsAreRead()
	{
		assertEquals( "auto", SharedDefaults.text( "linking_max_distance" ) );
		assertEquals( 2.0, SharedDefaults.number( "max_frame_gap" ) );
		assertTrue( SharedDefaults.isOn( "allow_track_splitting" ) );
		assertEquals( "0.0", SharedDefaults.byKey().get( "MIN_TRACKLET_LENGTH" ) );
	}
}
