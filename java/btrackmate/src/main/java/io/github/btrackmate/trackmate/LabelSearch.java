/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.stream.Collectors;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.SpotCollection;
import fiji.plugin.trackmate.SpotRoi;
import io.github.btrackmate.cells.Cell;
import io.github.btrackmate.cells.CellMeasurer;
import io.github.btrackmate.cells.CellShells;
import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.frames.Frames;
import io.github.btrackmate.frames.Progress;
import io.github.btrackmate.mask.CellInTissue;
import io.github.btrackmate.mask.DropReason;
import io.github.btrackmate.mask.MaskFilter;
import io.github.btrackmate.mask.MaskResult;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Makes one spot of every label of every frame, less those that a tissue mask
 * drops. Cells are always measured whole, whatever the crop.
 */
final class LabelSearch implements CellDetector.Search
{
	/** Keeps the table of dropped cells; may be null. */
	private final Model model;

	private final Movie labels;

	/** Where intensities are taken, in every channel. */
	private final Movie image;

	/** Null if there is no mask. */
	private final Tissue tissue;

	private final VoxelSize voxelSize;

	private final Crop crop;

	private final boolean simplify;

	/** What one frame gives; the spots are made later, in order, for the order of their ids. */
	private record Found( List< FoundCell > cells, List< CellInTissue > dropped )
	{}

	/** Tissue and contour may be null; shells are the intensities around it, for each channel. */
	private record FoundCell( Cell cell, double[] shells, CellInTissue tissue, double distance, SpotRoi contour )
	{}

	/**
	 * Creates a search.
	 *
	 * @param model
	 *            keeps the table of dropped cells; may be {@code null}.
	 * @param labels
	 *            label image.
	 * @param image
	 *            the image that is tracked; voxel size and intensities are its.
	 * @param tissue
	 *            tissue, or {@code null}.
	 * @param crop
	 *            what to look at.
	 * @param simplify
	 *            whether contours are smoothed.
	 */
	LabelSearch( final Model model, final Movie labels, final Movie image, final Tissue tissue, final Crop crop, final boolean simplify )
	{
		this.model = model;
		this.labels = labels;
		this.image = image;
		this.tissue = tissue;
		voxelSize = image.voxelSize();
		this.crop = crop;
		this.simplify = simplify;
	}

	@Override
	public SpotCollection run( final Logger logger, final ExecutorService executor, final Progress progress )
	{
		final List< Found > found = Frames.map( crop.frameCount(), i -> find( crop.firstFrame() + i ), executor, progress );
		final SpotCollection spots = new SpotCollection();
		final LeftOut dropped = new LeftOut( LeftOut.Kind.DROPPED );
		final Doubt doubt = new Doubt();
		for ( int i = 0; i < found.size(); i++ )
		{
			final int frame = crop.firstFrame() + i;
			spots.put( frame, found.get( i ).cells().stream().map( LabelSearch::spot ).collect( Collectors.toList() ) );
			found.get( i ).dropped().forEach( c -> dropped.add( frame, c.label(), null, c.voxels(), c.tissue(), c.fraction(), c.reason() ) );
			found.get( i ).cells().forEach( c -> doubt.add( c.cell() ) );
			report( logger, frame, found.get( i ) );
		}
		dropped.keepWith( model );
		doubt.warn( logger, labels.name() );
		if ( spots.keySet().stream().allMatch( t -> spots.getNSpots( t, false ) == 0 ) )
			logger.error( "No cell was found in the label image '" + labels.name() + "'" + ( tissue == null ? "" : " and the tissue mask" ) + ".\n" );
		return spots;
	}

	private Found find( final int t )
	{
		final LabelRuns all = labels.labels( t );
		if ( tissue == null )
			return new Found( measure( t, all, null, null ), List.of() );
		final Tissue.Frame frame = tissue.frame( t );
		final MaskResult result = MaskFilter.apply( all, frame.mask(), tissue.policy() );
		return new Found( measure( t, result.runs(), result.kept(), frame ), result.dropped() );
	}

	private List< FoundCell > measure( final int t, final LabelRuns runs, final List< CellInTissue > kept, final Tissue.Frame frame )
	{
		final var channels = image.channels( t );
		final List< Cell > cells = CellMeasurer.measure( runs, channels, voxelSize );
		final double[][] shells = channels.stream().map( c -> CellShells.means( runs, cells, c, voxelSize ) ).toArray( double[][]::new );
		final Contours contours = runs.numDimensions() == 2 ? new Contours( runs, voxelSize, simplify ) : null;
		final List< FoundCell > found = new ArrayList<>( cells.size() );
		for ( int c = 0; c < cells.size(); c++ )
		{
			final Cell cell = cells.get( c );
			if ( voxelSize.numDimensions() == 3 && !crop.holdsPlane( cell.position( 2 ), voxelSize.get( 2 ) ) )
				continue;
			found.add( new FoundCell(
					cell,
					ofCell( shells, c ),
					kept == null ? null : kept.get( c ),
					frame == null ? Double.NaN : frame.distance().at( cell.position( 0 ), cell.position( 1 ), cell.position( 2 ) ),
					contours == null ? null : contours.trace( c, cell ) ) );
		}
		return found;
	}

	private static double[] ofCell( final double[][] shells, final int c )
	{
		return Arrays.stream( shells ).mapToDouble( means -> means[ c ] ).toArray();
	}

	private static Spot spot( final FoundCell found )
	{
		final Spot spot = CellSpots.of( found.cell(), found.contour() );
		CellSpots.addIntensities( spot, found.cell(), found.shells() );
		if ( found.tissue() != null )
			CellSpots.addTissue( spot, found.tissue() );
		CellSpots.put( spot, SpotColumn.BOUNDARY_DISTANCE, found.distance() );
		return spot;
	}

	/** A line for what is odd, one for what is dropped; the table has the details. */
	private static void report( final Logger logger, final int frame, final Found found )
	{
		final List< Cell > pieces = found.cells().stream().map( FoundCell::cell ).filter( c -> c.components() > 1 ).collect( Collectors.toList() );
		if ( !pieces.isEmpty() )
			logger.log( "Frame " + frame + ": " + ( pieces.size() == 1
					? "label " + pieces.get( 0 ).label() + " is in " + pieces.get( 0 ).components() + " pieces; they make one spot.\n"
					: pieces.size() + " labels are in pieces, such as label " + pieces.get( 0 ).label() + " in " + pieces.get( 0 ).components() + "; the pieces of a label make one spot.\n" ) );
		final Map< DropReason, Long > reasons = found.dropped().stream().collect( Collectors.groupingBy( CellInTissue::reason, TreeMap::new, Collectors.counting() ) );
		if ( !reasons.isEmpty() )
			logger.log( "Frame " + frame + ": " + dropped( found ) + " dropped (" + reasons.entrySet().stream().map( e -> e.getValue() + " " + e.getKey() ).collect( Collectors.joining( ", " ) ) + "), " + found.cells().size() + " kept.\n" );
	}

	private static String dropped( final Found found )
	{
		return found.dropped().size() == 1 ? "label " + found.dropped().get( 0 ).label() + " is" : found.dropped().size() + " cells are";
	}

	/** Counts pieces: grey values are strewn over the image, labels are not. */
	private static final class Doubt
	{
		private static final int MOST_PIECES = 3;

		private long cells;

		private long pieces;

		void add( final Cell cell )
		{
			cells++;
			pieces += cell.components();
		}

		void warn( final Logger logger, final String name )
		{
			if ( pieces > MOST_PIECES * cells )
				logger.error( "Warning: a label of '" + name + "' is in " + Math.round( ( double ) pieces / cells ) + " pieces on average. Is it the label image, and not the one with the intensities?\n" );
		}
	}
}
