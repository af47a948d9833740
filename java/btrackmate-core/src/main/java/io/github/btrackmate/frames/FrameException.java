/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.frames;

/**
 * Work on one frame failed. The message starts with the number of the frame.
 */
public final class FrameException extends RuntimeException
{
	private static final long serialVersionUID = 1L;

	private final int frame;

	FrameException( final int frame, final Throwable cause )
	{
		super( "Frame " + frame + ": " + ( cause.getMessage() == null ? cause.toString() : cause.getMessage() ), cause );
		this.frame = frame;
	}

	/**
	 * Returns the frame.
	 *
	 * @return number of the frame, from 0.
	 */
	public int frame()
	{
		return frame;
	}
}
