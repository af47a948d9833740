/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.python.core.PySystemState;
import org.python.util.PythonInterpreter;
import org.scijava.Cancelable;
import org.scijava.Context;
import org.scijava.command.CommandService;
import org.scijava.module.Module;

/**
 * A label movie and a tissue mask give the same spots, links and pruned spots by
 * the headless command and by a Jython script as by the builtin engine of the
 * Python package, which made the tables in tests/parity. MenuTest does
 * the same through the Plugins menu.
 */
class RouteAgreementTest
{
	@TempDir
	Path folder;

	@Test
	void command() throws IOException, InterruptedException, ExecutionException
	{
		final File xml = folder.resolve( "command.xml" ).toFile();
		try (Context context = new Context( CommandService.class ))
		{
			final Map< String, Object > inputs = Map.of(
					"image", ParityCase.file( "labels.tif" ),
					"mask", ParityCase.file( "mask.tif" ),
					"maskPolicy", ParityCase.settings().get( "mask_policy" ).getAsString(),
					"linkingDistance", ParityCase.distance(),
					"frameGap", ParityCase.settings().get( "frame_gap" ).getAsInt(),
					"splitting", ParityCase.settings().get( "splitting" ).getAsBoolean(),
					"minTrackletLength", ParityCase.minimum(),
					"minTrackletUnit", ParityCase.settings().get( "min_tracklet_unit" ).getAsString(),
					"output", xml );
			final Module module = context.service( CommandService.class ).run( BatchCommand.class, true, inputs ).get();
			assertFalse( ( ( Cancelable ) module.getDelegateObject() ).isCanceled(), ( ( Cancelable ) module.getDelegateObject() ).getCancelReason() );
		}
		ParityCase.check( xml );
	}

	@Test
	void script() throws IOException
	{
		final File xml = folder.resolve( "script.xml" ).toFile();
		try (PythonInterpreter python = new PythonInterpreter( null, new PySystemState() ))
		{
			python.set( "image", ParityCase.file( "labels.tif" ) );
			python.set( "labels", ParityCase.file( "labels.tif" ) );
			python.set( "mask", ParityCase.file( "mask.tif" ) );
			python.set( "policy", ParityCase.settings().get( "mask_policy" ).getAsString() );
			python.set( "distance", ParityCase.distance() );
			python.set( "minimum", ParityCase.minimum() );
			python.set( "output", xml );
			python.set( "overwrite", false );
			python.execfile( Path.of( System.getProperty( "scripts.dir" ), "track_labels.py" ).toString() );
		}
		ParityCase.check( xml );
	}
}
