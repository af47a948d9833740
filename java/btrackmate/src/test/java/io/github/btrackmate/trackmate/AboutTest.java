/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import fiji.plugin.trackmate.TrackMateModule;
import fiji.plugin.trackmate.providers.AbstractProvider;
import fiji.plugin.trackmate.providers.ActionProvider;
import fiji.plugin.trackmate.providers.DetectorProvider;
import fiji.plugin.trackmate.providers.TrackerProvider;

/**
 * What TrackMate shows of our detectors, trackers and actions beside their names.
 */
class AboutTest
{
	private static Stream< TrackMateModule > ours( final AbstractProvider< ? > provider )
	{
		return provider.getKeys().stream().filter( k -> k.startsWith( "BTRACKMATE_" ) ).map( provider::getFactory );
	}

	/** Each links to the documentation, has our icon, and says what to cite. */
	@Test
	void linkIconAndCitation()
	{
		final List< TrackMateModule > modules = Stream.of( new DetectorProvider(), new TrackerProvider(), new ActionProvider() ).flatMap( AboutTest::ours ).toList();
		assertEquals( 2 + 3 + 5, modules.size(), modules.toString() );
		for ( final TrackMateModule module : modules )
		{
			assertEquals( About.URL, module.getUrl(), module.getKey() );
			assertNotNull( module.getIcon(), module.getKey() );
			assertTrue( module.getInfoText().contains( "https://doi.org/10.25080/majora-1b6fd038-014" ), module.getKey() );
		}
	}
}
