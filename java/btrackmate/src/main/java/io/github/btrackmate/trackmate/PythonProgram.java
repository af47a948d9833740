/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

import ij.IJ;
import ij.Prefs;

/**
 * The command line program of the Python package: found, or asked for once, and
 * run as a process of its own.
 */
final class PythonProgram
{
	private static final String KEY = "btrackmate.program";

	private static final String NAME = IJ.isWindows() ? "btrackmate.exe" : "btrackmate";

	private static final String INSTALL = "Install it with: pip install 'btrackmate[stardist]' (Python 3.11 or later, in an environment of its own), then name the program 'btrackmate' in that environment's " + ( IJ.isWindows() ? "Scripts" : "bin" ) + " folder.";

	/** The first start reads all of Python. */
	private static final long SECONDS_TO_ANSWER = 120;

	private final File file;

	private volatile Process running;

	private volatile boolean stopped;

	private PythonProgram( final File file )
	{
		this.file = file;
	}

	/**
	 * Finds the program: the one given, the one used last, or one on the path.
	 *
	 * @param given
	 *            program or its environment; may be {@code null}.
	 * @param ask
	 *            asks the user; used where none is found.
	 * @return the program, checked, and kept for the next time.
	 * @throws IllegalArgumentException
	 *             if there is none, or it is another program; for the user.
	 */
	static PythonProgram find( final File given, final Supplier< Optional< File > > ask )
	{
		final List< File > places = new ArrayList<>();
		if ( MenuCommand.isGiven( given ) )
			places.add( given );
		else
		{
			final String last = Prefs.get( KEY, "" );
			if ( !last.isBlank() )
				places.add( new File( last ) );
			for ( final String folder : System.getenv().getOrDefault( "PATH", "" ).split( File.pathSeparator ) )
				places.add( new File( folder, NAME ) );
		}
		final Optional< File > found = places.stream().map( PythonProgram::inside ).filter( File::isFile ).findFirst();
		final File chosen = found.or( () -> MenuCommand.isGiven( given ) ? Optional.empty() : ask.get().map( PythonProgram::inside ) ).orElseThrow( () -> new IllegalArgumentException( ( MenuCommand.isGiven( given ) ? "There is no program '" + given + "'." : "The Python package of BTrackMate was not found." ) + " " + INSTALL ) );
		final PythonProgram program = new PythonProgram( chosen.getAbsoluteFile() );
		program.check();
		Prefs.set( KEY, chosen.getAbsolutePath() );
		return program;
	}

	/** An environment or its folder of programs may be named as well. */
	private static File inside( final File place )
	{
		for ( final String folder : new String[] { ".", "bin", "Scripts" } )
			if ( new File( new File( place, folder ), NAME ).isFile() )
				return new File( new File( place, folder ), NAME );
		return place;
	}

	private void check()
	{
		final List< String > lines = new ArrayList<>();
		try
		{
			final int code = run( List.of( "--version" ), lines::add );
			if ( code == 0 && lines.stream().anyMatch( l -> l.startsWith( "btrackmate, version" ) ) )
				return;
		}
		catch ( final IOException e )
		{
			lines.add( e.getMessage() );
		}
		Prefs.set( KEY, "" );
		throw new IllegalArgumentException( "'" + file + "' is not the program of BTrackMate: 'btrackmate --version' says '" + String.join( " ", lines ) + "'. " + INSTALL );
	}

	/**
	 * Runs the program and waits for its end.
	 *
	 * @param words
	 *            its arguments.
	 * @param listener
	 *            gets every line that it writes.
	 * @return exit code.
	 * @throws IOException
	 *             if it does not start.
	 */
	int run( final List< String > words, final Consumer< String > listener ) throws IOException
	{
		final List< String > command = new ArrayList<>( List.of( file.getPath() ) );
		command.addAll( words );
		final ProcessBuilder builder = new ProcessBuilder( command ).redirectErrorStream( true );
		builder.environment().put( "PYTHONUNBUFFERED", "1" );
		builder.environment().put( "PYTHONIOENCODING", "utf-8" );
		final Process process = builder.start();
		running = process;
		if ( stopped )
			process.destroy();
		process.getOutputStream().close();
		try (BufferedReader reader = process.inputReader( StandardCharsets.UTF_8 ))
		{
			for ( String line = reader.readLine(); line != null; line = reader.readLine() )
				listener.accept( line );
			if ( !process.waitFor( SECONDS_TO_ANSWER, TimeUnit.SECONDS ) )
				process.destroyForcibly();
			return process.waitFor();
		}
		catch ( final InterruptedException e )
		{
			process.destroy();
			Thread.currentThread().interrupt();
			throw new IOException( "Interrupted", e );
		}
		finally
		{
			running = null;
		}
	}

	/** Ends what runs, and what would run next. */
	void stop()
	{
		stopped = true;
		final Process process = running;
		if ( process != null )
		{
			process.descendants().forEach( ProcessHandle::destroy );
			process.destroy();
		}
	}

	boolean isStopped()
	{
		return stopped;
	}
}
