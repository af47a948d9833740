package io.github.btrackmate.trackmate;

import static io.github.btrackmate.schema.SpotColumn.COMPONENTS;
import static io.github.btrackmate.schema.SpotColumn.ELLIPSOID_A;
import static io.github.btrackmate.schema.SpotColumn.ELLIPSOID_B;
import static io.github.btrackmate.schema.SpotColumn.ELLIPSOID_C;
import static io.github.btrackmate.schema.SpotColumn.LABEL;
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
import io.github.btrackmate.mask.CellInTissue;
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
		return spot;
	}

	static void addTissue( final Spot spot, final CellInTissue cell )
	{
		put( spot, TISSUE, cell.tissue() );
		put( spot, TISSUE_FRACTION, cell.fraction() );
	}

	/** Missing values stay missing. */
	static void put( final Spot spot, final SpotColumn column, final double value )
	{
		if ( !Double.isNaN( value ) )
			spot.putFeature( column.key(), value );
	}
}
