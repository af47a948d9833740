package io.github.btrackmate.trackmate;

import java.util.Set;
import java.util.TreeSet;

import io.github.btrackmate.boundary.BoundaryDistance;
import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.mask.MaskPolicy;
import io.github.btrackmate.mask.TissueMask;

/**
 * The tissue of every frame: mask, policy, and distance to the surface. What
 * belongs to a static mask is made once.
 */
final class Tissue
{
	/** Of one frame. */
	record Frame( TissueMask mask, BoundaryDistance distance )
	{}

	private final Movie movie;

	private final MaskPolicy policy;

	/** Ids that count; empty for all. */
	private final Set< Long > ids;

	private final VoxelSize voxelSize;

	private final Frame fixed;

	/**
	 * Creates a tissue.
	 *
	 * @param movie
	 *            its mask.
	 * @param policy
	 *            which cells stay.
	 * @param ids
	 *            tissue ids that count; empty for all.
	 * @param voxelSize
	 *            voxel size of the image that is tracked.
	 */
	Tissue( final Movie movie, final MaskPolicy policy, final Set< Long > ids, final VoxelSize voxelSize )
	{
		this.movie = movie;
		this.policy = policy;
		this.ids = Set.copyOf( ids );
		this.voxelSize = voxelSize;
		fixed = movie.frameCount() == 1 ? make( 0 ) : null;
	}

	/**
	 * Reads a list of tissue ids.
	 *
	 * @param text
	 *            whole numbers, with commas between them.
	 * @return the ids; none if the text is blank.
	 */
	static Set< Long > parseIds( final String text )
	{
		final Set< Long > ids = new TreeSet<>();
		for ( final String part : text.isBlank() ? new String[ 0 ] : text.split( "," ) )
			try
			{
				ids.add( Long.parseLong( part.trim() ) );
			}
			catch ( final NumberFormatException e )
			{
				throw new IllegalArgumentException( "Tissue ids are '" + text + "'; whole numbers with commas between them were expected, or nothing for all tissues." );
			}
		return ids;
	}

	MaskPolicy policy()
	{
		return policy;
	}

	Frame frame( final int t )
	{
		return fixed == null ? make( t ) : fixed;
	}

	private Frame make( final int t )
	{
		final TissueMask all = movie.mask( t );
		final TissueMask mask = ids.isEmpty() ? all : all.select( ids );
		return new Frame( mask, BoundaryDistance.of( mask, voxelSize, false ) );
	}
}
