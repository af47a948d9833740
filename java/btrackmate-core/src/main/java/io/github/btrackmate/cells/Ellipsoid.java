/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import java.util.Arrays;

/**
 * The ellipsoid, in 2D the ellipse, with the second central moments of a cell.
 * Immutable.
 */
public final class Ellipsoid
{
	private static final int MAX_SWEEPS = 50;

	private final double[] semiAxes;

	private final double[][] directions;

	private Ellipsoid( final double[] semiAxes, final double[][] directions )
	{
		this.semiAxes = semiAxes;
		this.directions = directions;
	}

	/**
	 * Computes semi-axes √(5λ) in 3D, 2√λ in 2D, from the eigenvalues λ of a
	 * covariance matrix.
	 *
	 * @param covariance
	 *            symmetric matrix in squared physical units; overwritten.
	 */
	static Ellipsoid ofCovariance( final double[][] covariance )
	{
		final int n = covariance.length;
		final double[][] vectors = new double[ n ][ n ];
		for ( int i = 0; i < n; i++ )
			vectors[ i ][ i ] = 1;
		diagonalise( covariance, vectors );

		final Integer[] order = new Integer[ n ];
		for ( int i = 0; i < n; i++ )
			order[ i ] = i;
		Arrays.sort( order, ( i, j ) -> Double.compare( covariance[ j ][ j ], covariance[ i ][ i ] ) );
		final double[] semiAxes = new double[ n ];
		final double[][] directions = new double[ n ][ n ];
		for ( int k = 0; k < n; k++ )
		{
			semiAxes[ k ] = Math.sqrt( ( n + 2 ) * Math.max( 0, covariance[ order[ k ] ][ order[ k ] ] ) );
			for ( int d = 0; d < n; d++ )
				directions[ k ][ d ] = vectors[ d ][ order[ k ] ];
		}
		return new Ellipsoid( semiAxes, directions );
	}

	/** Jacobi's method: rotates until the matrix is diagonal. */
	private static void diagonalise( final double[][] m, final double[][] vectors )
	{
		for ( int sweep = 0; sweep < MAX_SWEEPS; sweep++ )
		{
			boolean diagonal = true;
			for ( int p = 0; p < m.length; p++ )
				for ( int q = p + 1; q < m.length; q++ )
					if ( Math.abs( m[ p ][ q ] ) > 1e-15 * Math.sqrt( Math.abs( m[ p ][ p ] * m[ q ][ q ] ) ) )
					{
						rotate( m, vectors, p, q );
						diagonal = false;
					}
			if ( diagonal )
				return;
		}
	}

	private static void rotate( final double[][] m, final double[][] vectors, final int p, final int q )
	{
		final double angle = 0.5 * Math.atan2( 2 * m[ p ][ q ], m[ p ][ p ] - m[ q ][ q ] );
		final double c = Math.cos( angle );
		final double s = Math.sin( angle );
		for ( int k = 0; k < m.length; k++ )
		{
			final double kp = m[ k ][ p ];
			final double kq = m[ k ][ q ];
			m[ k ][ p ] = c * kp + s * kq;
			m[ k ][ q ] = c * kq - s * kp;
		}
		for ( int k = 0; k < m.length; k++ )
		{
			final double pk = m[ p ][ k ];
			final double qk = m[ q ][ k ];
			m[ p ][ k ] = c * pk + s * qk;
			m[ q ][ k ] = c * qk - s * pk;
		}
		for ( final double[] row : vectors )
		{
			final double vp = row[ p ];
			row[ p ] = c * vp + s * row[ q ];
			row[ q ] = c * row[ q ] - s * vp;
		}
		m[ p ][ q ] = 0;
		m[ q ][ p ] = 0;
	}

	/**
	 * Returns a semi-axis.
	 *
	 * @param k
	 *            0 for the longest, up to 2 (1 in 2D) for the shortest.
	 * @return length in physical units.
	 */
	public double semiAxis( final int k )
	{
		return semiAxes[ k ];
	}

	/**
	 * Returns the direction of a semi-axis.
	 *
	 * @param k
	 *            0 for the longest, up to 2 (1 in 2D) for the shortest.
	 * @return unit vector x, y[, z]; its sign has no meaning.
	 */
	public double[] direction( final int k )
	{
		return directions[ k ].clone();
	}

	/**
	 * Returns the number of dimensions.
	 *
	 * @return 2 or 3.
	 */
	public int numDimensions()
	{
		return semiAxes.length;
	}
}
