/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;


import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryGenericConfig;
import fiji.plugin.trackmate.detection.SpotGlobalDetector;
import fiji.plugin.trackmate.detection.SpotGlobalDetectorFactory;
import fiji.plugin.trackmate.gui.components.ConfigurationPanel;
import ij.ImagePlus;
import io.github.btrackmate.csv.CsvCellReader;
import io.github.btrackmate.csv.CsvCells;
import io.github.btrackmate.csv.CsvException;
import io.github.btrackmate.csv.CsvOptions;
import io.github.btrackmate.mask.MaskPolicy;
import io.github.btrackmate.schema.SpotColumn;
import io.github.btrackmate.trackmate.CsvDetectorFactory.Arguments;
import net.imagej.ImgPlus;
import net.imglib2.Interval;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;

/**
 * CSV spot detector. Columns that TrackMate does not know become spot features;
 * they are declared in the model that was given to the constructor, or in that
 * of the wizard.
 *
 * @param <T>
 *            type of pixels.
 */
@Plugin( type = SpotGlobalDetectorFactory.class )
public final class CsvDetectorFactory< T extends RealType< T > & NativeType< T > > implements SpotGlobalDetectorFactory< T >, SpotDetectorFactoryGenericConfig< T, Arguments >, BTrackMateModule
{
	/** Key of this detector. */
	public static final String KEY = "BTRACKMATE_CSV_DETECTOR";

	/** Setting: the table. */
	public static final String CSV_FILE = "CSV_FILE";

	/** Setting: {@code physical} or {@code pixels}. */
	public static final String CSV_UNITS = "CSV_UNITS";

	/** Setting: what frame (or t) counts, {@code frames} or {@code time}. */
	public static final String CSV_TIME = "CSV_TIME";

	/** Setting: columns that are not guessed, such as {@code x=cx, frame=slice}. */
	public static final String CSV_COLUMNS = "CSV_COLUMNS";

	/** Setting: radius of spots for which the table has neither radius nor volume, in physical units. */
	public static final String DEFAULT_RADIUS = "DEFAULT_RADIUS";

	/** Setting: whether bad rows are left out. */
	public static final String SKIP_BAD_ROWS = "SKIP_BAD_ROWS";

	static final String PHYSICAL = "physical";

	static final String PIXELS = "pixels";

	private static final String INFO_TEXT = "<html>"
			+ "Makes one spot of every row of a table: comma, semicolon or tab, with a header. "
			+ "Columns are known by their names, in any order and case (x, y, z, frame or t, time, id, label, radius, volume, …; TrackMate's exports are read as they are); others can be named. "
			+ "All other columns of numbers become spot features."
			+ "<p>"
			+ "A tissue mask drops the spots outside; the others have their signed distance to the surface of the tissue, + inside."
			+ "</html>";

	private final ImagePlus mask;

	/** Null until the wizard gives it. */
	private Model model;

	/**
	 * Creates a factory for the wizard.
	 */
	public CsvDetectorFactory()
	{
		this( null, null );
	}

	/**
	 * Creates a factory for scripts.
	 *
	 * @param model
	 *            where to declare the features of further columns.
	 * @param mask
	 *            tissue mask, or {@code null} to find it by the settings.
	 */
	public CsvDetectorFactory( final Model model, final ImagePlus mask )
	{
		this.model = model;
		this.mask = mask;
	}

	/** Panel, defaults and XML of the settings. */
	public static final class Arguments extends DetectorArguments
	{
		private Arguments( final String spaceUnit )
		{
			addPath( CSV_FILE, "Table", "File with one row a cell and frame." );
			addChoiceArgument().key( CSV_UNITS ).name( "Positions are in" ).help( "Physical units of the image, or pixels; then radius and volume are in pixels too." )
					.inCLI( false ).addChoice( PHYSICAL ).addChoice( PIXELS ).defaultValue( Defaults.TABLE_UNITS ).get().set( Defaults.TABLE_UNITS );
			addChoiceArgument().key( CSV_TIME ).name( "Frames are" ).help( "Whether the column frame (or t) counts frames from 0, or is a time. A time counts frames by the frame interval of the image, or else by the step that is found in the times." )
					.inCLI( false ).addChoice( TrackletLength.FRAMES ).addChoice( TrackletLength.TIME ).defaultValue( Defaults.TABLE_TIME ).get().set( Defaults.TABLE_TIME );
			addStringArgument().key( CSV_COLUMNS ).name( "Columns" ).help( "Columns that are not known by their names, such as: x=cx, frame=slice. Empty: guess all." ).inCLI( false ).defaultValue( "" ).get().set( "" );
			addDoubleArgument().key( DEFAULT_RADIUS ).name( "Default radius (" + spaceUnit + ")" ).units( spaceUnit ).help( "Radius where the table has neither radius nor volume." ).inCLI( false ).defaultValue( 5. ).min( 0. ).get().set( 5. );
			addFlag( SKIP_BAD_ROWS, "Skip bad rows", "Leave out rows that make no sense, and list them in the log; else the first one refuses the table.", false );
			addMask();
			addTissues();
		}
	}

	@Override
	public ConfigurationPanel getDetectorConfigurationPanel( final Settings settings, final Model wizardModel )
	{
		model = wizardModel;
		return SpotDetectorFactoryGenericConfig.super.getDetectorConfigurationPanel( settings, wizardModel );
	}

	@Override
	public SpotGlobalDetector< T > getDetector( final ImgPlus< T > img, final Map< String, Object > settings, final Interval interval )
	{
		return new CellDetector<>( ( logger, executor, progress ) -> search( img, settings, interval, logger ).run( logger, executor, progress ) );
	}

	private CsvSearch search( final ImgPlus< T > img, final Map< String, Object > settings, final Interval interval, final Logger logger )
	{
		final Movie image = Movie.of( img, img.getName(), 1 );
		final Path file = Path.of( ( String ) settings.get( CSV_FILE ) );
		final CsvCells cells = read( file, options( image, ( String ) settings.get( CSV_UNITS ), ( String ) settings.get( CSV_TIME ) ).withSkipBadRows( ( Boolean ) settings.get( SKIP_BAD_ROWS ) ).withColumns( parseColumns( ( String ) settings.get( CSV_COLUMNS ) ) ) );
		cells.notes().forEach( note -> logger.log( file.getFileName() + ": " + note + "\n" ) );
		cells.warnings().forEach( warning -> logger.error( "Warning: " + file.getFileName() + ": " + warning + "\n" ) );
		if ( !cells.ignoredColumns().isEmpty() )
			logger.log( "Columns that are not read: " + String.join( ", ", cells.ignoredColumns() ) + "\n" );
		final CsvFeatures features = new CsvFeatures( cells, SpotFeatures.trackMates( image.channelCount() ) );
		if ( model != null )
			features.declare( model.getFeatureModel() );
		final Tissue tissue = DetectorArguments.tissue( settings, image, mask, MaskPolicy.CENTROID, logger );
		return new CsvSearch( model, String.valueOf( file.getFileName() ), cells, features, image, tissue, Crop.of( img, interval ), ( Double ) settings.get( DEFAULT_RADIUS ) );
	}

	static CsvCells read( final Path file, final CsvOptions options )
	{
		if ( !Files.isRegularFile( file ) )
			throw new IllegalArgumentException( "There is no file '" + file + "'; the table of spots was expected." );
		try
		{
			return CsvCellReader.read( file, options );
		}
		catch ( final CsvException e )
		{
			throw new IllegalArgumentException( e.getMessage(), e );
		}
		catch ( final IOException e )
		{
			throw new IllegalArgumentException( "Cannot read '" + file + "': " + e.getMessage(), e );
		}
	}

	/**
	 * Makes the options of a table that belongs to an image.
	 *
	 * @param image
	 *            the image that is tracked.
	 * @param units
	 *            unit of positions.
	 * @param time
	 *            what frame (or t) counts.
	 * @return options; bad rows are refused.
	 */
	static CsvOptions options( final Movie image, final String units, final String time )
	{
		if ( !List.of( PHYSICAL, PIXELS ).contains( units ) )
			throw new IllegalArgumentException( "The unit of the table is '" + units + "'; physical or pixels was expected." );
		if ( !List.of( TrackletLength.FRAMES, TrackletLength.TIME ).contains( time ) )
			throw new IllegalArgumentException( "The frames of the table are '" + time + "'; frames or time was expected." );
		final CsvOptions options = PIXELS.equals( units ) ? CsvOptions.inPixels( image.voxelSize() ) : CsvOptions.physical( image.voxelSize() );
		final CsvOptions fit = options.withSpaceUnit( image.spaceUnit() ).withFramesAreTimes( TrackletLength.TIME.equals( time ) );
		return image.statedFrameInterval().isPresent() ? fit.withFrameInterval( image.frameInterval() ) : fit;
	}

	private static Map< SpotColumn, String > parseColumns( final String text )
	{
		final Map< SpotColumn, String > columns = new LinkedHashMap<>();
		for ( final String part : text.isBlank() ? new String[ 0 ] : text.split( "," ) )
		{
			final String[] sides = part.split( "=", 2 );
			final Optional< SpotColumn > column = SpotColumn.find( sides[ 0 ].trim() );
			if ( sides.length < 2 || column.isEmpty() )
				throw new IllegalArgumentException( "Columns are '" + text + "'; something like 'x=cx, frame=slice' was expected, with x, y, z, frame, time, id, label, radius, volume on the left and names of the table on the right." );
			columns.put( column.get(), sides[ 1 ].trim() );
		}
		return columns;
	}

	@Override
	public String checkSettings( final Map< String, Object > settings )
	{
		final String fault = SpotGlobalDetectorFactory.super.checkSettings( settings );
		if ( fault != null )
			return fault;
		final double radius = ( Double ) settings.get( DEFAULT_RADIUS );
		return radius > 0 ? null : "Default radius is " + radius + "; it must be above 0.\n";
	}

	@Override
	public Arguments getConfigurator( final ImagePlus imp )
	{
		return new Arguments( imp == null ? "unit of the image" : imp.getCalibration().getUnit() );
	}

	@Override
	public SpotDetectorFactoryBase< T > copy()
	{
		return new CsvDetectorFactory<>( model, mask );
	}

	@Override
	public String getInfoText()
	{
		return About.withCitation( INFO_TEXT );
	}

	@Override
	public String getKey()
	{
		return KEY;
	}

	@Override
	public String getName()
	{
		return "CSV spot detector";
	}
}
