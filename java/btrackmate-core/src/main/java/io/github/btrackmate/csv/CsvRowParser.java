/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import static io.github.btrackmate.schema.SpotColumn.FRAME;
import static io.github.btrackmate.schema.SpotColumn.ID;
import static io.github.btrackmate.schema.SpotColumn.LABEL;
import static io.github.btrackmate.schema.SpotColumn.RADIUS;
import static io.github.btrackmate.schema.SpotColumn.TIME;
import static io.github.btrackmate.schema.SpotColumn.TISSUE;
import static io.github.btrackmate.schema.SpotColumn.VOLUME;
import static io.github.btrackmate.schema.SpotColumn.VOXELS;
import static io.github.btrackmate.schema.SpotColumn.X;
import static io.github.btrackmate.schema.SpotColumn.Y;
import static io.github.btrackmate.schema.SpotColumn.Z;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;

import io.github.btrackmate.cells.LabelRuns;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Reads one row after the other; a row that makes no sense is an exception.
 */
final class CsvRowParser
{
	/** Highest whole number up to which a double holds all of them. */
	private static final double MAX_WHOLE = 1L << 53;

	private final String file;

	private final CsvHeader header;

	/** Columns that go to the table or the features as they are. */
	private final boolean[] carried;

	private final CsvOptions options;

	/** Null where the table counts frames. */
	private final FrameClock clock;

	CsvRowParser( final String file, final CsvHeader header, final boolean[] used, final CsvOptions options, final FrameClock clock )
	{
		this.clock = clock;
		this.file = file;
		this.header = header;
		this.options = options;
		carried = new boolean[ header.size() ];
		for ( int i = 0; i < carried.length; i++ )
			carried[ i ] = used[ i ] && !header.isUnnamed( i ) && !isPlaceOrTime( header.meaning( i ) );
	}

	CsvCell parse( final long line, final String[] fields )
	{
		checkFieldCount( line, fields );
		final double[] position = new double[ 3 ];
		final Map< String, Double > columns = new LinkedHashMap<>();
		final Map< String, Double > features = new LinkedHashMap<>();
		final int frame = frame( line, fields );
		position[ 0 ] = required( line, fields, X ) * options.scale( 0 );
		position[ 1 ] = required( line, fields, Y ) * options.scale( 1 );
		position[ 2 ] = z( line, fields );
		for ( int i = 0; i < header.size(); i++ )
		{
			if ( !carried[ i ] )
				continue;
			final Map< String, Double > values = header.meaning( i ) == null ? features : columns;
			values.put( header.name( i ), number( line, fields, i ) );
		}
		checkColumns( line, columns );
		scale( columns );
		return new CsvCell( line, frame, position, columns, features );
	}

	private void checkFieldCount( final long line, final String[] fields )
	{
		boolean tooMany = false;
		for ( int i = header.size(); i < fields.length; i++ )
			tooMany |= !fields[ i ].isEmpty();
		if ( fields.length < header.size() || tooMany )
			throw new CsvException( file, line, header.name( Math.min( fields.length, header.size() - 1 ) ), "the row has " + fields.length + " fields, the header " + header.size() + "." );
	}

	private static boolean isPlaceOrTime( final String meaning )
	{
		return Stream.of( FRAME, TIME, X, Y, Z ).anyMatch( c -> c.columnName().equals( meaning ) );
	}

	private int frame( final long line, final String[] fields )
	{
		if ( clock != null )
			return frameAt( line, fields );
		final double value = required( line, fields, FRAME );
		if ( value != Math.rint( value ) || value < 0 || value > Integer.MAX_VALUE )
			throw fault( line, FRAME, fields[ header.indexOf( FRAME ) ], "a whole number from 0" );
		return ( int ) value;
	}

	private int frameAt( final long line, final String[] fields )
	{
		final SpotColumn column = timeColumn( header, options );
		final OptionalDouble frame = clock.frame( required( line, fields, column ) );
		if ( frame.isEmpty() )
			throw new CsvException( file, line, TIME.columnName(), "time (column '" + header.nameInFile( header.indexOf( column ) ) + "') is '" + fields[ header.indexOf( column ) ] + "'; a multiple of " + CsvNotes.number( clock.step() ) + " after " + CsvNotes.number( clock.start() ) + " was expected. Is the frame interval right?" );
		return ( int ) frame.getAsDouble();
	}

	/** The column that holds times, where frames follow from them. */
	static SpotColumn timeColumn( final CsvHeader header, final CsvOptions options )
	{
		return options.framesAreTimes() && header.has( FRAME ) ? FRAME : TIME;
	}

	private double z( final long line, final String[] fields )
	{
		if ( !header.has( Z ) )
			return 0;
		final double z = required( line, fields, Z );
		if ( !options.isFlat() )
			return z * options.scale( 2 );
		if ( z != 0 )
			throw fault( line, Z, fields[ header.indexOf( Z ) ], "0 in a 2D movie (or a voxel size with dz)" );
		return 0;
	}

	private double required( final long line, final String[] fields, final SpotColumn column )
	{
		final double value = number( line, fields, header.indexOf( column ) );
		if ( Double.isNaN( value ) )
			throw fault( line, column, fields[ header.indexOf( column ) ], "a number" );
		return value;
	}

	private double number( final long line, final String[] fields, final int i )
	{
		final double value = Numbers.parse( fields[ i ] );
		if ( Double.isNaN( value ) && !Numbers.isMissing( fields[ i ] ) )
			throw new CsvException( file, line, header.name( i ), "column '" + header.nameInFile( i ) + "' is '" + fields[ i ] + "'; a number was expected." );
		return value;
	}

	private void checkColumns( final long line, final Map< String, Double > columns )
	{
		if ( header.has( ID ) && !isWhole( columns.get( ID.columnName() ), MAX_WHOLE ) )
			throw fault( line, ID, columns.get( ID.columnName() ), "a whole number from 0" );
		final double label = columns.getOrDefault( LABEL.columnName(), Double.NaN );
		if ( !Double.isNaN( label ) && !isWhole( label, LabelRuns.MAX_LABEL ) )
			throw fault( line, LABEL, label, "a whole number from 0 to " + LabelRuns.MAX_LABEL );
		for ( final SpotColumn column : new SpotColumn[] { TISSUE, VOXELS } )
		{
			final double value = columns.getOrDefault( column.columnName(), Double.NaN );
			if ( !Double.isNaN( value ) && !isWhole( value, LabelRuns.MAX_LABEL ) )
				throw fault( line, column, value, "a whole number from 0" );
		}
		for ( final SpotColumn column : new SpotColumn[] { RADIUS, VOLUME } )
			if ( columns.getOrDefault( column.columnName(), Double.NaN ) <= 0 )
				throw fault( line, column, columns.get( column.columnName() ), "a number above 0" );
	}

	private static boolean isWhole( final double value, final double highest )
	{
		return value >= 0 && value <= highest && value == Math.rint( value );
	}

	private CsvException fault( final long line, final SpotColumn column, final Object found, final String expected )
	{
		return new CsvException( file, line, column.columnName(), "column '" + header.nameInFile( header.indexOf( column ) ) + "' is '" + found + "'; " + expected + " was expected." );
	}

	/** To physical units; a radius that is missing follows from the volume. */
	private void scale( final Map< String, Double > columns )
	{
		columns.computeIfPresent( VOLUME.columnName(), ( name, volume ) -> volume * options.volumeScale() );
		columns.computeIfPresent( RADIUS.columnName(), ( name, radius ) -> radius * options.scale( 0 ) );
		final double radius = columns.getOrDefault( RADIUS.columnName(), Double.NaN );
		final double volume = columns.getOrDefault( VOLUME.columnName(), Double.NaN );
		if ( Double.isNaN( radius ) && !Double.isNaN( volume ) )
			columns.put( RADIUS.columnName(), options.voxelSize().radiusOf( volume ) );
	}
}
