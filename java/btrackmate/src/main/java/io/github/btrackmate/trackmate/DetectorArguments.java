/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.Map;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.util.cli.Configurator;
import ij.ImagePlus;
import io.github.btrackmate.mask.MaskPolicy;

/**
 * Settings that BTrackMate's detectors share: the tissue mask. TrackMate makes
 * panel, defaults and XML of them.
 */
abstract class DetectorArguments extends Configurator
{
	static final String MASK_IMAGE = "MASK_IMAGE";

	static final String MASK_CHANNEL = "MASK_CHANNEL";

	static final String MASK_POLICY = "MASK_POLICY";

	static final String MASK_FRACTION = "MASK_FRACTION";

	static final String MASK_TISSUES = "MASK_TISSUES";

	/** TrackMate's panel cannot do without a maximum. */
	private static final int MOST_CHANNELS = 64;

	static final String CENTROID = "centroid";

	void addPath( final String key, final String name, final String help )
	{
		addPathArgument().key( key ).name( name ).help( help ).inCLI( false ).defaultValue( "" ).get().set( "" );
	}

	void addChannel( final String key, final String name, final String help, final int lowest, final int value )
	{
		addIntArgument().key( key ).name( name ).help( help ).inCLI( false ).defaultValue( value ).min( lowest ).max( MOST_CHANNELS ).get().set( value );
	}

	void addFlag( final String key, final String name, final String help, final boolean value )
	{
		addFlag().key( key ).name( name ).help( help ).inCLI( false ).defaultValue( value ).get().set( value );
	}

	void addMask()
	{
		addPath( MASK_IMAGE, "Tissue mask (open image or file)", "Title of an open image, or a file: 0 outside, else the tissue id. One plane or all, one frame or all. Empty: see the next field." );
		addChannel( MASK_CHANNEL, "Tissue mask channel", "Channel of the tissue mask, from 1; without a mask image, of the image that is tracked. 0: no mask there.", 0, 0 );
	}

	void addTissues()
	{
		addStringArgument().key( MASK_TISSUES ).name( "Tissue ids" ).help( "Ids of the tissues that count, with commas between them. Empty: all." ).inCLI( false ).defaultValue( "" ).get().set( "" );
	}

	void addPolicies()
	{
		addChoiceArgument().key( MASK_POLICY ).name( "Cells to keep" )
				.help( "Keep a cell: if it touches the tissue, if its centroid is inside, if enough of its voxels are inside; or clip it to the tissue." )
				.inCLI( false ).addChoice( "keep-touching" ).addChoice( CENTROID ).addChoice( "fraction" ).addChoice( "clip" ).defaultValue( Defaults.MASK_POLICY ).get().set( Defaults.MASK_POLICY );
		addDoubleArgument().key( MASK_FRACTION ).name( "Least fraction inside" ).help( "Least part of the voxels in the tissue, above 0 and up to 1; for 'fraction'." )
				.inCLI( false ).defaultValue( Defaults.MASK_FRACTION ).min( 0. ).max( 1. ).get().set( Defaults.MASK_FRACTION );
	}

	/**
	 * Gets the tissue that settings name.
	 *
	 * @param settings
	 *            detector settings.
	 * @param image
	 *            the image that is tracked.
	 * @param given
	 *            mask that is at hand, or {@code null} to find it by name.
	 * @param policy
	 *            which cells stay.
	 * @param logger
	 *            hears of a calibration that differs.
	 * @return the tissue, {@code null} if there is none.
	 */
	static Tissue tissue( final Map< String, Object > settings, final Movie image, final ImagePlus given, final MaskPolicy policy, final Logger logger )
	{
		final Movie mask = mask( settings, image, given );
		if ( mask == null )
			return null;
		mask.checkCovers( image );
		logger.log( mask.calibrationWarning( image ) );
		return new Tissue( mask, policy, Tissue.parseIds( ( String ) settings.get( MASK_TISSUES ) ), image.voxelSize() );
	}

	private static Movie mask( final Map< String, Object > settings, final Movie image, final ImagePlus given )
	{
		final String name = ( String ) settings.get( MASK_IMAGE );
		final int channel = ( Integer ) settings.get( MASK_CHANNEL );
		if ( given != null || !name.isBlank() )
			return Movie.of( given != null ? given : Images.get( name, "tissue mask" ), Math.max( 1, channel ) );
		return channel == 0 ? null : image.withChannel( channel );
	}
}
