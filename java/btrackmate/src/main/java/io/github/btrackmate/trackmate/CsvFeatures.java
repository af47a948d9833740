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
import java.util.Optional;
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

	private final Map< String, String > keys = new LinkedHashMap<>();

	CsvFeatures( final CsvCells cells )
	{
		final Set< String > names = new LinkedHashSet<>();
		for ( final CsvCell cell : cells.cells() )
		{
			names.addAll( cell.columns().keySet() );
			names.addAll( cell.features().keySet() );
		}
		names.remove( SpotColumn.ID.columnName() );
		final Set< String > taken = new HashSet<>( RESERVED );
		for ( final String name : names )
		{
			final String stem = key( name );
			String key = stem;
			for ( int n = 2; !taken.add( key ); n++ )
				key = stem + "_" + n;
			keys.put( name, key );
		}
	}

	private static String key( final String name )
	{
		final Optional< SpotColumn > column = SpotColumn.find( name );
		if ( column.isPresent() )
			return column.get().key();
		if ( IntensityColumn.find( name ).isPresent() )
			return IntensityColumn.key( IntensityColumn.find( name ).get() );
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
		keys.forEach( ( name, key ) -> {
			if ( SpotColumn.find( name ).isEmpty() && IntensityColumn.find( name ).isEmpty() )
				names.put( key, name );
		} );
		final List< String > own = List.copyOf( names.keySet() );
		model.declareSpotFeatures( own, names, names, all( own, Dimension.NONE ), all( own, false ) );
	}

	private static < V > Map< String, V > all( final List< String > keys, final V value )
	{
		return keys.stream().collect( Collectors.toMap( k -> k, k -> value ) );
	}

	/** Missing values stay missing. */
	void put( final Spot spot, final CsvCell cell )
	{
		keys.forEach( ( name, key ) -> {
			final double value = cell.columns().containsKey( name ) ? cell.value( name ) : cell.features().getOrDefault( name, Double.NaN );
			if ( !Double.isNaN( value ) )
				spot.putFeature( key, value );
		} );
	}
}
