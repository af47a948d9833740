/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What the columns of somebody's table mean, by their names.
 */
public final class ColumnNames
{
	private static final Pattern BRACKETS = Pattern.compile( "[\\[(](.*?)[\\])]" );

	private static final Pattern UNIT_ENDING = Pattern.compile( "(?:(t|time)|(?:pos|position|centroid)?_?([xyz]))[_ ]([a-zµ\u03bc]+)", Pattern.CASE_INSENSITIVE );

	private static final Map< String, String > KNOWN = new HashMap<>();

	/** Known under these very names only. */
	private static final Set< String > OWN = new HashSet<>();

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
				OWN.add( row.get( "alias" ) );
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

	/** What a name means, and the unit that it states. Immutable. */
	public static final class Meaning
	{
		private final Optional< String > column;

		private final String unit;

		private Meaning( final Optional< String > column, final String unit )
		{
			this.column = column;
			this.unit = unit;
		}

		/**
		 * Returns the column.
		 *
		 * @return name in the spots table, if it knows the column.
		 */
		public Optional< String > column()
		{
			return column;
		}

		/**
		 * Returns the unit.
		 *
		 * @return as it stands in the name; empty where it states none.
		 */
		public String unit()
		{
			return unit;
		}
	}

	/**
	 * Finds what a name means. Case, spaces, underscores, hyphens and a unit in
	 * brackets don't matter, but that {@code t (s)} is a time and no frame. For
	 * places and times, the unit may stand at the end as well: {@code x_um},
	 * {@code time_min}.
	 *
	 * @param name
	 *            name in a file.
	 * @return its meaning.
	 */
	public static Meaning read( final String name )
	{
		final Matcher bracketed = BRACKETS.matcher( name );
		final String unit = bracketed.find() ? bracketed.group( 1 ).strip() : "";
		final Matcher ending = UNIT_ENDING.matcher( bracketed.replaceAll( "" ).strip() );
		if ( ending.matches() && ending.group( 1 ) != null && Units.isTime( ending.group( 3 ) ) )
			return new Meaning( Optional.of( SpotColumn.TIME.columnName() ), ending.group( 3 ) );
		if ( ending.matches() && ending.group( 2 ) != null && Units.isSpace( ending.group( 3 ) ) )
			return new Meaning( Optional.of( ending.group( 2 ).toLowerCase( Locale.ROOT ) ), ending.group( 3 ) );
		final Optional< String > column = find( name );
		final boolean isTime = column.equals( Optional.of( SpotColumn.FRAME.columnName() ) ) && Units.isTime( unit );
		return new Meaning( isTime ? Optional.of( SpotColumn.TIME.columnName() ) : column, unit );
	}

	private static Optional< String > find( final String name )
	{
		final String plain = plain( name );
		if ( OWN.contains( plain ) )
			return SpotColumn.find( name ).map( SpotColumn::columnName ).filter( name::equals );
		final Optional< String > intensity = IntensityColumn.find( plain );
		return intensity.isPresent() ? intensity : Optional.ofNullable( KNOWN.get( plain ) );
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

	private static String plain( final String name )
	{
		return BRACKETS.matcher( name.toLowerCase( Locale.ROOT ) ).replaceAll( "" ).replaceAll( "[\\s_-]", "" );
	}
}
