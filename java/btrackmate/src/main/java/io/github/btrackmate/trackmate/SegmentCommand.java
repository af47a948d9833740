/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.GraphicsEnvironment;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.scijava.ItemVisibility;
import org.scijava.command.Command;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;
import org.scijava.task.Task;
import org.scijava.task.TaskService;
import org.scijava.widget.FileWidget;

import ij.IJ;
import ij.ImagePlus;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Segment with VollSeg…: segments the
 * active image with the Python package, in a process of its own, and opens the
 * label image. Its progress stands in the status bar and in Fiji's task window,
 * which cancels it; Esc does, too.
 */
@Plugin( type = Command.class, menuPath = "Plugins>Tracking>BTrackMate>Segment with VollSeg...", headless = true )
public final class SegmentCommand extends MenuCommand
{
	private static final Pattern PROGRESS = Pattern.compile( "(.+): ([0-9]+)/([0-9]+)" );

	/** Lines of the program that a message shows. */
	private static final int MOST_LINES = 6;

	@Parameter( visibility = ItemVisibility.MESSAGE, required = false )
	private final String message = "Segments with BTrackMate's Python package: StarDist + U-Net, watershed.";

	@Parameter( persist = false, required = false, label = "Image (empty: the active image)", description = "Title of an open image, or a file" )
	private String image = "";

	@Parameter( persist = false, required = false, label = "Channel", min = "1", description = "Channel to segment, from 1" )
	private int channel = 1;

	@Parameter( persist = false, required = false, label = "Folder of models (empty: those shipped)", style = FileWidget.DIRECTORY_STYLE, description = "Holds the folders of StarDist and U-Net models; those that come with BTrackMate know membrane-labelled tissue" )
	private File models;

	@Parameter( persist = false, required = false, label = "Smallest cell (voxels)", min = "0", description = "Smaller cells go, in voxels" )
	private int minSize = 50;

	@Parameter( persist = false, required = false, label = "Further options", description = "As on the command line, with spaces between them; see btrackmate segment --help" )
	private String options = "";

	@Parameter( persist = false, required = false, label = "Save labels as (empty: only shown)", style = FileWidget.SAVE_STYLE, description = "Label image (.tif)" )
	private File output;

	@Parameter( persist = false, required = false, label = "Overwrite", description = "Whether a file of that name is replaced" )
	private boolean overwrite = false;

	@Parameter( persist = false, required = false, visibility = ItemVisibility.INVISIBLE, description = "The program 'btrackmate', or its environment; else the one used last, or one on the path" )
	private File program;

	@Parameter
	private TaskService tasks;

	private volatile PythonProgram working;

	@Override
	public void cancel( final String reason )
	{
		super.cancel( reason );
		if ( working != null )
			working.stop();
	}

	@Override
	void work() throws IOException
	{
		final ImagePlus imp = Images.getOrActive( image );
		if ( isGiven( output ) )
			checkOutput( output, "label image", overwrite );
		Movie.of( imp, channel );
		working = PythonProgram.find( program, SegmentCommand::ask );
		final Path folder = Files.createTempDirectory( "btrackmate" );
		try
		{
			final Path labels = folder.resolve( "labels.tif" );
			segment( words( file( imp, folder ), labels ) );
			show( imp, labels );
		}
		finally
		{
			delete( folder );
		}
	}

	private static Optional< File > ask()
	{
		if ( GraphicsEnvironment.isHeadless() )
			return Optional.empty();
		final String path = IJ.getFilePath( "The program 'btrackmate' of the Python package (asked once)" );
		return Optional.ofNullable( path ).map( File::new );
	}

	/** The program reads files. */
	private static Path file( final ImagePlus imp, final Path folder )
	{
		final Optional< File > file = Images.file( imp );
		if ( file.isPresent() && file.get().getName().toLowerCase().matches( ".*\\.tiff?" ) )
			return file.get().toPath();
		final Path copy = folder.resolve( "image.tif" );
		if ( !IJ.saveAsTiff( imp.duplicate(), copy.toString() ) )
			throw new IllegalArgumentException( "Image '" + imp.getTitle() + "' cannot be saved for the Python package in " + folder + "." );
		return copy;
	}

	private List< String > words( final Path from, final Path to )
	{
		final List< String > words = new ArrayList<>( List.of( "segment", from.toString(), "-o", to.toString(), "--channel", String.valueOf( channel ), "--min-size", String.valueOf( minSize ) ) );
		if ( isGiven( models ) )
			words.addAll( List.of( "--model-dir", models.getAbsolutePath() ) );
		if ( options != null && !options.isBlank() )
			words.addAll( List.of( options.strip().split( "\\s+" ) ) );
		return words;
	}

	private void segment( final List< String > words ) throws IOException
	{
		final List< String > lines = new ArrayList<>();
		final Task task = tasks.createTask( "Segment with VollSeg" );
		task.setCancelCallBack( working::stop );
		task.start();
		IJ.resetEscape();
		final Thread escape = watchEscape();
		final int code;
		try
		{
			code = working.run( words, line -> hear( line, lines, task ) );
		}
		finally
		{
			escape.interrupt();
			IJ.showProgress( 1 );
			task.finish();
		}
		if ( working.isStopped() )
			throw new IllegalArgumentException( "The segmentation was stopped; nothing was written." );
		if ( code != 0 )
			throw new IllegalArgumentException( code == 2 && !lines.isEmpty() ? lines.get( lines.size() - 1 ).replaceFirst( "^btrackmate: ", "" ) : "The segmentation failed (exit code " + code + "):\n" + String.join( "\n", lines.subList( Math.max( 0, lines.size() - MOST_LINES ), lines.size() ) ) );
	}

	private void hear( final String line, final List< String > lines, final Task task )
	{
		final Matcher matcher = PROGRESS.matcher( line );
		if ( !matcher.matches() )
		{
			lines.add( line );
			log().info( line );
			return;
		}
		final long done = Long.parseLong( matcher.group( 2 ) );
		final long total = Math.max( 1, Long.parseLong( matcher.group( 3 ) ) );
		IJ.showStatus( "VollSeg: " + matcher.group( 1 ) + " (Esc: cancel)" );
		IJ.showProgress( ( double ) done / total );
		task.setStatusMessage( matcher.group( 1 ) );
		task.setProgressMaximum( total );
		task.setProgressValue( done );
	}

	private Thread watchEscape()
	{
		final PythonProgram watched = working;
		final Thread thread = new Thread( () -> {
			try
			{
				while ( !IJ.escapePressed() )
					Thread.sleep( 200 );
				watched.stop();
			}
			catch ( final InterruptedException e )
			{
				Thread.currentThread().interrupt();
			}
		}, "BTrackMate-escape" );
		thread.setDaemon( true );
		thread.start();
		return thread;
	}

	private void show( final ImagePlus imp, final Path labels ) throws IOException
	{
		final ImagePlus result = Images.openFile( labels.toString(), "label image" );
		if ( isGiven( output ) )
		{
			Files.move( labels, output.toPath(), StandardCopyOption.REPLACE_EXISTING );
			done( "labels saved as " + output );
		}
		if ( GraphicsEnvironment.isHeadless() )
			return;
		result.setTitle( imp.getShortTitle() + " labels" );
		result.setFileInfo( null );
		result.show();
	}

	private static void delete( final Path folder ) throws IOException
	{
		try (Stream< Path > files = Files.walk( folder ))
		{
			for ( final Path path : files.sorted( Comparator.reverseOrder() ).toList() )
				Files.delete( path );
		}
	}
}
