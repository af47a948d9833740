/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import java.util.function.IntUnaryOperator;

import org.junit.jupiter.api.Test;

import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedByteType;
import net.imglib2.type.numeric.integer.UnsignedShortType;

/**
 * Labels, masks and intensities are told apart by how their values hang together.
 */
class LabelLookTest
{
	private static final int SIZE = 100;

	private final Random random = new Random( 1 );

	/** Squares of some pixels on a grid, with values. */
	private static Img< UnsignedShortType > squares( final int count, final int side, final IntUnaryOperator value )
	{
		final Img< UnsignedShortType > image = ArrayImgs.unsignedShorts( SIZE, SIZE );
		final int columns = SIZE / ( side + 2 );
		for ( int i = 0; i < count; i++ )
			for ( int y = 0; y < side; y++ )
				for ( int x = 0; x < side; x++ )
					image.getAt( i % columns * ( side + 2 ) + x, i / columns * ( side + 2 ) + y ).set( value.applyAsInt( i ) );
		return image;
	}

	@Test
	void labels()
	{
		assertEquals( LabelLook.LABELS, LabelLook.of( squares( 60, 8, i -> 1000 + 7 * i ) ) );
		assertEquals( LabelLook.LABELS, LabelLook.of( squares( 3, 8, i -> i + 1 ) ), "few cells" );
		assertEquals( LabelLook.LABELS, LabelLook.of( squares( 500, 1, i -> i + 1 ) ), "cells of a pixel" );
		assertEquals( LabelLook.LABELS, LabelLook.of( squares( 60, 8, i -> i / 2 + 1 ) ), "each in two pieces" );
	}

	@Test
	void masks()
	{
		final Img< UnsignedByteType > tissue = ArrayImgs.unsignedBytes( SIZE, SIZE );
		for ( int y = 10; y < 90; y++ )
			for ( int x = 20; x < 70; x++ )
				tissue.getAt( x, y ).set( 255 );
		assertEquals( LabelLook.MASK, LabelLook.of( tissue ) );
		assertEquals( LabelLook.MASK, LabelLook.of( squares( 60, 8, i -> 1 ) ), "thresholded nuclei" );
	}

	@Test
	void intensities()
	{
		final Img< UnsignedByteType > noise = ArrayImgs.unsignedBytes( SIZE, SIZE );
		noise.forEach( p -> p.set( 40 + random.nextInt( 100 ) ) );
		assertEquals( LabelLook.INTENSITIES, LabelLook.of( noise ) );
		final Img< UnsignedByteType > dim = ArrayImgs.unsignedBytes( SIZE, SIZE );
		dim.forEach( p -> p.set( random.nextInt( 5 ) ) );
		assertEquals( LabelLook.INTENSITIES, LabelLook.of( dim ), "few grey values" );
		final Img< UnsignedShortType > blobs = squares( 60, 8, i -> 3000 );
		blobs.forEach( p -> p.set( p.get() / 2 + random.nextInt( 60 ) ) );
		assertEquals( LabelLook.INTENSITIES, LabelLook.of( blobs ), "noisy cells" );
		assertEquals( LabelLook.INTENSITIES, LabelLook.of( ArrayImgs.floats( new float[] { 0, 1.5f }, 2, 1 ) ) );
	}

	@Test
	void empty()
	{
		assertEquals( LabelLook.EMPTY, LabelLook.of( ArrayImgs.unsignedBytes( 5, 5 ) ) );
	}
}
