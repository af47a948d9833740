/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.scijava.Cancelable;
import org.scijava.Context;
import org.scijava.command.CommandModule;
import org.scijava.command.CommandService;
import org.scijava.module.ModuleService;
import org.scijava.task.TaskService;

import ij.IJ;
import ij.Prefs;
import io.github.btrackmate.cells.LabelLook;

/**
 * The command that runs the Python package, with a program in its place that does
 * what the test says.
 */
class SegmentCommandTest
{
	private static final String VERSION = "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'btrackmate, version 9.9'; exit 0; fi\n";

	@TempDir
	Path folder;

	private Context context;

	private File image;

	@BeforeEach
	void start()
	{
		assumeFalse( IJ.isWindows(), "the programs are shell scripts" );
		Prefs.set( "btrackmate.program", "" );
		context = new Context( CommandService.class, TaskService.class );
		image = folder.resolve( "movie 1.tif" ).toFile();
		assertTrue( IJ.saveAsTiff( TestImages.movie2D( "movie", 16, 0.5, new int[][] { { 0, 7, 7 }, { 0, 0, 9 } }, new int[][] { { 7, 7, 0 }, { 0, 9, 0 } } ), image.getPath() ) );
	}

	@AfterEach
	void dispose()
	{
		if ( context != null )
			context.dispose();
	}

	private File program( final String body ) throws IOException
	{
		final Path file = folder.resolve( "bin/btrackmate" );
		Files.createDirectories( file.getParent() );
		Files.writeString( file, body );
		assertTrue( file.toFile().setExecutable( true ) );
		return file.toFile();
	}

	private Future< CommandModule > begin( final Map< String, Object > changes )
	{
		final Map< String, Object > inputs = new HashMap<>( Map.of( "image", image.getPath(), "output", folder.resolve( "labels.tif" ).toFile() ) );
		inputs.putAll( changes );
		return context.service( CommandService.class ).run( SegmentCommand.class, true, inputs );
	}

	private static String refusal( final Future< CommandModule > running ) throws Exception
	{
		final Cancelable command = ( Cancelable ) running.get().getDelegateObject();
		assertTrue( command.isCanceled() );
		return command.getCancelReason();
	}

	/** The program gets the options, tells its progress, and writes labels. */
	@Test
	void labelsAreSaved() throws Exception
	{
		final File program = program( VERSION + "echo \"$@\" > '" + folder + "/words'\necho 'segmenting: 1/2' >&2\ncp \"$2\" \"$4\"\n" );
		final CommandModule module = begin( Map.of( "program", program, "channel", 1, "minSize", 12, "models", folder.toFile(), "options", " --mode  unet " ) ).get();
		assertFalse( ( ( Cancelable ) module.getDelegateObject() ).isCanceled(), ( ( Cancelable ) module.getDelegateObject() ).getCancelReason() );
		final String words = Files.readString( folder.resolve( "words" ) ).strip();
		assertTrue( words.startsWith( "segment " + image + " -o " ), words );
		assertTrue( words.endsWith( "labels.tif --channel 1 --min-size 12 --model-dir " + folder + " --mode unet" ), words );
		assertEquals( LabelLook.LABELS, Movie.of( IJ.openImage( folder.resolve( "labels.tif" ).toString() ), 1 ).look( 1 ) );
		assertEquals( program.getPath(), Prefs.get( "btrackmate.program", "" ) );
	}

	/** Its environment may be named instead; the next time it is known. */
	@Test
	void theProgramIsAskedForOnce() throws Exception
	{
		program( VERSION + "cp \"$2\" \"$4\"\n" );
		begin( Map.of( "program", folder.toFile() ) ).get();
		Files.delete( folder.resolve( "labels.tif" ) );
		begin( Map.of() ).get();
		assertTrue( Files.exists( folder.resolve( "labels.tif" ) ) );
	}

	@Test
	void whatIsMissingIsSaid() throws Exception
	{
		assertTrue( refusal( begin( Map.of( "program", new File( "/nowhere/btrackmate" ) ) ) ).contains( "There is no program '/nowhere/btrackmate'. Install it with: pip install" ) );
		final String other = refusal( begin( Map.of( "program", program( "#!/bin/sh\necho other 1.0\n" ) ) ) );
		assertTrue( other.contains( "is not the program of BTrackMate: 'btrackmate --version' says 'other 1.0'" ), other );
		final File fails = program( VERSION + "echo 'loading'\necho 'btrackmate: --mode: no such mode' >&2\nexit 2\n" );
		assertEquals( "--mode: no such mode", refusal( begin( Map.of( "program", fails ) ) ) );
		final File breaks = program( VERSION + "echo 'Traceback'\nexit 1\n" );
		assertTrue( refusal( begin( Map.of( "program", breaks ) ) ).contains( "exit code 1" ) );
		assertTrue( refusal( begin( Map.of( "program", breaks, "channel", 3 ) ) ).contains( "has 1 channel(s), channel 3" ) );
		assertFalse( Files.exists( folder.resolve( "labels.tif" ) ) );
	}

	/** Cancelled, the program ends, and nothing is written. */
	@Test
	void itCanBeCancelled() throws Exception
	{
		final File program = program( VERSION + "touch '" + folder + "/begun'\nsleep 60\ncp \"$2\" \"$4\"\n" );
		final var info = context.service( CommandService.class ).getCommand( SegmentCommand.class );
		final var module = info.createModule();
		final var running = context.service( ModuleService.class ).run( module, true, Map.of( "image", image.getPath(), "output", folder.resolve( "labels.tif" ).toFile(), "program", program ) );
		while ( !Files.exists( folder.resolve( "begun" ) ) )
			Thread.sleep( 50 );
		final long begin = System.nanoTime();
		( ( Cancelable ) module.getDelegateObject() ).cancel( "enough" );
		running.get();
		assertTrue( ( System.nanoTime() - begin ) / 1e9 < 20 );
		assertFalse( Files.exists( folder.resolve( "labels.tif" ) ) );
		assertEquals( List.of( "begun", "bin", "movie 1.tif" ), Files.list( folder ).map( p -> p.getFileName().toString() ).sorted().toList() );
	}
}
