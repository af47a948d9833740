package io.github.btrackmate.trackmate;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;
import fiji.plugin.trackmate.gui.wizard.descriptors.ConfigureViewsDescriptor;
import fiji.plugin.trackmate.io.TmXmlWriter;
import fiji.plugin.trackmate.tracking.SpotTrackerFactory;
import fiji.plugin.trackmate.tracking.TrackerKeys;
import ij.ImagePlus;

/**
 * Sets up and runs TrackMate as the commands of BTrackMate need it.
 */
final class Jobs
{
	private Jobs()
	{}

	/**
	 * Makes settings for an image.
	 *
	 * @param imp
	 *            image to track.
	 * @param detector
	 *            detector.
	 * @param detection
	 *            its settings that are not the defaults.
	 * @param tracker
	 *            tracker.
	 * @param tracking
	 *            its settings that are not the defaults; names that it does not
	 *            have are left out.
	 * @return new settings, with all analyzers.
	 * @throws IllegalArgumentException
	 *             if a setting is wrong; for the user.
	 */
	static Settings settings( final ImagePlus imp, final SpotDetectorFactoryBase< ? > detector, final Map< String, Object > detection, final SpotTrackerFactory tracker, final Map< String, Object > tracking )
	{
		final Settings settings = new Settings( imp );
		settings.detectorFactory = detector;
		settings.detectorSettings = new HashMap<>( detector.getDefaultSettings() );
		settings.detectorSettings.putAll( detection );
		settings.trackerFactory = tracker;
		settings.trackerSettings = new HashMap<>( tracker.getDefaultSettings() );
		settings.trackerSettings.replaceAll( tracking::getOrDefault );
		check( detector.checkSettings( settings.detectorSettings ) );
		check( tracker.checkSettings( settings.trackerSettings ) );
		settings.addAllAnalyzers();
		return settings;
	}

	private static void check( final String fault )
	{
		if ( fault != null )
			throw new IllegalArgumentException( fault.trim() );
	}

	/**
	 * Names TrackMate's settings for the most common choices.
	 *
	 * @param linkingDistance
	 *            greatest distance from frame to frame, in units of the image.
	 * @param frameGap
	 *            greatest difference of frames over a gap; 1 or less for no gap
	 *            closing.
	 * @param splitting
	 *            whether cells divide.
	 * @param minimum
	 *            minimum tracklet length; 0 = off.
	 * @param unit
	 *            its unit.
	 * @return settings.
	 */
	static Map< String, Object > tracking( final double linkingDistance, final int frameGap, final boolean splitting, final double minimum, final String unit )
	{
		final Map< String, Object > settings = new HashMap<>();
		settings.put( TrackerKeys.KEY_LINKING_MAX_DISTANCE, linkingDistance );
		settings.put( TrackerKeys.KEY_KALMAN_SEARCH_RADIUS, linkingDistance );
		settings.put( TrackerKeys.KEY_GAP_CLOSING_MAX_DISTANCE, linkingDistance );
		settings.put( TrackerKeys.KEY_SPLITTING_MAX_DISTANCE, linkingDistance );
		settings.put( TrackerKeys.KEY_ALLOW_GAP_CLOSING, frameGap > 1 );
		settings.put( TrackerKeys.KEY_GAP_CLOSING_MAX_FRAME_GAP, Math.max( 1, frameGap ) );
		settings.put( TrackerKeys.KEY_ALLOW_TRACK_SPLITTING, splitting );
		settings.put( TrackletLength.MINIMUM, minimum );
		settings.put( TrackletLength.UNIT, unit );
		return settings;
	}

	/** Finds a tracker by the name that the commands show. */
	static SpotTrackerFactory tracker( final String name )
	{
		switch ( name )
		{
		case "LAP":
			return new PrunedTrackerFactory.Lap();
		case "advanced Kalman":
			return new PrunedTrackerFactory.AdvancedKalman();
		case "overlap":
			return new PrunedTrackerFactory.Overlap();
		default:
			throw new IllegalArgumentException( "There is no tracker '" + name + "'; use LAP, advanced Kalman or overlap." );
		}
	}

	/**
	 * Detects, measures and tracks.
	 *
	 * @param trackmate
	 *            set up; its model is filled.
	 * @throws IllegalArgumentException
	 *             if TrackMate refuses; for the user.
	 */
	static void run( final TrackMate trackmate )
	{
		if ( !trackmate.checkInput() || !trackmate.process() )
			throw new IllegalArgumentException( String.valueOf( trackmate.getErrorMessage() ).trim() );
	}

	/**
	 * Saves a file that TrackMate opens with its views panel. It gets its name
	 * when it is complete.
	 *
	 * @param trackmate
	 *            what to save.
	 * @param log
	 *            log to save with it.
	 * @param file
	 *            where to.
	 * @throws IOException
	 *             if it cannot be written.
	 */
	static void save( final TrackMate trackmate, final String log, final File file ) throws IOException
	{
		final Path path = file.toPath().toAbsolutePath();
		final Path temporary = path.resolveSibling( "." + path.getFileName() + ".tmp" );
		final TmXmlWriter writer = new TmXmlWriter( temporary.toFile(), Logger.VOID_LOGGER );
		writer.appendLog( log );
		writer.appendModel( trackmate.getModel() );
		writer.appendSettings( trackmate.getSettings() );
		writer.appendGUIState( ConfigureViewsDescriptor.KEY );
		writer.appendDisplaySettings( DisplaySettings.defaultStyle() );
		writer.writeToFile();
		Files.move( temporary, path, StandardCopyOption.REPLACE_EXISTING );
	}

	/** An empty model in the units of an image. */
	static Model model( final ImagePlus imp, final Logger logger )
	{
		final Model model = new Model();
		model.setPhysicalUnits( imp.getCalibration().getXUnit(), imp.getCalibration().getTimeUnit() );
		model.setLogger( logger );
		return model;
	}
}
