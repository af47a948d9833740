/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import fiji.plugin.trackmate.Dimension;
import fiji.plugin.trackmate.FeatureModel;
import fiji.plugin.trackmate.Spot;
import io.github.btrackmate.csv.CsvCell;
import io.github.btrackmate.csv.CsvCells;
import io.github.btrackmate.schema.IntensityColumn;
import io.github.btrackmate.schema.SpotColumn;

/**
 * The TrackMate features that the columns of a table become: our own under their
 * keys, others under their names, made fit for XML.
 */
final class CsvFeatures
{
	/** Attributes of a spot in TrackMate's XML that are no features. */
	private static final Set< String > RESERVED = Set.of( "ID", "name", "ROI_N_POINTS" );

	/** Keys of our columns, by their names. */
	private final Map< String, String > columns = new LinkedHashMap<>();

	/** Keys of other columns, by their names in the table. */
	private final Map< String, String > others = new LinkedHashMap<>();

	/**
	 * Finds a key for each column.
	 *
	 * @param cells
	 *            the table.
	 * @param reserved
	 *            keys of features that TrackMate measures itself, and would write
	 *            over those of the table.
	 */
	CsvFeatures( final CsvCells cells, final Set< String > reserved )
	{
		final Set< String > names = new LinkedHashSet<>();
		for ( final CsvCell cell : cells.cells() )
		{
			cell.columns().keySet().forEach( n -> columns.put( n, key( n ) ) );
			names.addAll( cell.features().keySet() );
		}
		columns.remove( SpotColumn.ID.columnName() );
		final Set< String > taken = new HashSet<>( RESERVED );
		taken.addAll( columns.values() );
		taken.addAll( reserved );
		for ( final String name : names )
		{
			final String stem = fit( name );
			String key = stem;
			for ( int n = 2; !taken.add( key ); n++ )
				key = stem + "_" + n;
			others.put( name, key );
		}
	}

	private static String key( final String column )
	{
		return SpotColumn.find( column ).map( SpotColumn::key ).orElseGet( () -> IntensityColumn.key( column ) );
	}

	private static String fit( final String name )
	{
		final String key = name.replaceAll( "[^A-Za-z0-9_.-]", "_" );
		return key.matches( "[A-Za-z_].*" ) ? key : "_" + key;
	}

	/**
	 * Declares what TrackMate and {@link SpotFeatures} do not declare anyway.
	 *
	 * @param model
	 *            changed.
	 */
	void declare( final FeatureModel model )
	{
		final Map< String, String > names = new LinkedHashMap<>();
		others.forEach( ( name, key ) -> names.put( key, name ) );
		final List< String > own = List.copyOf( names.keySet() );
		model.declareSpotFeatures( own, names, names, all( own, Dimension.NONE ), all( own, false ) );
	}

	private static < V > Map< String, V > all( final List< String > keys, final V value )
	{
		return keys.stream().collect( Collectors.toMap( k -> k, k -> value ) );
	}

	void put( final Spot spot, final CsvCell cell )
	{
		columns.forEach( ( name, key ) -> put( spot, key, cell.value( name ) ) );
		others.forEach( ( name, key ) -> put( spot, key, cell.features().getOrDefault( name, Double.NaN ) ) );
	}

	/** Missing values stay missing. */
	private static void put( final Spot spot, final String key, final double value )
	{
		if ( !Double.isNaN( value ) )
			spot.putFeature( key, value );
	}
}
