/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.io.FileInfo;

/**
 * Finds images by title or file.
 */
final class Images
{
	static final String NONE_OPEN = "No image is open. Open the movie that is to be tracked, and its label image or a table of its cells.";

	private Images()
	{}

	/** The open images, without those that hold colours and not values. */
	static List< ImagePlus > open()
	{
		final int[] ids = WindowManager.getIDList();
		return ids == null ? List.of() : Arrays.stream( ids ).mapToObj( WindowManager::getImage ).filter( i -> i != null && i.getType() != ImagePlus.COLOR_RGB ).collect( Collectors.toList() );
	}

	/**
	 * Gets an open image, or opens one.
	 *
	 * @param titleOrPath
	 *            title of an open image, or a file that ImageJ can open.
	 * @param role
	 *            what the image is for, in messages.
	 * @return the image.
	 * @throws IllegalArgumentException
	 *             if there is none; for the user.
	 */
	static ImagePlus get( final String titleOrPath, final String role )
	{
		final Optional< ImagePlus > open = find( titleOrPath );
		if ( open.isPresent() )
			return open.get();
		if ( !new File( titleOrPath ).isFile() )
			throw new IllegalArgumentException( "The " + role + " '" + titleOrPath + "' is neither the title of an open image nor a file." );
		return openFile( titleOrPath, role );
	}

	/**
	 * Opens a file, whatever is open. Where memory is short for it, its planes are
	 * read when they are needed.
	 *
	 * @param path
	 *            a file that ImageJ can open.
	 * @param role
	 *            what the image is for, in messages.
	 * @return the image.
	 * @throws IllegalArgumentException
	 *             if ImageJ cannot open it; for the user.
	 */
	static ImagePlus openFile( final String path, final String role )
	{
		final Runtime java = Runtime.getRuntime();
		return openFile( path, role, ( java.maxMemory() - java.totalMemory() + java.freeMemory() ) / 3 );
	}

	static ImagePlus openFile( final String path, final String role, final long mostBytes )
	{
		final boolean large = new File( path ).length() > mostBytes && path.toLowerCase( Locale.ROOT ).matches( ".*\\.tiff?" );
		final ImagePlus virtual = large ? IJ.openVirtual( path ) : null;
		final ImagePlus opened = virtual == null ? IJ.openImage( path ) : virtual;
		if ( opened == null )
			throw new IllegalArgumentException( "ImageJ cannot open the " + role + " '" + path + "'; a file in a format that it reads, such as TIFF, was expected." );
		return opened;
	}

	/** Gets an image by title or file; without a name, the active one. */
	static ImagePlus getOrActive( final String titleOrPath )
	{
		if ( !titleOrPath.isBlank() )
			return get( titleOrPath, "image" );
		final ImagePlus active = WindowManager.getCurrentImage();
		if ( active == null )
			throw new IllegalArgumentException( NONE_OPEN );
		return active;
	}

	private static Optional< ImagePlus > find( final String titleOrPath )
	{
		final ImagePlus titled = WindowManager.getImage( titleOrPath );
		if ( titled != null )
			return Optional.of( titled );
		final File file = new File( titleOrPath );
		return open().stream().filter( i -> file( i ).filter( f -> f.equals( file.getAbsoluteFile() ) ).isPresent() ).findFirst();
	}

	/** The file that an image was opened from, if it is still there and holds this image alone. */
	static Optional< File > file( final ImagePlus imp )
	{
		final FileInfo info = imp.getOriginalFileInfo();
		// Of an image sequence, the first file is known.
		if ( info == null || info.nImages != imp.getStackSize() || info.directory == null || info.fileName == null || imp.changes )
			return Optional.empty();
		final File file = new File( info.directory, info.fileName ).getAbsoluteFile();
		return file.isFile() ? Optional.of( file ) : Optional.empty();
	}

	/**
	 * Names an image so that it is found again, also tomorrow: by its file, else
	 * by its title.
	 */
	static String nameOf( final ImagePlus imp )
	{
		return file( imp ).map( File::getPath ).orElse( imp.getTitle() );
	}
}
