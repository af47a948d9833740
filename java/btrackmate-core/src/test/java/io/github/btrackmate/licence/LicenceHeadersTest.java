/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.licence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

/**
 * The repository has two licences, so every source file of Java and Jython says
 * which is its own.
 */
class LicenceHeadersTest
{
	private static final Path ROOT = Path.of( System.getProperty( "scripts.dir" ) ).getParent();

	private static List< Path > without( final String folder, final String ending, final String licence ) throws IOException
	{
		try (Stream< Path > files = Files.walk( ROOT.resolve( folder ) ))
		{
			final List< Path > sources = files.filter( f -> f.toString().endsWith( ending ) && !ROOT.relativize( f ).toString().contains( "target" ) ).collect( Collectors.toList() );
			assertTrue( sources.size() > 0 );
			return sources.stream().filter( f -> !begins( f, licence ) ).collect( Collectors.toList() );
		}
	}

	private static boolean begins( final Path file, final String licence )
	{
		try (Stream< String > lines = Files.lines( file ))
		{
			return lines.limit( 2 ).anyMatch( l -> l.endsWith( "SPDX-License-Identifier: " + licence ) );
		}
		catch ( final IOException e )
		{
			throw new UncheckedIOException( e );
		}
	}

	@Test
	void everySourceNamesItsLicence() throws IOException
	{
		assertEquals( List.of(), without( "java/btrackmate-core/src", ".java", "BSD-3-Clause" ) );
		assertEquals( List.of(), without( "java/btrackmate/src", ".java", "GPL-3.0-or-later" ) );
		assertEquals( List.of(), without( "fiji-scripts", ".py", "BSD-3-Clause" ) );
	}
}
