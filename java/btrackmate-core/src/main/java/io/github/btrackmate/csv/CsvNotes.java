/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.github.btrackmate.schema.SpotColumn;

/**
 * What a table was taken for, and what is odd about it, in sentences for people.
 */
final class CsvNotes
{
	private static final String PIXEL = "pixel";

	private static final int MOST_NAMED = 20;

	private static final int MOST_LINES = 10;

	private final List< String > notes = new ArrayList<>();

	private final List< String > warnings = new ArrayList<>();

	private String spaceUnit = "";

	private String timeUnit = "";

	private OptionalDouble frameInterval = OptionalDouble.empty();

	List< String > notes()
	{
		return List.copyOf( notes );
	}

	List< String > warnings()
	{
		return List.copyOf( warnings );
	}

	String spaceUnit()
	{
		return spaceUnit;
	}

	String timeUnit()
	{
		return timeUnit;
	}

	OptionalDouble frameInterval()
	{
		return frameInterval;
	}

	void addNote( final String sentence )
	{
		notes.add( sentence );
	}

	/** A number as people write it. */
	static String number( final double value )
	{
		return value == Math.rint( value ) && Math.abs( value ) < 1e15 ? String.valueOf( ( long ) value ) : String.valueOf( value );
	}

	/** Says what each column was taken for. */
	void tellColumns( final CsvHeader header, final boolean[] used, final int rows )
	{
		final boolean[] unused = new boolean[ used.length ];
		for ( int i = 0; i < unused.length; i++ )
			unused[ i ] = !used[ i ] || header.isUnnamed( i ) || SpotColumn.TIME.columnName().equals( header.meaning( i ) ) && header.has( SpotColumn.FRAME );
		final String known = IntStream.range( 0, used.length ).filter( i -> !unused[ i ] && header.meaning( i ) != null ).mapToObj( i -> header.meaning( i ) + " = '" + header.nameInFile( i ) + "'" ).collect( Collectors.joining( ", " ) );
		final List< String > others = IntStream.range( 0, used.length ).filter( i -> !unused[ i ] && header.meaning( i ) == null ).mapToObj( header::name ).collect( Collectors.toList() );
		final String named = others.isEmpty() ? "none" : others.stream().limit( MOST_NAMED ).collect( Collectors.joining( ", " ) ) + ( others.size() > MOST_NAMED ? " and " + ( others.size() - MOST_NAMED ) + " more" : "" );
		notes.add( rows + " rows; columns: " + known + "; features: " + named + "." );
	}

	/** Compares the units that the header states with those that are given. */
	void compareUnits( final CsvHeader header, final CsvOptions options )
	{
		final Set< String > stated = new TreeSet<>();
		for ( final SpotColumn column : List.of( SpotColumn.X, SpotColumn.Y, SpotColumn.Z ) )
			stated.add( header.unit( column ) );
		stated.remove( "" );
		timeUnit = header.unit( SpotColumn.TIME );
		if ( stated.size() > 1 )
		{
			warnings.add( "The header states different units of positions: " + String.join( ", ", stated ) + "." );
			return;
		}
		if ( stated.isEmpty() )
			return;
		final String unit = stated.iterator().next();
		spaceUnit = unit;
		final String given = options.spaceUnit().isEmpty() ? PIXEL : options.spaceUnit();
		if ( options.isInPixels() )
		{
			if ( !PIXEL.equals( unit ) )
				warnings.add( "The header states positions in " + unit + ", but they are read as pixels." );
		}
		else if ( PIXEL.equals( unit ) ? !PIXEL.equals( given ) : !PIXEL.equals( given ) && !given.equals( unit ) )
			warnings.add( "The header states positions in " + unit + ", but they are read as " + given + ", the unit of the image." );
	}

	/** Says which time step was found. */
	void tellStep( final FrameClock clock )
	{
		if ( !clock.isFound() )
			return;
		frameInterval = OptionalDouble.of( clock.step() );
		if ( timeUnit.isEmpty() )
			timeUnit = "sec";
		notes.add( "The frame interval is not known; from the times of the table it is " + number( clock.step() ) + " " + timeUnit + ", and frame 0 is at " + number( clock.start() ) + ". If that is wrong, set the interval in Image > Properties." );
	}

	/** Warns of frames that go up in steps of several, or do not go up at all. */
	void lookAtFrames( final List< CsvCell > cells, final boolean areCounted )
	{
		final int[] frames = cells.stream().mapToInt( CsvCell::frame ).distinct().sorted().toArray();
		if ( frames.length == 1 && cells.size() > 1 )
			warnings.add( "All cells are in frame " + frames[ 0 ] + ": there is nothing to link." );
		if ( frames.length < 3 )
			return;
		int step = 0;
		for ( int i = 1; i < frames.length; i++ )
			step = commonDivisor( frames[ i ] - frames[ i - 1 ], step );
		if ( step > 1 )
			warnings.add( String.format( Locale.ROOT, "The frames are %d, %d, %d, …, steps of %d with nothing between, so that cells of successive frames are never linked: they look like times. %s", frames[ 0 ], frames[ 1 ], frames[ 2 ], step, areCounted ? "If they are, set 'Frames are' to time." : "Set the frame interval of the image." ) );
	}

	private static int commonDivisor( final int a, final int b )
	{
		return b == 0 ? a : commonDivisor( b, a % b );
	}

	/** Says which rows were left out. */
	void tellSkipped( final List< CsvException > skipped, final int rows )
	{
		if ( skipped.isEmpty() )
			return;
		final String lines = skipped.stream().limit( MOST_LINES ).map( e -> String.valueOf( e.line() ) ).collect( Collectors.joining( ", " ) ) + ( skipped.size() > MOST_LINES ? ", …" : "" );
		warnings.add( skipped.size() + " bad rows of " + rows + " are left out" + ( 2 * skipped.size() > rows ? ", most of the table" : "" ) + ": lines " + lines + ". The first: " + skipped.get( 0 ).getMessage() );
	}

	/** Names columns without a name that hold something. */
	void tellUnnamed( final List< Integer > places )
	{
		if ( !places.isEmpty() )
			notes.add( "Column " + places.stream().map( String::valueOf ).collect( Collectors.joining( ", " ) ) + " has no name and is left out." );
	}
}
