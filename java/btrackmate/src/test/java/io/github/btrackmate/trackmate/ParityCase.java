/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

import org.jgrapht.graph.DefaultWeightedEdge;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.io.TmXmlReader;
import io.github.btrackmate.schema.SpotColumn;

/**
 * The case tests/parity/labels_small: its files, and what every route must give.
 * A spot is named "frame,label".
 */
final class ParityCase
{
	private static final Path FOLDER = Path.of( System.getProperty( "parity.dir" ), "labels_small" );

	private static final Map< String, String > FEATURES = Map.of(
			"x", Spot.POSITION_X, "y", Spot.POSITION_Y, "z", Spot.POSITION_Z, "radius", Spot.RADIUS,
			"volume", SpotColumn.VOLUME.key(), "tissue", SpotColumn.TISSUE.key(), "boundary_distance", SpotColumn.BOUNDARY_DISTANCE.key() );

	private ParityCase()
	{}

	static File file( final String name )
	{
		return FOLDER.resolve( name ).toFile();
	}

	static JsonObject settings() throws IOException
	{
		return JsonParser.parseString( Files.readString( FOLDER.resolve( "settings.json" ) ) ).getAsJsonObject();
	}

	static double distance() throws IOException
	{
		return settings().get( "linking_distance" ).getAsDouble();
	}

	static double minimum() throws IOException
	{
		return settings().get( "min_tracklet_length" ).getAsDouble();
	}

	/** Reads a TrackMate file and compares spots, links and pruned spots. */
	static void check( final File xml ) throws IOException
	{
		final TmXmlReader reader = new TmXmlReader( xml );
		final Model model = reader.getModel();
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		check( model );
	}

	static void check( final Model model ) throws IOException
	{
		final List< Map< String, String > > expected = table( "spots" );
		final Map< String, Spot > spots = new HashMap<>();
		for ( final Spot spot : model.getSpots().iterable( false ) )
			spots.put( name( spot ), spot );
		assertEquals( expected.stream().map( r -> name( r, "" ) ).collect( Collectors.toCollection( TreeSet::new ) ), new TreeSet<>( spots.keySet() ), "spots" );
		assertEquals( expected.size(), model.getSpots().getNSpots( false ), "two spots of one name" );
		for ( final Map< String, String > row : expected )
			for ( final Map.Entry< String, String > feature : FEATURES.entrySet() )
				checkValue( Double.parseDouble( row.get( feature.getKey() ) ), spots.get( name( row, "" ) ).getFeature( feature.getValue() ), name( row, "" ) + " " + feature.getKey() );

		final Set< String > links = new TreeSet<>();
		for ( final DefaultWeightedEdge edge : model.getTrackModel().edgeSet() )
		{
			final Spot source = model.getTrackModel().getEdgeSource( edge );
			final Spot target = model.getTrackModel().getEdgeTarget( edge );
			final boolean forward = source.getFeature( Spot.FRAME ) < target.getFeature( Spot.FRAME );
			links.add( name( forward ? source : target ) + " - " + name( forward ? target : source ) );
		}
		assertEquals( table( "links" ).stream().map( r -> name( r, "source_" ) + " - " + name( r, "target_" ) ).collect( Collectors.toCollection( TreeSet::new ) ), links, "links" );

		final Set< String > pruned = new TreeSet<>( spots.keySet() );
		model.getSpots().iterable( true ).forEach( s -> pruned.remove( name( s ) ) );
		assertEquals( table( "pruned" ).stream().map( r -> name( r, "" ) ).collect( Collectors.toCollection( TreeSet::new ) ), pruned, "pruned" );
	}

	private static void checkValue( final double expected, final Double value, final String what )
	{
		assertNotNull( value, what );
		assertEquals( expected, value, 1e-6 * Math.abs( expected ) + 1e-9, what );
	}

	private static String name( final Spot spot )
	{
		return spot.getFeature( Spot.FRAME ).intValue() + "," + spot.getFeature( SpotColumn.LABEL.key() ).longValue();
	}

	private static String name( final Map< String, String > row, final String prefix )
	{
		return row.get( prefix + "frame" ) + "," + row.get( prefix + "label" );
	}

	private static List< Map< String, String > > table( final String name ) throws IOException
	{
		final List< String > lines = Files.readAllLines( FOLDER.resolve( name + ".csv" ) );
		final String[] header = lines.get( 0 ).split( "," );
		return lines.stream().skip( 1 ).map( line -> {
			final String[] values = line.split( "," );
			final Map< String, String > row = new HashMap<>();
			for ( int i = 0; i < header.length; i++ )
				row.put( header[ i ], values[ i ] );
			return row;
		} ).collect( Collectors.toList() );
	}
}
