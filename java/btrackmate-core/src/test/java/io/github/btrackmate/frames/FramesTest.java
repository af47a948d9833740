/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.frames;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.github.btrackmate.cells.Cell;
import io.github.btrackmate.cells.CellMeasurer;
import io.github.btrackmate.cells.VoxelSize;
import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.view.Views;

class FramesTest
{
	private final ExecutorService executor = Executors.newFixedThreadPool( 3 );

	@AfterEach
	void shutDown()
	{
		executor.shutdownNow();
	}

	/** One pixel per frame, moving to the right: x = frame. */
	@Test
	void resultsInOrderOfFrame()
	{
		final Img< UnsignedByteType > movie = ArrayImgs.unsignedBytes( 20, 1, 20 );
		for ( int t = 0; t < 20; t++ )
			movie.getAt( t, 0, t ).set( t + 1 );
		final AtomicInteger heard = new AtomicInteger();
		final List< List< Cell > > cells = Frames.map( 20, t -> CellMeasurer.measure( Views.hyperSlice( movie, 2, t ), List.of(), VoxelSize.of( 1, 1 ) ), executor, ( done, total ) -> heard.incrementAndGet() == done && total == 20 );
		for ( int t = 0; t < 20; t++ )
		{
			assertEquals( t + 1, cells.get( t ).get( 0 ).label() );
			assertEquals( t, cells.get( t ).get( 0 ).position( 0 ) );
		}
		assertEquals( 20, heard.get() );
		assertFalse( executor.isShutdown() );
	}

	@Test
	void failureNamesTheFrame()
	{
		final FrameException e = assertThrows( FrameException.class, () -> Frames.map( 9, t -> {
			if ( t == 5 )
				throw new IllegalArgumentException( "no labels" );
			return t;
		}, executor, Progress.NONE ) );
		assertEquals( "Frame 5: no labels", e.getMessage() );
		assertEquals( 5, e.frame() );
	}

	@Test
	void progressStops()
	{
		final AtomicInteger worked = new AtomicInteger();
		assertThrows( CancellationException.class, () -> Frames.map( 1000, t -> worked.incrementAndGet(), executor, ( done, total ) -> done < 3 ) );
		assertTrue( worked.get() < 20, "frames after the stop: " + worked );
	}

	@Test
	void noFrames()
	{
		assertEquals( List.of(), Frames.map( 0, t -> t, executor, Progress.NONE ) );
	}
}
