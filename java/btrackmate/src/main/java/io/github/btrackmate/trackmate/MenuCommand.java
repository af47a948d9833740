/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.GraphicsEnvironment;
import java.io.File;
import java.io.IOException;

import org.scijava.Context;
import org.scijava.ItemVisibility;
import org.scijava.Priority;
import org.scijava.command.ContextCommand;
import org.scijava.log.LogService;
import org.scijava.module.Module;
import org.scijava.module.ModuleItem;
import org.scijava.module.process.AbstractPreprocessorPlugin;
import org.scijava.module.process.PreprocessorPlugin;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;
import org.scijava.service.Service;

import ij.IJ;

/**
 * A command of the Plugins menu. From a script or macro that names any of its
 * inputs it never asks: what is not named has its default. (A recorder leaves
 * out fields that are empty.) A mistake of the user cancels it with one sentence
 * that says what to do: a dialog on a screen, a line without one.
 */
abstract class MenuCommand extends ContextCommand
{
	/** A dialog does not break lines by itself. */
	private static final String LINE = "(.{70,90}?) ";

	@Parameter
	private LogService log;

	private boolean scripted;

	/**
	 * Does the work.
	 *
	 * @throws IOException
	 *             if a file cannot be read or written; for the user.
	 * @throws IllegalArgumentException
	 *             if an input is wrong; for the user.
	 */
	abstract void work() throws IOException;

	/** Whether SciJava's own dialog asks for the inputs where no script names them. */
	boolean hasDialog()
	{
		return true;
	}

	/** Whether a script or macro named an input. */
	boolean isScripted()
	{
		return scripted;
	}

	/** Knows, before SciJava asks, whether a script or macro named an input. */
	@Plugin( type = PreprocessorPlugin.class, priority = 1.5 * Priority.VERY_HIGH )
	public static final class Silencer extends AbstractPreprocessorPlugin
	{
		@Override
		public void process( final Module module )
		{
			if ( !( module.getDelegateObject() instanceof final MenuCommand command ) )
				return;
			for ( final ModuleItem< ? > input : module.getInfo().inputs() )
				if ( isOurs( input ) && module.isInputResolved( input.getName() ) )
					command.scripted = true;
			// Else SciJava shows them under the names of our variables; done() says them.
			module.getInfo().outputs().forEach( o -> module.resolveOutput( o.getName() ) );
			if ( command.scripted || !command.hasDialog() )
				module.getInfo().inputs().forEach( i -> {
					// A line of text alone would be shown, too.
					if ( isOurs( i ) || isText( i ) )
						module.resolveInput( i.getName() );
				} );
		}

		/** Not a service or the like, nor text. */
		private static boolean isOurs( final ModuleItem< ? > input )
		{
			return !Service.class.isAssignableFrom( input.getType() ) && input.getType() != Context.class && !isText( input );
		}

		private static boolean isText( final ModuleItem< ? > input )
		{
			return input.getVisibility() == ItemVisibility.MESSAGE;
		}
	}

	@Override
	public final void run()
	{
		try
		{
			work();
		}
		catch ( final IllegalArgumentException | IOException e )
		{
			refuse( e.getMessage() );
		}
	}

	private void refuse( final String sentence )
	{
		final String line = sentence.strip().replaceAll( "\\s*\n\\s*", " " );
		if ( GraphicsEnvironment.isHeadless() )
			log.error( "BTrackMate: " + line );
		cancel( GraphicsEnvironment.isHeadless() ? line : sentence.replaceAll( LINE, "$1\n" ) );
	}

	/** Says what was done, in one sentence. */
	void done( final String sentence )
	{
		if ( GraphicsEnvironment.isHeadless() )
			log.info( "BTrackMate: " + sentence );
		else
			IJ.log( "BTrackMate: " + sentence );
	}

	LogService log()
	{
		return log;
	}

	/** SciJava gives an empty path for a field that was left empty. */
	static boolean isGiven( final File file )
	{
		return file != null && !file.getPath().isBlank();
	}

	static String path( final File file )
	{
		return isGiven( file ) ? file.getAbsolutePath() : "";
	}

	/**
	 * Checks a file that will be written.
	 *
	 * @param file
	 *            may be empty.
	 * @param what
	 *            what it is, in messages.
	 * @param overwrite
	 *            whether it may exist.
	 */
	static void checkOutput( final File file, final String what, final boolean overwrite )
	{
		if ( !isGiven( file ) )
			throw new IllegalArgumentException( "There is no name for the " + what + "; give one in 'Save as'." );
		if ( file.isDirectory() )
			throw new IllegalArgumentException( "'" + file + "' is a folder; the name of the " + what + " was expected in 'Save as'." );
		if ( file.exists() && !overwrite )
			throw new IllegalArgumentException( "The file '" + file + "' exists already; tick 'Overwrite', or choose another name." );
		final File folder = file.getAbsoluteFile().getParentFile();
		if ( !folder.isDirectory() )
			throw new IllegalArgumentException( "There is no folder '" + folder + "' for the " + what + "; make it, or choose another one." );
	}

	/** Checks a file that will be read. */
	static void checkInput( final File file, final String what )
	{
		if ( !isGiven( file ) )
			throw new IllegalArgumentException( "No " + what + " was given." );
		if ( !file.isFile() )
			throw new IllegalArgumentException( "There is no file '" + file + "'; the " + what + " was expected." );
	}
}
