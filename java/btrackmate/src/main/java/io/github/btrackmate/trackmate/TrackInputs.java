/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Settings;
import fiji.plugin.trackmate.detection.DetectorKeys;
import fiji.plugin.trackmate.detection.SpotDetectorFactoryBase;
import ij.ImagePlus;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.csv.CsvCells;
import io.github.btrackmate.mask.MaskPolicy;

/**
 * What the commands ask for: where the cells come from, the tissue, and how they
 * are linked. Checked as a whole before any work begins.
 *
 * @param cells
 *            where the cells come from.
 * @param tissue
 *            the tissue, if there is one.
 * @param linking
 *            how cells are linked.
 */
record TrackInputs( Cells cells, TissueChoice tissue, Linking linking )
{
	static final String[] POLICIES = { "keep-touching", DetectorArguments.CENTROID, "fraction", "clip" };

	static final String[] TRACKERS = { "LAP", "advanced Kalman", "overlap" };

	/**
	 * Label images or a table.
	 *
	 * @param labels
	 *            title or file of a label image; empty for a channel of the
	 *            image.
	 * @param channel
	 *            channel of the labels, from 1.
	 * @param table
	 *            file of a table, which goes before labels; else empty.
	 * @param tableUnits
	 *            unit of its positions, {@code physical} or {@code pixels}.
	 * @param tableTime
	 *            what its frames are, {@code frames} or {@code time}.
	 */
	record Cells( String labels, int channel, String table, String tableUnits, String tableTime )
	{
		/** Labels, no table. */
		static Cells ofLabels( final String labels, final int channel )
		{
			return new Cells( labels, channel, "", Defaults.TABLE_UNITS, Defaults.TABLE_TIME );
		}

		boolean isTable()
		{
			return !table.isBlank();
		}
	}

	/**
	 * A tissue mask, and which cells it keeps.
	 *
	 * @param mask
	 *            title or file of the mask; empty for none.
	 * @param policy
	 *            which cells it keeps.
	 * @param fraction
	 *            least part inside, for the policy fraction.
	 * @param ids
	 *            tissue ids that count, with commas; empty for all.
	 */
	record TissueChoice( String mask, String policy, double fraction, String ids )
	{
		static final TissueChoice NONE = new TissueChoice( "", Defaults.MASK_POLICY, Defaults.MASK_FRACTION, "" );
	}

	/**
	 * Settings of the tracker.
	 *
	 * @param tracker
	 *            one of {@link #TRACKERS}.
	 * @param distance
	 *            greatest distance from frame to frame, over gaps and divisions,
	 *            in the unit of the image; empty to take it from the data.
	 * @param frameGap
	 *            greatest difference of frames over a gap; 1 for none.
	 * @param splitting
	 *            whether cells divide.
	 * @param minimum
	 *            minimum tracklet length; 0 = off.
	 * @param unit
	 *            its unit, frames or time.
	 */
	record Linking( String tracker, OptionalDouble distance, int frameGap, boolean splitting, double minimum, String unit )
	{
		static final Linking DEFAULT = new Linking( TRACKERS[ 0 ], parseDistance( Defaults.DISTANCE ), Defaults.FRAME_GAP, Defaults.SPLITTING, Defaults.MIN_TRACKLET_LENGTH, Defaults.MIN_TRACKLET_UNIT );

		/**
		 * Reads a distance.
		 *
		 * @param text
		 *            a number, or {@code auto}.
		 * @return the number; empty for auto.
		 * @throws IllegalArgumentException
		 *             if it is neither; for the user.
		 */
		static OptionalDouble parseDistance( final String text )
		{
			if ( text == null || text.isBlank() || AutoDistances.AUTO.equalsIgnoreCase( text.strip() ) )
				return OptionalDouble.empty();
			try
			{
				return OptionalDouble.of( Double.parseDouble( text.strip() ) );
			}
			catch ( final NumberFormatException e )
			{
				throw new IllegalArgumentException( "Linking distance is '" + text.strip() + "'; a number was expected, such as 12.5, or auto.", e );
			}
		}

		/** The same as the macro recorder writes it. */
		String distanceText()
		{
			return distance.isPresent() ? String.valueOf( distance.getAsDouble() ) : AutoDistances.AUTO;
		}

		private void check( final String spaceUnit )
		{
			if ( !List.of( TRACKERS ).contains( tracker ) )
				throw new IllegalArgumentException( "There is no tracker '" + tracker + "'; use LAP, advanced Kalman or overlap." );
			if ( distance.isPresent() && ( !( distance.getAsDouble() > 0 ) || Double.isInfinite( distance.getAsDouble() ) ) )
				throw new IllegalArgumentException( "The linking distance is " + distance.getAsDouble() + "; a number of " + spaceUnit + " above 0, or auto, was expected." );
			if ( frameGap < 1 )
				throw new IllegalArgumentException( "The frame gap is " + frameGap + "; a whole number of frames from 1 on was expected (1: no gap closing)." );
			if ( !( minimum >= 0 ) || Double.isInfinite( minimum ) )
				throw new IllegalArgumentException( "The minimum tracklet length is " + minimum + "; a number from 0 on was expected (0: off)." );
			if ( !List.of( TrackletLength.FRAMES, TrackletLength.TIME ).contains( unit ) )
				throw new IllegalArgumentException( "The unit of the minimum tracklet length is '" + unit + "'; frames or time was expected." );
		}
	}

	/** The images that inputs name; label image and mask are null where there is none. */
	record Opened( ImagePlus image, ImagePlus labels, ImagePlus mask )
	{}

	/** Opens what is not open. */
	Opened open( final ImagePlus image )
	{
		final ImagePlus labels = cells.isTable() || cells.labels().isBlank() ? null : Images.get( cells.labels(), "label image" );
		return new Opened( image, labels, tissue.mask().isBlank() ? null : Images.get( tissue.mask(), "tissue mask" ) );
	}

	/**
	 * Checks that all of it is right and goes together.
	 *
	 * @param opened
	 *            images.
	 * @return warnings, a sentence each; none if all is well.
	 * @throws IllegalArgumentException
	 *             if something is wrong; for the user.
	 */
	List< String > check( final Opened opened )
	{
		linking.check( opened.image().getCalibration().getUnit() );
		final Movie image = Movie.of( opened.image(), 1 );
		if ( image.frameCount() == 1 )
			throw new IllegalArgumentException( image.planeCount() > 1
					? "Image '" + image.name() + "' has 1 frame and " + image.planeCount() + " planes. If the planes are frames, set that in Image > Properties (a file: tick 'Planes are frames')."
					: "Image '" + image.name() + "' has 1 frame; tracking needs two or more." );
		final Set< String > warnings = new TreeSet<>();
		checkTissue( opened, image, warnings );
		if ( cells.isTable() )
			checkTable( image, warnings );
		else
			checkLabels( opened, image, warnings );
		return List.copyOf( warnings );
	}

	private void checkTissue( final Opened opened, final Movie image, final Set< String > warnings )
	{
		final MaskPolicy policy = MaskPolicy.of( tissue.policy(), tissue.fraction() );
		final Set< Long > ids = Tissue.parseIds( tissue.ids() );
		if ( opened.mask() == null )
		{
			if ( !ids.isEmpty() )
				throw new IllegalArgumentException( "Tissue ids are '" + tissue.ids() + "', but there is no tissue mask." );
			return;
		}
		final Movie mask = Movie.of( opened.mask(), 1 );
		mask.checkCovers( image );
		warnings.add( mask.calibrationWarning( image ).trim() );
		warnings.remove( "" );
		new Tissue( mask, policy, ids, image.voxelSize() ).checkIds();
	}

	private void checkTable( final Movie image, final Set< String > warnings )
	{
		final CsvCells read = CsvDetectorFactory.read( Path.of( cells.table() ), CsvDetectorFactory.options( image, cells.tableUnits(), cells.tableTime() ) );
		if ( read.cells().isEmpty() )
			throw new IllegalArgumentException( "The table '" + cells.table() + "' has no cells, only a header." );
		read.warnings().forEach( w -> warnings.add( "Table: " + w ) );
		CsvSearch.checkFrames( String.valueOf( Path.of( cells.table() ).getFileName() ), read, image );
	}

	private void checkLabels( final Opened opened, final Movie image, final Set< String > warnings )
	{
		final Movie labels = opened.labels() == null ? image.withChannel( cells.channel() ) : Movie.of( opened.labels(), cells.channel() );
		labels.checkSizeOf( image );
		warnings.add( labels.calibrationWarning( image ).trim() );
		warnings.add( labels.doubt( Math.max( 0, opened.image().getFrame() - 1 ) ) );
		warnings.remove( "" );
	}

	/**
	 * Makes TrackMate's settings.
	 *
	 * @param image
	 *            image to track.
	 * @param model
	 *            hears what is pruned.
	 * @param detector
	 *            finds the cells.
	 * @return new settings, with all analyzers.
	 * @throws IllegalArgumentException
	 *             if TrackMate refuses a setting; for the user.
	 */
	Settings settings( final ImagePlus image, final Model model, final SpotDetectorFactoryBase< ? > detector )
	{
		return Jobs.settings( image, detector, detection(), Jobs.tracker( linking.tracker(), model ), Jobs.tracking( linking, voxel( image ) ) );
	}

	private static double voxel( final ImagePlus image )
	{
		final VoxelSize size = Movie.of( image, 1 ).voxelSize();
		return IntStream.range( 0, size.numDimensions() ).mapToDouble( size::get ).max().orElseThrow();
	}

	/** A detector that finds its images by name, as the wizard's panel shows them. */
	SpotDetectorFactoryBase< ? > detector( final Model model )
	{
		return cells.isTable() ? new CsvDetectorFactory<>( model, null ) : new LabelMaskDetectorFactory<>( model, null, null );
	}

	private Map< String, Object > detection()
	{
		final Map< String, Object > settings = new HashMap<>();
		settings.put( DetectorArguments.MASK_IMAGE, tissue.mask() );
		settings.put( DetectorArguments.MASK_TISSUES, tissue.ids() );
		if ( cells.isTable() )
		{
			settings.put( CsvDetectorFactory.CSV_FILE, cells.table() );
			settings.put( CsvDetectorFactory.CSV_UNITS, cells.tableUnits() );
			settings.put( CsvDetectorFactory.CSV_TIME, cells.tableTime() );
			return settings;
		}
		settings.put( LabelMaskDetectorFactory.LABEL_IMAGE, cells.labels() );
		settings.put( DetectorKeys.KEY_TARGET_CHANNEL, cells.channel() );
		settings.put( DetectorArguments.MASK_POLICY, tissue.policy() );
		settings.put( DetectorArguments.MASK_FRACTION, tissue.fraction() );
		return settings;
	}
}
