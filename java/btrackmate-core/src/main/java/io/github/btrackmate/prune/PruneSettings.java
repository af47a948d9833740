/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.prune;

/**
 * What counts as too short, and which of the optional rules apply. Immutable;
 * the {@code with…} methods return a changed copy.
 */
public final class PruneSettings
{
	/** So that rounding of frames × dt never decides. */
	private static final double TOLERANCE = 1e-9;

	private final double minimum;

	private final double frameInterval;

	private final boolean pruneCensored;

	private final boolean pruneInternal;

	private final boolean pruneShortTracks;

	private PruneSettings( final double minimum, final double frameInterval, final boolean pruneCensored, final boolean pruneInternal, final boolean pruneShortTracks )
	{
		if ( !( minimum >= 0 ) || Double.isInfinite( minimum ) )
			throw new IllegalArgumentException( "Minimum tracklet length is " + minimum + "; it must be a finite number >= 0 (0 = off)." );
		if ( !( frameInterval > 0 ) || Double.isInfinite( frameInterval ) )
			throw new IllegalArgumentException( "Frame interval is " + frameInterval + "; it must be a finite number > 0. Set the time calibration of the image, or give the minimum in frames." );
		this.minimum = minimum;
		this.frameInterval = frameInterval;
		this.pruneCensored = pruneCensored;
		this.pruneInternal = pruneInternal;
		this.pruneShortTracks = pruneShortTracks;
	}

	/**
	 * Settings with the minimum in frames and all optional rules off.
	 *
	 * @param minimum
	 *            tracklets of fewer frames are short; 0 switches pruning off.
	 * @return new settings.
	 * @throws IllegalArgumentException
	 *             if the minimum is not a finite number from 0 on.
	 */
	public static PruneSettings inFrames( final double minimum )
	{
		return new PruneSettings( minimum, 1, false, false, false );
	}

	/**
	 * Settings with the minimum in time units and all optional rules off.
	 *
	 * @param minimum
	 *            tracklets that last less are short, in time units; 0 switches
	 *            pruning off.
	 * @param frameInterval
	 *            time between two frames, in the same time units.
	 * @return new settings.
	 * @throws IllegalArgumentException
	 *             if the minimum is not a finite number from 0 on, or the frame
	 *             interval is not one above 0.
	 */
	public static PruneSettings inTime( final double minimum, final double frameInterval )
	{
		return new PruneSettings( minimum, frameInterval, false, false, false );
	}

	/**
	 * Sets whether tracklets and tracks that reach the last frame of the movie
	 * may count as short. They are censored: how long they would have been is
	 * not known. Off by default; the paper's track inspector takes them.
	 *
	 * @param value
	 *            {@code true} to prune them.
	 * @return changed settings.
	 */
	public PruneSettings withCensored( final boolean value )
	{
		return new PruneSettings( minimum, frameInterval, value, pruneInternal, pruneShortTracks );
	}

	/**
	 * Sets whether a division that follows another one within the minimum is
	 * undone. Off by default.
	 *
	 * @param value
	 *            {@code true} to undo such divisions.
	 * @return changed settings.
	 */
	public PruneSettings withInternal( final boolean value )
	{
		return new PruneSettings( minimum, frameInterval, pruneCensored, value, pruneShortTracks );
	}

	/**
	 * Sets whether whole tracks shorter than the minimum go. Off by default.
	 *
	 * @param value
	 *            {@code true} to remove them.
	 * @return changed settings.
	 */
	public PruneSettings withShortTracks( final boolean value )
	{
		return new PruneSettings( minimum, frameInterval, pruneCensored, pruneInternal, value );
	}

	/**
	 * Returns whether the minimum is 0: nothing is pruned then.
	 *
	 * @return {@code true} if pruning is off.
	 */
	public boolean isOff()
	{
		return minimum == 0;
	}

	/**
	 * Returns whether tracklets that reach the last frame may count as short.
	 *
	 * @return {@code true} if they may.
	 */
	public boolean pruneCensored()
	{
		return pruneCensored;
	}

	/**
	 * Returns whether a division too soon after another one is undone.
	 *
	 * @return {@code true} if it is.
	 */
	public boolean pruneInternal()
	{
		return pruneInternal;
	}

	/**
	 * Returns whether whole short tracks go.
	 *
	 * @return {@code true} if they go.
	 */
	public boolean pruneShortTracks()
	{
		return pruneShortTracks;
	}

	/**
	 * Tests whether a length is below the minimum.
	 *
	 * @param frames
	 *            difference of two frame numbers.
	 * @return {@code true} if short; a length equal to the minimum is not.
	 */
	public boolean isShort( final int frames )
	{
		return frames * frameInterval < minimum * ( 1 - TOLERANCE );
	}
}
