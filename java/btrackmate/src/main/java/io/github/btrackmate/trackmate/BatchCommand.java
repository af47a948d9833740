package io.github.btrackmate.trackmate;

import java.io.File;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

import org.scijava.ItemIO;
import org.scijava.ItemVisibility;
import org.scijava.command.Command;
import org.scijava.command.ContextCommand;
import org.scijava.log.LogService;
import org.scijava.plugin.Parameter;
import org.scijava.plugin.Plugin;
import org.scijava.widget.FileWidget;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.detection.DetectorKeys;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.util.LogRecorder;
import ij.IJ;
import ij.ImagePlus;
import ij.Prefs;

/**
 * Plugins &gt; Tracking &gt; BTrackMate &gt; Batch…: files in, TrackMate file
 * out; with or without a screen. A mistake of the user cancels the command with
 * one line that says what to do. Nothing is remembered from run to run: a mask
 * of last week must not slip into a script that names none.
 */
@Plugin( type = Command.class, menuPath = "Plugins>Tracking>BTrackMate>Batch...", headless = true )
public final class BatchCommand extends ContextCommand
{
	@Parameter( visibility = ItemVisibility.MESSAGE, required = false )
	private final String message = "Tracks the cells of a label image or a table, with TrackMate.";

	@Parameter( persist = false, label = "Image", description = "Image file that ImageJ opens as a hyperstack, calibrated" )
	private File image;

	@Parameter( persist = false, label = "Label image (empty: a channel of the image)", required = false, description = "File of the same size: 0 is background, every other whole number a cell" )
	private File labels;

	@Parameter( persist = false, label = "Label channel", min = "1", description = "Channel with the labels, from 1" )
	private int labelChannel = 1;

	@Parameter( persist = false, label = "Table instead of labels", required = false, description = "CSV file with one row a cell and frame" )
	private File table;

	@Parameter( persist = false, label = "Table is in", choices = { "physical", "pixels" }, description = "Units of the positions in the table: physical (those of the image) or pixels" )
	private String tableUnits = "physical";

	@Parameter( persist = false, label = "Tissue mask", required = false, description = "File: 0 outside, else the tissue id; one plane or all, one frame or all" )
	private File mask;

	@Parameter( persist = false, label = "Cells to keep", choices = { "keep-touching", "centroid", "fraction", "clip" }, description = "Which cells of a label image the mask keeps; of a table always those with the centroid inside" )
	private String maskPolicy = "keep-touching";

	@Parameter( persist = false, label = "Least fraction inside (0 to 1)", min = "0", max = "1", stepSize = "0.05", description = "For 'fraction': least part of the voxels of a cell in the tissue, without unit" )
	private double maskFraction = 0.5;

	@Parameter( persist = false, label = "Tissue ids (empty: all)", required = false, description = "Ids of the tissues that count, with commas between them" )
	private String tissues = "";

	@Parameter( persist = false, label = "Tracker", choices = { "LAP", "advanced Kalman", "overlap" }, description = "TrackMate's tracker" )
	private String tracker = "LAP";

	@Parameter( persist = false, label = "Linking distance (unit of the image)", min = "0", description = "Greatest distance from frame to frame, and over gaps and divisions, in the unit of the image, e.g. µm" )
	private double linkingDistance = 15;

	@Parameter( persist = false, label = "Frame gap (frames)", min = "1", description = "Greatest difference of frames over a gap, in frames; 1: no gap closing" )
	private int frameGap = 2;

	@Parameter( persist = false, label = "Cells divide", description = "Whether tracks may split" )
	private boolean splitting = true;

	@Parameter( persist = false, label = "Minimum tracklet length (0 = off)", min = "0", description = "Daughters that end sooner after a division are pruned; in frames or time units, see below" )
	private double minTrackletLength = 3;

	@Parameter( persist = false, label = "Unit of that length", choices = { TrackletLength.FRAMES, TrackletLength.TIME }, description = "frames, or the time unit of the image" )
	private String minTrackletUnit = TrackletLength.FRAMES;

	@Parameter( persist = false, label = "Planes are frames", description = "For files that lost their dimensions: takes z as t" )
	private boolean planesAreFrames = false;

	@Parameter( persist = false, label = "Save as", style = FileWidget.SAVE_STYLE, description = "TrackMate file (.xml)" )
	private File output;

	@Parameter( persist = false, label = "Overwrite", description = "Whether a file of that name is replaced" )
	private boolean overwrite = false;

	@Parameter( type = ItemIO.OUTPUT, label = "Spots" )
	private int spotCount;

	@Parameter( type = ItemIO.OUTPUT, label = "Tracks" )
	private int trackCount;

	@Parameter
	private LogService log;

	/** TrackMate at work; null before. */
	private volatile TrackMate working;

	/** Cancels TrackMate, too; no file is written then. */
	@Override
	public void cancel( final String reason )
	{
		super.cancel( reason );
		final TrackMate trackmate = working;
		if ( trackmate != null )
			trackmate.cancel( reason );
	}

	@Override
	public void run()
	{
		try
		{
			if ( output.exists() && !overwrite )
				throw new IllegalArgumentException( "The file '" + output + "' exists already; tick 'Overwrite', or choose another name." );
			track();
		}
		catch ( final IllegalArgumentException | IOException e )
		{
			log.error( "BTrackMate: " + e.getMessage() );
			cancel( e.getMessage() );
		}
	}

	private void track() throws IOException
	{
		final ImagePlus imp = open( image, "image" );
		if ( imp.getNFrames() == 1 && imp.getNSlices() > 1 )
			throw new IllegalArgumentException( "Image '" + imp.getTitle() + "' has 1 frame and " + imp.getNSlices() + " planes. If the planes are frames, tick 'Planes are frames'." );
		final LogRecorder recorder = new LogRecorder( new ServiceLogger( log ) );
		final Model model = Jobs.model( imp, recorder );
		final Settings settings = Jobs.settings( imp, detector( model ), detection(), Jobs.tracker( tracker ), Jobs.tracking( linkingDistance, frameGap, splitting, minTrackletLength, minTrackletUnit ) );
		final TrackMate trackmate = new TrackMate( model, settings );
		trackmate.setNumThreads( Prefs.getThreads() );
		working = trackmate;
		if ( isCanceled() )
			return;
		Jobs.run( trackmate );
		if ( isCanceled() )
			return;
		Jobs.save( trackmate, recorder.toString(), output );
		spotCount = model.getSpots().getNSpots( true );
		trackCount = model.getTrackModel().nTracks( true );
		log.info( "BTrackMate: " + spotCount + " spots, " + trackCount + " tracks, saved as " + output );
	}

	private SpotDetectorFactoryBase< ? > detector( final Model model )
	{
		final ImagePlus maskImage = isGiven( mask ) ? open( mask, "tissue mask" ) : null;
		if ( isGiven( table ) )
			return new CsvDetectorFactory<>( model, maskImage );
		return new LabelMaskDetectorFactory<>( isGiven( labels ) ? open( labels, "label image" ) : null, maskImage );
	}

	private Map< String, Object > detection()
	{
		final Map< String, Object > settings = new HashMap<>();
		settings.put( DetectorArguments.MASK_IMAGE, path( mask ) );
		settings.put( DetectorArguments.MASK_TISSUES, tissues == null ? "" : tissues );
		if ( isGiven( table ) )
		{
			settings.put( CsvDetectorFactory.CSV_FILE, path( table ) );
			settings.put( CsvDetectorFactory.CSV_UNITS, tableUnits );
			return settings;
		}
		settings.put( LabelMaskDetectorFactory.LABEL_IMAGE, path( labels ) );
		settings.put( DetectorKeys.KEY_TARGET_CHANNEL, labelChannel );
		settings.put( DetectorArguments.MASK_POLICY, maskPolicy );
		settings.put( DetectorArguments.MASK_FRACTION, maskFraction );
		return settings;
	}

	/** SciJava gives an empty path for a field that was left empty. */
	private static boolean isGiven( final File file )
	{
		return file != null && !file.getPath().isEmpty();
	}

	private static String path( final File file )
	{
		return isGiven( file ) ? file.getAbsolutePath() : "";
	}

	private ImagePlus open( final File file, final String role )
	{
		if ( !file.isFile() )
			throw new IllegalArgumentException( "There is no file '" + file + "'; the " + role + " was expected." );
		final ImagePlus imp = IJ.openImage( file.getAbsolutePath() );
		if ( imp == null )
			throw new IllegalArgumentException( "ImageJ cannot open the " + role + " '" + file + "'." );
		if ( planesAreFrames && imp.getNFrames() == 1 )
			imp.setDimensions( imp.getNChannels(), 1, imp.getNSlices() );
		return imp;
	}
}
