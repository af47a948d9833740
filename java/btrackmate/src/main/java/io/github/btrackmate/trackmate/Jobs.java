/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
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
import io.github.btrackmate.schema.Units;

/**
 * Sets up and runs TrackMate as the commands of BTrackMate need it.
 */
final class Jobs
{
	/** Linking distance where the data tell none, in voxels. */
	private static final double LAST_RESORT = 10;

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
		settings.trackerSettings.putAll( known( settings.trackerSettings, tracking ) );
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

	/** Those of some settings that a tracker has. */
	static Map< String, Object > known( final Map< String, Object > ofTracker, final Map< String, Object > settings )
	{
		final Map< String, Object > known = new HashMap<>( settings );
		known.keySet().retainAll( ofTracker.keySet() );
		return known;
	}

	/**
	 * Names TrackMate's settings for what the commands ask for.
	 *
	 * @param linking
	 *            what they ask for.
	 * @param voxel
	 *            largest side of a voxel.
	 */
	static Map< String, Object > tracking( final TrackInputs.Linking linking, final double voxel )
	{
		final Map< String, Object > settings = new HashMap<>();
		settings.put( AutoDistances.KEY, linking.distance().isEmpty() );
		final double distance = linking.distance().orElse( LAST_RESORT * voxel );
		settings.put( TrackerKeys.KEY_LINKING_MAX_DISTANCE, distance );
		settings.put( TrackerKeys.KEY_KALMAN_SEARCH_RADIUS, distance );
		settings.put( TrackerKeys.KEY_GAP_CLOSING_MAX_DISTANCE, distance );
		settings.put( TrackerKeys.KEY_SPLITTING_MAX_DISTANCE, distance );
		settings.put( TrackerKeys.KEY_ALLOW_GAP_CLOSING, linking.frameGap() > 1 );
		settings.put( TrackerKeys.KEY_GAP_CLOSING_MAX_FRAME_GAP, linking.frameGap() );
		settings.put( TrackerKeys.KEY_ALLOW_TRACK_SPLITTING, linking.splitting() );
		settings.put( TrackletLength.MINIMUM, linking.minimum() );
		settings.put( TrackletLength.UNIT, linking.unit() );
		return settings;
	}

	/**
	 * Finds a tracker by the name that the commands show.
	 *
	 * @param name
	 *            name.
	 * @param model
	 *            where the table of what is pruned is kept.
	 * @return new factory.
	 */
	static SpotTrackerFactory tracker( final String name, final Model model )
	{
		switch ( name )
		{
		case "LAP":
			return new PrunedTrackerFactory.Lap().reportTo( model );
		case "advanced Kalman":
			return new PrunedTrackerFactory.AdvancedKalman().reportTo( model );
		case "overlap":
			return new PrunedTrackerFactory.Overlap().reportTo( model );
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
		demand( trackmate.checkInput() && trackmate.process(), trackmate );
	}

	/** Detects and measures the cells; all of them are kept. */
	static void detect( final TrackMate trackmate )
	{
		demand( trackmate.checkInput() && trackmate.execDetection() && trackmate.execInitialSpotFiltering() && trackmate.computeSpotFeatures( true ) && trackmate.execSpotFiltering( true ), trackmate );
	}

	/** Links cells that were detected. */
	static void link( final TrackMate trackmate )
	{
		demand( trackmate.execTracking() && trackmate.computeEdgeFeatures( true ) && trackmate.computeTrackFeatures( true ) && trackmate.execTrackFiltering( true ), trackmate );
	}

	private static void demand( final boolean done, final TrackMate trackmate )
	{
		if ( !done )
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
		setUnits( model, imp );
		model.setLogger( logger );
		return model;
	}

	/** Gives a model the units of an image, under the names that Python writes, too. */
	static void setUnits( final Model model, final ImagePlus imp )
	{
		model.setPhysicalUnits( Units.space( imp.getCalibration().getXUnit() ), Units.time( imp.getCalibration().getTimeUnit() ) );
	}
}
