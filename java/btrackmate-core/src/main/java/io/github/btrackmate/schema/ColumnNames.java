/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What the columns of somebody's table mean, by their names.
 */
public final class ColumnNames
{
	private static final Map< String, String > KNOWN = new HashMap<>();

	/** Names that count only where no other column has the meaning. */
	private static final Map< String, String > WEAK = new HashMap<>();

	static
	{
		for ( final SpotColumn column : SpotColumn.values() )
			for ( final String name : List.of( column.columnName(), column.key() ) )
				KNOWN.put( plain( name ), column.columnName() );
		for ( final Map< String, String > row : SharedTable.ALIASES.rows() )
			switch ( row.get( "strength" ) )
			{
			case "own":
				KNOWN.remove( row.get( "alias" ) );
				break;
			case "weak":
				WEAK.put( row.get( "alias" ), row.get( "name" ) );
				break;
			default:
				KNOWN.put( row.get( "alias" ), row.get( "name" ) );
			}
	}

	private ColumnNames()
	{}

	/**
	 * Finds what a name means. Case, spaces, underscores, hyphens and a unit in
	 * brackets don't matter, but that {@code t (s)} is a time and no frame.
	 *
	 * @param name
	 *            name in a file.
	 * @return name in the spots table, if it knows the column.
	 */
	public static Optional< String > meaning( final String name )
	{
		final Optional< String > intensity = IntensityColumn.find( plain( name ) );
		if ( intensity.isPresent() )
			return intensity;
		final String known = KNOWN.get( plain( name ) );
		final boolean isTime = SpotColumn.FRAME.columnName().equals( known ) && Units.isTime( bracketed( name ) );
		return isTime ? Optional.of( SpotColumn.TIME.columnName() ) : Optional.ofNullable( known );
	}

	/**
	 * Finds columns under the names of other programs, for frame, x, y and z where
	 * no column means them: where one column alone has such a name. For Python's
	 * scikit-image, {@code centroid-0} is the slowest axis.
	 *
	 * @param names
	 *            names in a file.
	 * @param meanings
	 *            what they mean; {@code null} where nobody knows. Is filled in.
	 */
	public static void addWeak( final String[] names, final String[] meanings )
	{
		final String[] plain = Arrays.stream( names ).map( ColumnNames::plain ).toArray( String[]::new );
		final Map< String, String > weak = new HashMap<>( WEAK );
		final List< String > axes = Arrays.stream( plain ).filter( n -> n.matches( "centroid\\d" ) ).sorted().collect( Collectors.toList() );
		if ( axes.equals( List.of( "centroid0", "centroid1" ) ) || axes.equals( List.of( "centroid0", "centroid1", "centroid2" ) ) )
			for ( int d = 0; d < axes.size(); d++ )
				weak.put( axes.get( axes.size() - 1 - d ), "xyz".substring( d, d + 1 ) );
		for ( final SpotColumn column : List.of( SpotColumn.FRAME, SpotColumn.X, SpotColumn.Y, SpotColumn.Z ) )
		{
			if ( Arrays.asList( meanings ).contains( column.columnName() ) )
				continue;
			final List< Integer > places = IntStream.range( 0, names.length ).filter( i -> meanings[ i ] == null && column.columnName().equals( weak.get( plain[ i ] ) ) ).boxed().collect( Collectors.toCollection( ArrayList::new ) );
			if ( places.size() == 1 )
				meanings[ places.get( 0 ) ] = column.columnName();
		}
	}

	private static String bracketed( final String name )
	{
		return name.matches( ".*[\\[(].*[\\])].*" ) ? name.replaceAll( ".*?[\\[(](.*?)[\\])].*", "$1" ).strip() : "";
	}

	private static String plain( final String name )
	{
		return name.toLowerCase( Locale.ROOT ).replaceAll( "[\\[(].*[\\])]", "" ).replaceAll( "[\\s_-]", "" );
	}
}
