/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import com.google.gson.JsonObject;

import io.github.btrackmate.golden.GoldenCases;

/**
 * Names of units, as in Python.
 */
class UnitsTest
{
	@Test
	void spellings()
	{
		final JsonObject golden = GoldenCases.load( "units" ).get( 0 );
		golden.getAsJsonObject( "space" ).entrySet().forEach( e -> assertEquals( e.getValue().getAsString(), Units.space( e.getKey() ), e.getKey() ) );
		golden.getAsJsonObject( "time" ).entrySet().forEach( e -> assertEquals( e.getValue().getAsString(), Units.time( e.getKey() ), e.getKey() ) );
	}
}
