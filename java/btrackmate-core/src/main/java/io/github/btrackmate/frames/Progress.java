/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.frames;

/**
 * Hears how far a long loop is, and may stop it. Called from several threads,
 * one at a time.
 */
@FunctionalInterface
public interface Progress
{
	/** Ignores progress and never stops. */
	Progress NONE = ( done, total ) -> true;

	/**
	 * Takes note that a frame is done.
	 *
	 * @param done
	 *            number of frames done.
	 * @param total
	 *            number of all frames.
	 * @return {@code false} to stop.
	 */
	boolean update( int done, int total );
}
