/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static io.github.btrackmate.schema.SpotColumn.COMPONENTS;
import static io.github.btrackmate.schema.SpotColumn.ELLIPSOID_A;
import static io.github.btrackmate.schema.SpotColumn.ELLIPSOID_B;
import static io.github.btrackmate.schema.SpotColumn.ELLIPSOID_C;
import static io.github.btrackmate.schema.SpotColumn.LABEL;
import static io.github.btrackmate.schema.SpotColumn.PERIMETER;
import static io.github.btrackmate.schema.SpotColumn.SURFACE;
import static io.github.btrackmate.schema.SpotColumn.TISSUE;
import static io.github.btrackmate.schema.SpotColumn.TISSUE_FRACTION;
import static io.github.btrackmate.schema.SpotColumn.TOUCHES_BORDER;
import static io.github.btrackmate.schema.SpotColumn.VOLUME;
import static io.github.btrackmate.schema.SpotColumn.VOXELS;

import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotRoi;
import io.github.btrackmate.cells.Cell;
import io.github.btrackmate.cells.Ellipsoid;
import io.github.btrackmate.cells.IntensityStatistics;
import io.github.btrackmate.csv.CsvCell;
import io.github.btrackmate.mask.CellInTissue;
import io.github.btrackmate.schema.IntensityColumn;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Turns cells into TrackMate spots. The only place where spots are made.
 */
final class CellSpots
{
	private CellSpots()
	{}

	/**
	 * Makes a spot of a measured cell: at its centroid, with the radius of the
	 * ball or disc of equal volume, and the number of voxels as quality.
	 *
	 * @param cell
	 *            the cell.
	 * @param contour
	 *            its outline, {@code null} in 3D.
	 * @return new spot.
	 */
	static Spot of( final Cell cell, final SpotRoi contour )
	{
		final Spot spot = new Spot( cell.position( 0 ), cell.position( 1 ), cell.position( 2 ), cell.radius(), cell.voxels() );
		spot.setRoi( contour );
		put( spot, LABEL, cell.label() );
		put( spot, VOXELS, cell.voxels() );
		put( spot, VOLUME, cell.volume() );
		put( spot, COMPONENTS, cell.components() );
		put( spot, TOUCHES_BORDER, cell.touchesBorder() ? 1 : 0 );
		final Ellipsoid ellipsoid = cell.ellipsoid();
		put( spot, ELLIPSOID_A, ellipsoid.semiAxis( 0 ) );
		put( spot, ELLIPSOID_B, ellipsoid.semiAxis( 1 ) );
		if ( ellipsoid.numDimensions() == 3 )
		{
			put( spot, ELLIPSOID_C, ellipsoid.semiAxis( 2 ) );
			put( spot, SURFACE, cell.surface() );
		}
		else
			put( spot, PERIMETER, cell.surface() );
		return spot;
	}

	/**
	 * Makes a spot of a row of a table, without its features.
	 *
	 * @param cell
	 *            the row.
	 * @param radius
	 *            radius in physical units.
	 * @param keepId
	 *            whether the spot gets the id of the row.
	 * @return new spot; its quality is that of the row, else 1.
	 */
	static Spot of( final CsvCell cell, final double radius, final boolean keepId )
	{
		final double given = cell.value( SpotColumn.QUALITY.columnName() );
		final double quality = Double.isNaN( given ) ? 1 : given;
		if ( !keepId )
			return new Spot( cell.position( 0 ), cell.position( 1 ), cell.position( 2 ), radius, quality );
		final Spot spot = new Spot( Math.toIntExact( cell.id().getAsLong() ) );
		spot.setName( "ID" + spot.ID() );
		put( spot, SpotColumn.X, cell.position( 0 ) );
		put( spot, SpotColumn.Y, cell.position( 1 ) );
		put( spot, SpotColumn.Z, cell.position( 2 ) );
		put( spot, SpotColumn.RADIUS, radius );
		put( spot, SpotColumn.QUALITY, quality );
		return spot;
	}

	/**
	 * Adds the intensities of a cell, in all channels that were measured, and how
	 * it stands out from its shell.
	 *
	 * @param spot
	 *            gets the features.
	 * @param cell
	 *            the cell.
	 * @param shells
	 *            mean intensity around it, for each channel.
	 */
	static void addIntensities( final Spot spot, final Cell cell, final double[] shells )
	{
		for ( int channel = 0; channel < cell.channelCount(); channel++ )
		{
			final IntensityStatistics inside = cell.intensity( channel );
			put( spot, IntensityColumn.key( "mean", channel ), inside.mean() );
			put( spot, IntensityColumn.key( "median", channel ), inside.median() );
			put( spot, IntensityColumn.key( "min", channel ), inside.min() );
			put( spot, IntensityColumn.key( "max", channel ), inside.max() );
			put( spot, IntensityColumn.key( "total", channel ), inside.total() );
			put( spot, IntensityColumn.key( "std", channel ), inside.std() );
			// TrackMate's formulas.
			final double difference = inside.mean() - shells[ channel ];
			put( spot, CellAnalyzers.contrast( channel ), ratio( difference, inside.mean() + shells[ channel ] ) );
			put( spot, CellAnalyzers.snr( channel ), ratio( difference, inside.std() ) );
		}
	}

	private static double ratio( final double a, final double b )
	{
		return b == 0 ? Double.NaN : a / b;
	}

	static void addTissue( final Spot spot, final CellInTissue cell )
	{
		put( spot, TISSUE, cell.tissue() );
		put( spot, TISSUE_FRACTION, cell.fraction() );
	}

	/** Missing values stay missing. */
	static void put( final Spot spot, final SpotColumn column, final double value )
	{
		put( spot, column.key(), value );
	}

	private static void put( final Spot spot, final String key, final double value )
	{
		if ( !Double.isNaN( value ) )
			spot.putFeature( key, value );
	}
}
