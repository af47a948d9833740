/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.scijava.Cancelable;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.SpotCollection;
import fiji.plugin.trackmate.detection.SpotGlobalDetector;
import io.github.btrackmate.frames.FrameException;
import io.github.btrackmate.frames.Progress;
import net.imglib2.algorithm.MultiThreaded;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;

/**
 * Runs a search for cells as TrackMate runs detectors: with threads, cancelling,
 * and messages instead of exceptions.
 *
 * @param <T>
 *            type of pixels.
 */
final class CellDetector< T extends RealType< T > & NativeType< T > > implements SpotGlobalDetector< T >, MultiThreaded, Cancelable
{
	/** Finds spots. */
	@FunctionalInterface
	interface Search
	{
		/**
		 * Finds all spots.
		 *
		 * @param logger
		 *            hears what was dropped.
		 * @param executor
		 *            for work on many frames.
		 * @param progress
		 *            to report to.
		 * @return the spots.
		 * @throws IllegalArgumentException
		 *             if images and settings do not fit; for the user.
		 */
		SpotCollection run( Logger logger, ExecutorService executor, Progress progress );
	}

	private final Search search;

	private Logger logger = Logger.VOID_LOGGER;

	private int numThreads = Runtime.getRuntime().availableProcessors();

	private long processingTime;

	private SpotCollection spots;

	private String errorMessage;

	private volatile String cancelReason;

	private volatile boolean cancelled;

	CellDetector( final Search search )
	{
		this.search = search;
	}

	@Override
	public boolean checkInput()
	{
		return true;
	}

	@Override
	public boolean process()
	{
		final long start = System.currentTimeMillis();
		final ExecutorService executor = Executors.newFixedThreadPool( numThreads );
		try
		{
			spots = search.run( logger, executor, this::report );
			return true;
		}
		catch ( final CancellationException e )
		{
			// TrackMate asked for it, and says so itself.
			spots = new SpotCollection();
			return true;
		}
		catch ( final IllegalArgumentException | FrameException e )
		{
			errorMessage = e.getMessage() + "\n";
			return false;
		}
		finally
		{
			executor.shutdown();
			processingTime = System.currentTimeMillis() - start;
		}
	}

	private boolean report( final int done, final int total )
	{
		logger.setProgress( ( double ) done / total );
		return !cancelled;
	}

	@Override
	public SpotCollection getResult()
	{
		return spots;
	}

	@Override
	public String getErrorMessage()
	{
		return errorMessage;
	}

	@Override
	public long getProcessingTime()
	{
		return processingTime;
	}

	@Override
	public void setLogger( final Logger logger )
	{
		this.logger = logger;
	}

	@Override
	public void setNumThreads()
	{
		numThreads = Runtime.getRuntime().availableProcessors();
	}

	@Override
	public void setNumThreads( final int numThreads )
	{
		this.numThreads = Math.max( 1, numThreads );
	}

	@Override
	public int getNumThreads()
	{
		return numThreads;
	}

	@Override
	public boolean isCanceled()
	{
		return cancelled;
	}

	@Override
	public void cancel( final String reason )
	{
		cancelReason = reason;
		cancelled = true;
	}

	@Override
	public String getCancelReason()
	{
		return cancelReason;
	}
}
