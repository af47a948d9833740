/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.frames;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;

/**
 * Runs independent work for every frame of a movie.
 */
public final class Frames
{
	private Frames()
	{}

	/**
	 * Works on all frames, several at a time, and returns the results in order
	 * of frame. The first failure stops the rest.
	 *
	 * @param <R>
	 *            type of results.
	 * @param count
	 *            number of frames.
	 * @param work
	 *            computes the result of a frame; called from the threads of the
	 *            executor. It must not wait for other work in that executor.
	 * @param executor
	 *            runs the work; stays open.
	 * @param progress
	 *            hears of every frame done.
	 * @return one result for each frame.
	 * @throws FrameException
	 *             if a frame failed; it names the frame.
	 * @throws CancellationException
	 *             if progress stopped the work or the calling thread was
	 *             interrupted.
	 */
	public static < R > List< R > map( final int count, final IntFunction< R > work, final ExecutorService executor, final Progress progress )
	{
		final AtomicBoolean stopped = new AtomicBoolean();
		final Counter counter = new Counter( count, progress, stopped );
		final List< Future< R > > futures = new ArrayList<>( count );
		try
		{
			for ( int t = 0; t < count; t++ )
			{
				final int frame = t;
				futures.add( executor.submit( () -> stopped.get() ? null : workOn( frame, work, counter, stopped ) ) );
			}
			final List< R > results = new ArrayList<>( count );
			for ( int t = 0; t < count; t++ )
				results.add( get( futures.get( t ), t ) );
			if ( stopped.get() )
				throw new CancellationException( "Stopped by the user." );
			return results;
		}
		finally
		{
			stopped.set( true );
			futures.forEach( f -> f.cancel( false ) );
		}
	}

	private static < R > R workOn( final int frame, final IntFunction< R > work, final Counter counter, final AtomicBoolean stopped )
	{
		boolean succeeded = false;
		try
		{
			final R result = work.apply( frame );
			counter.oneDone();
			succeeded = true;
			return result;
		}
		finally
		{
			if ( !succeeded )
				stopped.set( true );
		}
	}

	private static < R > R get( final Future< R > future, final int frame )
	{
		try
		{
			return future.get();
		}
		catch ( final ExecutionException e )
		{
			throw new FrameException( frame, e.getCause() );
		}
		catch ( final InterruptedException e )
		{
			Thread.currentThread().interrupt();
			throw new CancellationException( "Interrupted." );
		}
	}

	private static final class Counter
	{
		private final int total;

		private final Progress progress;

		private final AtomicBoolean stopped;

		private int done;

		Counter( final int total, final Progress progress, final AtomicBoolean stopped )
		{
			this.total = total;
			this.progress = progress;
			this.stopped = stopped;
		}

		synchronized void oneDone()
		{
			// A stop at the last frame stops nothing.
			if ( !progress.update( ++done, total ) && done < total )
				stopped.set( true );
		}
	}
}
