/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.csv.CsvCell;
import io.github.btrackmate.csv.CsvCells;
import io.github.btrackmate.frames.Frames;
import io.github.btrackmate.frames.Progress;
import io.github.btrackmate.mask.DropReason;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Makes one spot of every row of a table, less those that a tissue mask drops.
 */
final class CsvSearch implements CellDetector.Search
{
	/** Keeps the table of dropped cells; may be null. */
	private final Model model;

	private final String file;

	private final CsvCells cells;

	private final CsvFeatures features;

	private final Movie image;

	/** Null if there is no mask. */
	private final Tissue tissue;

	private final Crop crop;

	private final double defaultRadius;

	/** A cell that is kept; tissue 0 and distance NaN without a mask. */
	private record Kept( CsvCell cell, long tissue, double distance )
	{}

	private record Found( List< Kept > kept, List< Dropped > dropped )
	{}

	private record Dropped( CsvCell cell, String reason )
	{}

	CsvSearch( final Model model, final String file, final CsvCells cells, final CsvFeatures features, final Movie image, final Tissue tissue, final Crop crop, final double defaultRadius )
	{
		this.model = model;
		this.file = file;
		this.cells = cells;
		this.features = features;
		this.image = image;
		this.tissue = tissue;
		this.crop = crop;
		this.defaultRadius = defaultRadius;
	}

	@Override
	public SpotCollection run( final Logger logger, final ExecutorService executor, final Progress progress )
	{
		final List< List< CsvCell > > frames = byFrame();
		final List< Found > found = Frames.map( crop.frameCount(), i -> judge( crop.firstFrame() + i, frames.get( i ) ), executor, progress );
		final boolean keepIds = canKeepIds( logger );
		final SpotCollection spots = new SpotCollection();
		final LeftOut dropped = new LeftOut( LeftOut.Kind.DROPPED );
		for ( int i = 0; i < found.size(); i++ )
		{
			final List< Spot > inFrame = new ArrayList<>();
			found.get( i ).kept().forEach( k -> inFrame.add( spot( k, keepIds ) ) );
			spots.put( crop.firstFrame() + i, inFrame );
			report( logger, crop.firstFrame() + i, found.get( i ), dropped );
		}
		dropped.keepWith( model );
		warn( logger, found );
		return spots;
	}

	/** The rows of the frames in the crop. */
	private List< List< CsvCell > > byFrame()
	{
		final List< List< CsvCell > > frames = new ArrayList<>();
		for ( int i = 0; i < crop.frameCount(); i++ )
			frames.add( new ArrayList<>() );
		checkFrames( file, cells, image );
		for ( final CsvCell cell : cells.cells() )
			if ( crop.holdsFrame( cell.frame() ) )
				frames.get( cell.frame() - crop.firstFrame() ).add( cell );
		return frames;
	}

	/** Checks that an image has all frames of a table. */
	static void checkFrames( final String file, final CsvCells cells, final Movie image )
	{
		for ( final CsvCell cell : cells.cells() )
			if ( cell.frame() >= image.frameCount() )
				throw new IllegalArgumentException( file + ", line " + cell.line() + ": frame " + cell.frame() + " does not exist; image '" + image.name() + "' has the frames 0 to " + ( image.frameCount() - 1 ) + "." );
	}

	private Found judge( final int t, final List< CsvCell > inFrame )
	{
		final VoxelSize voxelSize = image.voxelSize();
		final Tissue.Frame frame = tissue == null ? null : tissue.frame( t );
		final Found found = new Found( new ArrayList<>(), new ArrayList<>() );
		for ( final CsvCell cell : inFrame )
		{
			if ( voxelSize.numDimensions() == 3 && !crop.holdsPlane( cell.position( 2 ), voxelSize.get( 2 ) ) )
				continue;
			final double[] position = { cell.position( 0 ), cell.position( 1 ), cell.position( 2 ) };
			final OptionalLong id = frame == null ? OptionalLong.of( 0 ) : frame.mask().tissueNear( voxelSize, position );
			if ( frame != null && id.orElse( 0 ) == 0 )
				found.dropped().add( new Dropped( cell, id.isPresent() ? DropReason.CENTROID_OUTSIDE.key() : "outside_image" ) );
			else
				found.kept().add( new Kept( cell, id.getAsLong(), frame == null ? Double.NaN : frame.distance().at( position ) ) );
		}
		return found;
	}

	private static void report( final Logger logger, final int frame, final Found found, final LeftOut table )
	{
		for ( final Dropped d : found.dropped() )
		{
			final double label = d.cell().value( SpotColumn.LABEL.columnName() );
			table.add( frame, Double.isNaN( label ) ? null : ( long ) label, d.cell().line(), null, null, null, d.reason() );
		}
		if ( found.dropped().size() == 1 )
			logger.log( "Frame " + frame + ": the cell of line " + found.dropped().get( 0 ).cell().line() + " is dropped (" + found.dropped().get( 0 ).reason() + ").\n" );
		else if ( !found.dropped().isEmpty() )
			logger.log( "Frame " + frame + ": " + found.dropped().size() + " cells are dropped, such as that of line " + found.dropped().get( 0 ).cell().line() + " (" + found.dropped().get( 0 ).reason() + "), " + found.kept().size() + " kept.\n" );
	}

	/** TrackMate's ids are of 31 bits. */
	private boolean canKeepIds( final Logger logger )
	{
		final OptionalLong highest = cells.cells().stream().mapToLong( c -> c.id().orElse( Long.MAX_VALUE ) ).max();
		if ( highest.orElse( Long.MAX_VALUE ) < Integer.MAX_VALUE )
			return true;
		if ( cells.cells().stream().anyMatch( c -> c.id().isPresent() ) )
			logger.log( "Warning: ids of " + file + " above " + ( Integer.MAX_VALUE - 1 ) + " cannot be TrackMate's; the spots are numbered anew.\n" );
		return false;
	}

	private Spot spot( final Kept kept, final boolean keepId )
	{
		final CsvCell cell = kept.cell();
		final double radius = Double.isNaN( cell.radius() ) ? defaultRadius : cell.radius();
		final Spot spot = CellSpots.of( cell, radius, keepId );
		features.put( spot, cell );
		if ( tissue != null )
		{
			CellSpots.put( spot, SpotColumn.TISSUE, kept.tissue() );
			CellSpots.put( spot, SpotColumn.BOUNDARY_DISTANCE, kept.distance() );
		}
		return spot;
	}

	private void warn( final Logger logger, final List< Found > found )
	{
		if ( found.stream().allMatch( f -> f.kept().isEmpty() ) )
			logger.error( "No spot was found in " + file + ( tissue == null ? "" : " and the tissue mask" ) + ".\n" );
		final long outside = found.stream().flatMap( f -> f.kept().stream() ).filter( k -> !image.holds( k.cell().position( 0 ), k.cell().position( 1 ), k.cell().position( 2 ) ) ).count();
		if ( outside > 0 )
			logger.error( "Warning: " + outside + " spots of " + file + " lie outside image '" + image.name() + "'. Are positions in pixels or in physical units?\n" );
	}
}
