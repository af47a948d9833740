package io.github.btrackmate.trackmate;

import java.io.File;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;

/**
 * Finds images by title or file.
 */
final class Images
{
	private Images()
	{}

	/**
	 * Gets an open image, or opens one.
	 *
	 * @param titleOrPath
	 *            title of an open image, or a file that ImageJ can open.
	 * @param role
	 *            what the image is for, in messages.
	 * @return the image.
	 */
	static ImagePlus get( final String titleOrPath, final String role )
	{
		final ImagePlus open = WindowManager.getImage( titleOrPath );
		if ( open != null )
			return open;
		if ( !new File( titleOrPath ).isFile() )
			throw new IllegalArgumentException( "The " + role + " '" + titleOrPath + "' is neither the title of an open image nor a file." );
		final ImagePlus opened = IJ.openImage( titleOrPath );
		if ( opened == null )
			throw new IllegalArgumentException( "ImageJ cannot open the " + role + " '" + titleOrPath + "'. Open it by hand (File > Import), and give its title." );
		return opened;
	}
}
