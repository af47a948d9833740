/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Color;
import java.awt.Dimension;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

import javax.swing.JFrame;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.SelectionModel;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.TrackMatePlugIn;
import fiji.plugin.trackmate.features.FeatureUtils;
import fiji.plugin.trackmate.features.track.TrackIndexAnalyzer;
import fiji.plugin.trackmate.gui.GuiUtils;
import fiji.plugin.trackmate.gui.Icons;
import fiji.plugin.trackmate.gui.components.FilterGuiPanel;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings;
import fiji.plugin.trackmate.gui.displaysettings.DisplaySettings.TrackMateObject;
import fiji.plugin.trackmate.gui.wizard.WizardSequence;
import fiji.plugin.trackmate.gui.wizard.descriptors.ConfigureViewsDescriptor;
import fiji.plugin.trackmate.util.LogRecorder;
import fiji.plugin.trackmate.visualization.hyperstack.HyperStackDisplayer;
import ij.IJ;
import ij.ImagePlus;

/**
 * TrackMate's wizard, opened where there is something to decide: the cells are
 * found already, or they are tracked, too.
 */
final class Wizard extends TrackMatePlugIn
{
	/** TrackMate's name of the panel in which spots are filtered. */
	private static final String FILTER_SPOTS = "SpotFilter";

	private final ImagePlus imp;

	private final Model model;

	/**
	 * Creates a wizard; nothing is shown yet.
	 *
	 * @param imp
	 *            image to track.
	 */
	Wizard( final ImagePlus imp )
	{
		this.imp = imp;
		model = createModel( imp );
	}

	/** The model that it will show. */
	Model model()
	{
		return model;
	}

	/**
	 * Finds the cells, and opens the wizard at the panel that filters them.
	 *
	 * @param settings
	 *            settings for the image.
	 * @throws IllegalArgumentException
	 *             if TrackMate refuses; for the user. Nothing is shown then.
	 */
	void openWithCells( final Settings settings )
	{
		open( settings, FILTER_SPOTS );
	}

	/**
	 * Finds and tracks the cells, and opens the wizard at the panel that shows
	 * tracks.
	 *
	 * @param settings
	 *            settings for the image.
	 * @throws IllegalArgumentException
	 *             if TrackMate refuses; for the user. Nothing is shown then.
	 */
	void openWithTracks( final Settings settings )
	{
		open( settings, ConfigureViewsDescriptor.KEY );
	}

	private void open( final Settings settings, final String panel )
	{
		final LogRecorder log = new LogRecorder( new StatusLogger() );
		model.setLogger( log );
		final TrackMate trackmate = createTrackMate( model, settings );
		Jobs.setUnits( model, imp );
		try
		{
			Jobs.detect( trackmate );
			if ( model.getSpots().getNSpots( true ) == 0 )
				throw new IllegalArgumentException( "No cell was found.\n" + log.toString().lines().filter( l -> l.startsWith( "No " ) || l.contains( "dropped" ) ).limit( 5 ).collect( Collectors.joining( "\n" ) ) );
			if ( !FILTER_SPOTS.equals( panel ) )
				Jobs.link( trackmate );
		}
		finally
		{
			IJ.showProgress( 1 );
		}
		show( trackmate, panel );
		tell( log.toString() );
	}

	private void show( final TrackMate trackmate, final String panel )
	{
		final Settings settings = trackmate.getSettings();
		if ( !imp.isVisible() )
			imp.show();
		imp.setOpenAsHyperStack( true );
		// It sets brightness and contrast anew.
		if ( imp.getNChannels() > 1 )
			imp.setDisplayMode( IJ.COMPOSITE );
		goToCells();
		final SelectionModel selection = new SelectionModel( model );
		final DisplaySettings display = createDisplaySettings();
		if ( model.getTrackModel().nTracks( true ) > 0 )
			spreadColours( display );
		new HyperStackDisplayer( model, selection, imp, display ).render();
		final WizardSequence sequence = createSequence( trackmate, selection, display );
		sequence.setCurrent( panel );
		if ( sequence.current().getPanelComponent() instanceof final FilterGuiPanel filters )
		{
			// Else it waits for features, which are there already.
			filters.showProgressBar( false );
			filters.refreshValues();
		}
		final JFrame frame = sequence.run( "TrackMate on " + settings.imp.getShortTitle() );
		frame.setIconImage( Icons.TRACKMATE_ICON.getImage() );
		GuiUtils.positionWindow( frame, imp.getWindow() );
		frame.setVisible( true );
		// Else the panel that it opens at is not laid out.
		final Dimension size = frame.getSize();
		frame.setSize( size.width, size.height + 1 );
	}

	/** Gives every track a colour of its own; TrackMate's range ends at the tenth. */
	private void spreadColours( final DisplaySettings display )
	{
		display.setTrackColorBy( TrackMateObject.TRACKS, TrackIndexAnalyzer.TRACK_INDEX );
		final double[] range = FeatureUtils.autoMinMax( model, TrackMateObject.TRACKS, TrackIndexAnalyzer.TRACK_INDEX );
		display.setTrackMinMax( range[ 0 ], range[ 1 ] );
	}

	/** The wizard's own log is there only now. */
	private void tell( final String text )
	{
		final Logger logger = model.getLogger();
		text.lines().forEach( line -> logger.log( line + "\n", Color.BLACK ) );
	}

	/** Shows the first frame with cells, in the plane that holds most of them. */
	private void goToCells()
	{
		final Optional< Integer > first = model.getSpots().keySet().stream().filter( t -> model.getSpots().getNSpots( t, true ) > 0 ).findFirst();
		if ( first.isEmpty() )
			return;
		final double depth = imp.getCalibration().pixelDepth;
		final Map< Integer, Long > planes = StreamSupport.stream( model.getSpots().iterable( first.get(), true ).spliterator(), false )
				.collect( Collectors.groupingBy( s -> ( int ) Math.floor( s.getFeature( Spot.POSITION_Z ) / depth + 0.5 ), Collectors.counting() ) );
		final int fullest = planes.entrySet().stream().max( Comparator.comparing( Map.Entry< Integer, Long >::getValue ) ).orElseThrow().getKey();
		imp.setPosition( imp.getChannel(), Math.min( imp.getNSlices(), fullest + 1 ), first.get() + 1 );
	}

	/** Shows progress in ImageJ's status bar. */
	private static final class StatusLogger extends Logger
	{
		@Override
		public void log( final String message, final Color color )
		{
			// Shown in the wizard's log later.
		}

		@Override
		public void error( final String message )
		{
			// As above.
		}

		@Override
		public void setProgress( final double value )
		{
			IJ.showProgress( value );
		}

		@Override
		public void setStatus( final String status )
		{
			IJ.showStatus( status );
		}
	}
}
