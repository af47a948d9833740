/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.python.core.PySystemState;
import org.python.util.PythonInterpreter;
import org.scijava.Cancelable;
import org.scijava.Context;
import org.scijava.command.CommandService;
import org.scijava.module.Module;

/**
 * The movies of tests/parity give the same spots, intensities, links and pruned
 * spots by the headless command and by a Jython script as by the builtin engine
 * of the Python package, which made the tables there. MenuTest does the same
 * through the Plugins menu, pytest through pyimagej.
 */
class RouteAgreementTest
{
	@TempDir
	Path folder;

	@TestFactory
	Stream< DynamicTest > command()
	{
		return ParityCase.NAMES.stream().map( name -> DynamicTest.dynamicTest( name, () -> runCommand( new ParityCase( name ) ) ) );
	}

	private void runCommand( final ParityCase parity ) throws IOException, InterruptedException, ExecutionException
	{
		final File xml = folder.resolve( "command.xml" ).toFile();
		try (Context context = new Context( CommandService.class ))
		{
			final Map< String, Object > inputs = new HashMap<>( Map.of(
					"image", parity.image(),
					"maskPolicy", parity.text( "mask_policy" ),
					"linkingDistance", parity.distance(),
					"frameGap", parity.frameGap(),
					"splitting", parity.settings().get( "splitting" ).getAsBoolean(),
					"minTrackletLength", parity.minimum(),
					"minTrackletUnit", parity.text( "min_tracklet_unit" ),
					"overwrite", true,
					"output", xml ) );
			if ( !parity.labels().equals( parity.image() ) )
				inputs.put( "labels", parity.labels() );
			parity.mask().ifPresent( m -> inputs.put( "mask", m ) );
			final Module module = context.service( CommandService.class ).run( BatchCommand.class, true, inputs ).get();
			assertFalse( ( ( Cancelable ) module.getDelegateObject() ).isCanceled(), ( ( Cancelable ) module.getDelegateObject() ).getCancelReason() );
		}
		parity.check( xml );
	}

	@TestFactory
	Stream< DynamicTest > script()
	{
		return ParityCase.NAMES.stream().map( name -> DynamicTest.dynamicTest( name, () -> runScript( new ParityCase( name ) ) ) );
	}

	private void runScript( final ParityCase parity ) throws IOException
	{
		final File xml = folder.resolve( "script.xml" ).toFile();
		try (PythonInterpreter python = new PythonInterpreter( null, new PySystemState() ))
		{
			python.set( "image", parity.image() );
			python.set( "labels", parity.labels() );
			python.set( "mask", parity.mask().orElse( null ) );
			python.set( "policy", parity.text( "mask_policy" ) );
			python.set( "distance", parity.distance() );
			python.set( "minimum", parity.minimum() );
			python.set( "unit", parity.text( "min_tracklet_unit" ) );
			python.set( "output", xml );
			python.set( "overwrite", true );
			python.execfile( Path.of( System.getProperty( "scripts.dir" ), "track_labels.py" ).toString() );
		}
		parity.check( xml );
	}
}
