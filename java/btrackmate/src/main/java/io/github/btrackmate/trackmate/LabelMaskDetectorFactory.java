/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static io.github.btrackmate.trackmate.DetectorArguments.MASK_FRACTION;
import static io.github.btrackmate.trackmate.DetectorArguments.MASK_POLICY;

import java.util.Map;


import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.detection.DetectorKeys;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryGenericConfig;
import fiji.plugin.trackmate.detection.SpotGlobalDetector;
import fiji.plugin.trackmate.detection.SpotGlobalDetectorFactory;
import fiji.plugin.trackmate.detection.ThresholdDetectorFactory;
import fiji.plugin.trackmate.gui.components.ConfigurationPanel;
import ij.ImagePlus;
import io.github.btrackmate.mask.MaskPolicy;
import io.github.btrackmate.trackmate.LabelMaskDetectorFactory.Arguments;
import net.imagej.ImgPlus;
import net.imglib2.Interval;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;

/**
 * Label image + tissue mask detector. Images that are not open, as in headless
 * scripts, are given to the constructor; they go before those that the settings
 * name.
 *
 * @param <T>
 *            type of pixels.
 */
@Plugin( type = SpotGlobalDetectorFactory.class )
public final class LabelMaskDetectorFactory< T extends RealType< T > & NativeType< T > > implements SpotGlobalDetectorFactory< T >, SpotDetectorFactoryGenericConfig< T, Arguments >, BTrackMateModule
{
	/** Key of this detector. */
	public static final String KEY = "BTRACKMATE_LABEL_MASK_DETECTOR";

	/** Setting: label image; empty for the image that is tracked. */
	public static final String LABEL_IMAGE = "LABEL_IMAGE";

	private static final String INFO_TEXT = "<html>"
			+ "Makes one spot of every label of a label image: at its centroid, with the radius of the ball (in 2D the disc) of equal volume. "
			+ "In 2D the outline is kept. Every spot keeps its label id, volume, shape and the intensities of its own voxels, in all channels, as features."
			+ "<p>"
			+ "The labels are a channel of this image, or another image of the same size. "
			+ "A tissue mask may drop the cells outside; the log lists them. With a mask, every spot has its signed distance to the surface of the tissue, + inside."
			+ "<p>"
			+ "The quality of a spot is its number of voxels. Cells are measured whole; those with the centroid in the crop are kept."
			+ "</html>";

	private final ImagePlus labels;

	private final ImagePlus mask;

	/** Keeps the table of dropped cells; null until the wizard gives it. */
	private Model model;

	/**
	 * Creates a factory that finds its images by the settings.
	 */
	public LabelMaskDetectorFactory()
	{
		this( null, null );
	}

	/**
	 * Creates a factory for given images.
	 *
	 * @param labels
	 *            label image, or {@code null} to find it by the settings.
	 * @param mask
	 *            tissue mask, or {@code null} to find it by the settings.
	 */
	public LabelMaskDetectorFactory( final ImagePlus labels, final ImagePlus mask )
	{
		this( null, labels, mask );
	}

	LabelMaskDetectorFactory( final Model model, final ImagePlus labels, final ImagePlus mask )
	{
		this.model = model;
		this.labels = labels;
		this.mask = mask;
	}

	/** Panel, defaults and XML of the settings. */
	public static final class Arguments extends DetectorArguments
	{
		private Arguments()
		{
			addPath( LABEL_IMAGE, "Label image (open image or file)", "Title of an open image, or a file; of the same size as the image that is tracked. Empty: the labels are a channel of that image." );
			addChannel( DetectorKeys.KEY_TARGET_CHANNEL, "Label channel", "Channel with the labels, from 1.", 1, 1 );
			addMask();
			addPolicies();
			addTissues();
			addFlag( ThresholdDetectorFactory.KEY_SIMPLIFY_CONTOURS, "Simplify contours", "Smooth the 2D outlines, for fewer points.", true );
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

	private LabelSearch search( final ImgPlus< T > img, final Map< String, Object > settings, final Interval interval, final Logger logger )
	{
		final Movie image = Movie.of( img, img.getName(), 1 );
		final Movie cells = labels( image, settings );
		cells.checkSizeOf( image );
		logger.log( cells.calibrationWarning( image ) );
		final MaskPolicy policy = MaskPolicy.of( ( String ) settings.get( MASK_POLICY ), ( Double ) settings.get( MASK_FRACTION ) );
		return new LabelSearch( model, cells, image, DetectorArguments.tissue( settings, image, mask, policy, logger ), Crop.of( img, interval ), ( Boolean ) settings.get( ThresholdDetectorFactory.KEY_SIMPLIFY_CONTOURS ) );
	}

	private Movie labels( final Movie image, final Map< String, Object > settings )
	{
		final String name = ( String ) settings.get( LABEL_IMAGE );
		final int channel = ( Integer ) settings.get( DetectorKeys.KEY_TARGET_CHANNEL );
		if ( labels == null && name.isBlank() )
			return image.withChannel( channel );
		return Movie.of( labels == null ? Images.get( name, "label image" ) : labels, channel );
	}

	@Override
	public Arguments getConfigurator( final ImagePlus imp )
	{
		return new Arguments();
	}

	@Override
	public boolean has2Dsegmentation()
	{
		return true;
	}

	@Override
	public SpotDetectorFactoryBase< T > copy()
	{
		return new LabelMaskDetectorFactory<>( model, labels, mask );
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
		return "Label image + tissue mask detector";
	}
}
