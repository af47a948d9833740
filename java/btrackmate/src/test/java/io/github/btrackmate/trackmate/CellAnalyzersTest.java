/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.TrackMate;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.features.ModelFeatureUpdater;
import fiji.plugin.trackmate.features.spot.SpotAnalyzerFactoryBase;
import fiji.plugin.trackmate.features.spot.SpotIntensityMultiCAnalyzerFactory;
import fiji.plugin.trackmate.io.TmXmlReader;
import fiji.plugin.trackmate.io.TmXmlWriter;
import fiji.plugin.trackmate.providers.SpotAnalyzerProvider;
import fiji.plugin.trackmate.tracking.jaqaman.SparseLAPTrackerFactory;
import ij.IJ;
import ij.ImagePlus;

/**
 * Intensities are those of the label's own voxels, in every channel, and stay so.
 * The cell is a row of 8 pixels, of radius √(8/π) = 1.6: TrackMate's disc holds
 * others. Channel 1 is 100 in the cell (102 at its ends) and 10 around it, channel
 * 2 three times that; frame 1 is brighter by 1.
 */
class CellAnalyzersTest
{
	private static final double MEAN = ( 6 * 100 + 2 * 102 ) / 8.0;

	private final ImagePlus image = IJ.createHyperStack( "image", 16, 7, 2, 1, 2, 16 );

	private final ImagePlus labels = IJ.createHyperStack( "labels", 16, 7, 1, 1, 2, 16 );

	CellAnalyzersTest()
	{
		for ( int t = 1; t <= 2; t++ )
			for ( int x = 0; x < 16; x++ )
				for ( int y = 0; y < 7; y++ )
				{
					final boolean cell = y == 3 && x >= 4 && x < 12;
					final int value = ( cell ? x == 4 || x == 11 ? 102 : 100 : 10 ) + t - 1;
					labels.getStack().getProcessor( t ).set( x, y, cell ? 7 : 0 );
					image.getStack().getProcessor( image.getStackIndex( 1, 1, t ) ).set( x, y, value );
					image.getStack().getProcessor( image.getStackIndex( 2, 1, t ) ).set( x, y, 3 * value );
				}
	}

	private TrackMate trackmate( final SpotDetectorFactoryBase< ? > detector, final Map< String, Object > changes )
	{
		final Settings settings = new Settings( image );
		settings.detectorFactory = detector;
		settings.detectorSettings = detector.getDefaultSettings();
		settings.detectorSettings.putAll( changes );
		settings.trackerFactory = new SparseLAPTrackerFactory();
		settings.trackerSettings = settings.trackerFactory.getDefaultSettings();
		settings.addAllAnalyzers();
		final TrackMate trackmate = new TrackMate( new Model(), settings );
		assertTrue( trackmate.execDetection(), trackmate.getErrorMessage() );
		assertTrue( trackmate.computeSpotFeatures( false ), trackmate.getErrorMessage() );
		return trackmate;
	}

	private TrackMate detected()
	{
		return trackmate( new LabelMaskDetectorFactory<>( labels, null ), Map.of() );
	}

	private static Spot spot( final Model model, final int frame )
	{
		return model.getSpots().iterable( frame, false ).iterator().next();
	}

	private static void checkCell( final Spot spot )
	{
		final int t = spot.getFeature( Spot.FRAME ).intValue();
		for ( int c = 1; c <= 2; c++ )
		{
			final double gain = c == 1 ? 1 : 3;
			assertEquals( gain * ( MEAN + t ), spot.getFeature( "MEAN_INTENSITY_CH" + c ), 1e-9 );
			assertEquals( gain * ( 100 + t ), spot.getFeature( "MEDIAN_INTENSITY_CH" + c ), 1e-9 );
			assertEquals( gain * ( 100 + t ), spot.getFeature( "MIN_INTENSITY_CH" + c ), 1e-9 );
			assertEquals( gain * ( 102 + t ), spot.getFeature( "MAX_INTENSITY_CH" + c ), 1e-9 );
			assertEquals( gain * 8 * ( MEAN + t ), spot.getFeature( "TOTAL_INTENSITY_CH" + c ), 1e-9 );
			assertEquals( gain * Math.sqrt( ( 6 * 0.25 + 2 * 2.25 ) / 7 ), spot.getFeature( "STD_INTENSITY_CH" + c ), 1e-9 );
			assertEquals( ( MEAN - 10 ) / ( MEAN + 10 + 2 * t ), spot.getFeature( "CONTRAST_CH" + c ), 1e-9 );
			assertEquals( ( MEAN - 10 ) / Math.sqrt( ( 6 * 0.25 + 2 * 2.25 ) / 7 ), spot.getFeature( "SNR_CH" + c ), 1e-9 );
		}
	}

	@Test
	void voxelsOfTheLabelCount()
	{
		final TrackMate trackmate = detected();
		checkCell( spot( trackmate.getModel(), 0 ) );
		checkCell( spot( trackmate.getModel(), 1 ) );
		assertTrue( trackmate.getModel().getFeatureModel().getSpotFeatures().containsAll( List.of( "MEAN_INTENSITY_CH1", "STD_INTENSITY_CH2", "SNR_CH2" ) ) );
	}

	/** TrackMate would measure again what an edit touches. */
	@Test
	void afterAnEdit()
	{
		final TrackMate trackmate = detected();
		final Model model = trackmate.getModel();
		final ModelFeatureUpdater updater = new ModelFeatureUpdater( model, trackmate.getSettings() );
		model.beginUpdate();
		spot( model, 0 ).putFeature( Spot.RADIUS, 3.0 );
		model.updateFeatures( spot( model, 0 ) );
		model.endUpdate();
		updater.quit();
		checkCell( spot( model, 0 ) );
	}

	@Test
	void afterReloading( @TempDir final Path folder ) throws IOException
	{
		final TrackMate trackmate = detected();
		final File file = folder.resolve( "spots.xml" ).toFile();
		final TmXmlWriter writer = new TmXmlWriter( file, Logger.VOID_LOGGER );
		writer.appendModel( trackmate.getModel() );
		writer.appendSettings( trackmate.getSettings() );
		writer.writeToFile();
		final TmXmlReader reader = new TmXmlReader( file );
		final Model model = reader.getModel();
		final Settings settings = reader.readSettings( image );
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		assertTrue( new TrackMate( model, settings ).computeSpotFeatures( false ) );
		checkCell( spot( model, 0 ) );
		checkCell( spot( model, 1 ) );
	}

	/** A spot that was drawn by hand has no label: TrackMate's disc of radius 1.6 on the cell. */
	@Test
	void handMadeSpotsAreTrackMates()
	{
		final TrackMate trackmate = detected();
		final Model model = trackmate.getModel();
		final ModelFeatureUpdater updater = new ModelFeatureUpdater( model, trackmate.getSettings() );
		final Spot drawn = new Spot( 7.5, 3, 0, spot( model, 0 ).getFeature( Spot.RADIUS ), 1 );
		model.beginUpdate();
		model.addSpotTo( drawn, 0 );
		model.endUpdate();
		updater.quit();
		assertEquals( 10.0, drawn.getFeature( "MIN_INTENSITY_CH1" ) );
		assertEquals( 30.0, drawn.getFeature( "MIN_INTENSITY_CH2" ) );
		assertNotNull( drawn.getFeature( "CONTRAST_CH1" ) );
	}

	/** What a table says of a label's voxels stays, what it does not say TrackMate measures. */
	@Test
	void tableWithIntensities( @TempDir final Path folder ) throws IOException
	{
		final Path table = folder.resolve( "cells.csv" );
		Files.writeString( table, "frame,x,y,label,voxels,mean_intensity_ch1\n0,7.5,3,7,8,55\n1,7.5,3,,,\n" );
		final Model model = trackmate( new CsvDetectorFactory<>(), Map.of( CsvDetectorFactory.CSV_FILE, table.toString(), CsvDetectorFactory.DEFAULT_RADIUS, 1.6 ) ).getModel();
		assertEquals( 55.0, spot( model, 0 ).getFeature( "MEAN_INTENSITY_CH1" ) );
		assertEquals( 30.0, spot( model, 0 ).getFeature( "MIN_INTENSITY_CH2" ) );
		assertEquals( 11.0, spot( model, 1 ).getFeature( "MIN_INTENSITY_CH1" ) );
	}

	/** One voxel has no standard deviation, and so no signal-to-noise; nothing is invented, nothing fails. */
	@Test
	void singleVoxel()
	{
		for ( int t = 1; t <= 2; t++ )
		{
			labels.getStack().getProcessor( t ).setValue( 0 );
			labels.getStack().getProcessor( t ).fill();
			labels.getStack().getProcessor( t ).set( 7, 3, 7 );
		}
		final Spot spot = spot( detected().getModel(), 0 );
		assertEquals( 100.0, spot.getFeature( "MEAN_INTENSITY_CH1" ) );
		assertNull( spot.getFeature( "STD_INTENSITY_CH1" ) );
		assertNull( spot.getFeature( "SNR_CH1" ) );
		// Two of its four neighbours are 100.
		assertEquals( ( 100.0 - 55 ) / ( 100 + 55 ), spot.getFeature( "CONTRAST_CH1" ), 1e-9 );
	}

	/** TrackMate takes ours for its own, once, and intensities come before contrast. */
	@Test
	void theyStandInThePlaceOfTrackMates()
	{
		final SpotAnalyzerProvider provider = new SpotAnalyzerProvider( 2 );
		assertInstanceOf( CellAnalyzers.Intensity.class, provider.getFactory( new SpotIntensityMultiCAnalyzerFactory<>().getKey() ) );
		final List< SpotAnalyzerFactoryBase< ? > > factories = detected().getSettings().getSpotAnalyzerFactories();
		final List< ? > types = factories.stream().map( Object::getClass ).filter( c -> SpotIntensityMultiCAnalyzerFactory.class.isAssignableFrom( c ) || c == CellAnalyzers.Contrast.class ).toList();
		assertEquals( List.of( CellAnalyzers.Intensity.class, CellAnalyzers.Contrast.class ), types );
	}
}
