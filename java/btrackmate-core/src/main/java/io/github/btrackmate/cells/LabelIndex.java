/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.cells;

import java.util.Arrays;

/**
 * Numbers labels 0, 1, 2… in the order in which they are met. Open addressing,
 * so that memory goes with the number of labels, not with the highest one.
 */
final class LabelIndex
{
	private static final int EMPTY = -1;

	/** The label numbered n, as unsigned int. */
	private int[] labels = new int[ 64 ];

	private int[] slots = new int[ 256 ];

	private int size;

	LabelIndex()
	{
		Arrays.fill( slots, EMPTY );
	}

	int size()
	{
		return size;
	}

	long label( final int number )
	{
		return Integer.toUnsignedLong( labels[ number ] );
	}

	int numberOf( final long label )
	{
		final int key = ( int ) label;
		int slot = slotOf( key, slots.length );
		while ( slots[ slot ] != EMPTY )
		{
			if ( labels[ slots[ slot ] ] == key )
				return slots[ slot ];
			slot = slot + 1 & slots.length - 1;
		}
		if ( size == labels.length )
			labels = Arrays.copyOf( labels, 2 * size );
		labels[ size ] = key;
		slots[ slot ] = size++;
		if ( 2 * size > slots.length )
			grow();
		return size - 1;
	}

	private void grow()
	{
		slots = new int[ 2 * slots.length ];
		Arrays.fill( slots, EMPTY );
		for ( int n = 0; n < size; n++ )
		{
			int slot = slotOf( labels[ n ], slots.length );
			while ( slots[ slot ] != EMPTY )
				slot = slot + 1 & slots.length - 1;
			slots[ slot ] = n;
		}
	}

	private static int slotOf( final int key, final int length )
	{
		final int h = key * 0x9E3779B9;
		return ( h ^ h >>> 15 ) & length - 1;
	}
}
