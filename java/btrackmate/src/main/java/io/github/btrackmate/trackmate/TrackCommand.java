package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.scijava.command.Command;
import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.TrackMatePlugIn;
import fiji.plugin.trackmate.detection.DetectorKeys;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.GenericDialog;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Track…: asks for image, labels or
 * table, and tissue mask, and opens TrackMate's wizard with all of it set.
 */
@Plugin( type = Command.class, menuPath = "Plugins>Tracking>BTrackMate>Track..." )
public final class TrackCommand implements Command
{
	static final String TITLE = "BTrackMate";

	private static final String NONE = "(none)";

	private static final String FILE = "(a file, see below)";

	private static final String SAME = "(a channel of the image)";

	private static final String[] POLICIES = { "keep-touching", DetectorArguments.CENTROID, "fraction", "clip" };

	/**
	 * What the dialog says; also for tests without a screen. Images are titles of
	 * open ones, or files; empty for none.
	 */
	record Choice( String image, String labels, int labelChannel, String table, String tableUnits, String mask, String policy, double fraction, String tissues, double distance, int frameGap, double minimum )
	{}

	@Override
	public void run()
	{
		final Choice choice = ask( WindowManager.getImageTitles() );
		if ( choice == null )
			return;
		try
		{
			if ( choice.image().isBlank() )
				throw new IllegalArgumentException( "No image is open, and no image file was given. Open the image to track, or name its file; then its label image (or a table of cells), and a tissue mask if there is one." );
			final ImagePlus imp = Images.get( choice.image(), "image" );
			final Settings settings = settings( imp, choice );
			if ( !imp.isVisible() )
				imp.show();
			IJ.selectWindow( imp.getID() );
			new Wizard( settings ).run( "" );
		}
		catch ( final IllegalArgumentException e )
		{
			IJ.error( TITLE, wrapped( e.getMessage() ) );
		}
	}

	/** ImageJ's message box does not break lines. */
	private static String wrapped( final String text )
	{
		return text.replaceAll( "(.{60,80}?) ", "$1\n" );
	}

	private static Choice ask( final String[] titles )
	{
		final GenericDialog dialog = new GenericDialog( TITLE );
		dialog.addChoice( "Image", titles.length == 0 ? new String[] { FILE } : titles, titles.length == 0 ? FILE : WindowManager.getCurrentImage().getTitle() );
		dialog.addFileField( "Image_file (instead)", "", 30 );
		dialog.addChoice( "Label_image", with( SAME, titles ), SAME );
		dialog.addFileField( "Label_file (instead)", "", 30 );
		dialog.addNumericField( "Label_channel (from 1)", 1, 0 );
		dialog.addFileField( "Table_instead of labels (CSV)", "", 30 );
		dialog.addChoice( "Table_units", new String[] { "physical", "pixels" }, "physical" );
		dialog.addChoice( "Tissue_mask", with( NONE, titles ), NONE );
		dialog.addFileField( "Mask_file (instead)", "", 30 );
		dialog.addChoice( "Cells_to_keep", POLICIES, POLICIES[ 0 ] );
		dialog.addNumericField( "Least_fraction inside (0 to 1)", 0.5, 2 );
		dialog.addStringField( "Tissue_ids (empty: all)", "" );
		dialog.addNumericField( "Linking_distance (unit of the image)", 15, 2 );
		dialog.addNumericField( "Frame_gap (frames, 1 = no gaps)", 2, 0 );
		dialog.addNumericField( "Minimum_tracklet length (frames, 0 = off)", 3, 0 );
		dialog.showDialog();
		if ( dialog.wasCanceled() )
			return null;
		final String image = dialog.getNextChoice();
		final String imageFile = dialog.getNextString();
		final String labels = dialog.getNextChoice();
		final String labelFile = dialog.getNextString();
		final String table = dialog.getNextString();
		final String units = dialog.getNextChoice();
		final String mask = dialog.getNextChoice();
		final String maskFile = dialog.getNextString();
		final String policy = dialog.getNextChoice();
		final String tissues = dialog.getNextString();
		final int channel = ( int ) dialog.getNextNumber();
		final double fraction = dialog.getNextNumber();
		final double distance = dialog.getNextNumber();
		final int frameGap = ( int ) dialog.getNextNumber();
		final double minimum = dialog.getNextNumber();
		return new Choice( either( imageFile, image, FILE ), either( labelFile, labels, SAME ), channel, table, units, either( maskFile, mask, NONE ), policy, fraction, tissues, distance, frameGap, minimum );
	}

	/** A file goes before an open image. */
	private static String either( final String file, final String title, final String none )
	{
		return !file.isBlank() ? file : none.equals( title ) ? "" : title;
	}

	private static String[] with( final String first, final String[] titles )
	{
		final List< String > all = new ArrayList<>( List.of( first ) );
		all.addAll( Arrays.asList( titles ) );
		return all.toArray( String[]::new );
	}

	/**
	 * Makes TrackMate's settings, and checks that the images go together.
	 *
	 * @param imp
	 *            image to track.
	 * @param choice
	 *            what was chosen.
	 * @return new settings.
	 */
	static Settings settings( final ImagePlus imp, final Choice choice )
	{
		final Movie image = Movie.of( imp, 1 );
		final Map< String, Object > detection = new HashMap<>();
		detection.put( DetectorArguments.MASK_IMAGE, choice.mask() );
		detection.put( DetectorArguments.MASK_TISSUES, choice.tissues() );
		String warnings = "";
		if ( !choice.mask().isEmpty() )
		{
			final Movie mask = Movie.of( Images.get( choice.mask(), "tissue mask" ), 1 );
			mask.checkCovers( image );
			warnings += mask.calibrationWarning( image );
		}
		final SpotDetectorFactoryBase< ? > detector;
		if ( !choice.table().isBlank() )
		{
			detector = new CsvDetectorFactory<>();
			detection.put( CsvDetectorFactory.CSV_FILE, choice.table() );
			detection.put( CsvDetectorFactory.CSV_UNITS, choice.tableUnits() );
		}
		else
		{
			detector = new LabelMaskDetectorFactory<>();
			detection.put( LabelMaskDetectorFactory.LABEL_IMAGE, choice.labels() );
			detection.put( DetectorKeys.KEY_TARGET_CHANNEL, choice.labelChannel() );
			detection.put( DetectorArguments.MASK_POLICY, choice.policy() );
			detection.put( DetectorArguments.MASK_FRACTION, choice.fraction() );
			final Movie labels = choice.labels().isEmpty() ? image.withChannel( choice.labelChannel() ) : Movie.of( Images.get( choice.labels(), "label image" ), choice.labelChannel() );
			labels.checkSizeOf( image );
			warnings += labels.calibrationWarning( image );
		}
		if ( !warnings.isEmpty() )
			IJ.log( TITLE + ": " + warnings.trim() );
		return Jobs.settings( imp, detector, detection, new PrunedTrackerFactory.Lap(), Jobs.tracking( choice.distance(), choice.frameGap(), true, choice.minimum(), TrackletLength.FRAMES ) );
	}

	/** TrackMate's own plugin, with our settings instead of those used last. */
	private static final class Wizard extends TrackMatePlugIn
	{
		private final Settings settings;

		Wizard( final Settings settings )
		{
			this.settings = settings;
		}

		@Override
		protected Settings createSettings( final ImagePlus imp )
		{
			// TrackMate may have asked to swap z and t in between.
			return Jobs.settings( imp, settings.detectorFactory, settings.detectorSettings, settings.trackerFactory, settings.trackerSettings );
		}
	}
}
