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
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

import org.jgrapht.graph.DefaultWeightedEdge;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.Spot;
import fiji.plugin.trackmate.io.TmXmlReader;
import io.github.btrackmate.schema.IntensityColumn;
import io.github.btrackmate.schema.SpotColumn;

/**
 * A case of tests/parity: its files, and what every route must give. A spot is
 * named "frame,label".
 */
final class ParityCase
{
	/** All cases. */
	static final List< String > NAMES = List.of( "labels_small", "plane_two_channels", "tissue_3d" );

	private static final Map< String, String > FEATURES = Map.of(
			"x", Spot.POSITION_X, "y", Spot.POSITION_Y, "z", Spot.POSITION_Z, "radius", Spot.RADIUS,
			"volume", SpotColumn.VOLUME.key(), "tissue", SpotColumn.TISSUE.key(), "boundary_distance", SpotColumn.BOUNDARY_DISTANCE.key() );

	private static final double PRECISION = 1e-9;

	private final Path folder;

	private final JsonObject settings;

	ParityCase( final String name ) throws IOException
	{
		folder = Path.of( System.getProperty( "parity.dir" ), name );
		settings = JsonParser.parseString( Files.readString( folder.resolve( "settings.json" ) ) ).getAsJsonObject();
	}

	JsonObject settings()
	{
		return settings;
	}

	/** The movie to track. */
	File image()
	{
		return folder.resolve( settings.get( "image" ).getAsString() ).toFile();
	}

	/** Its labels; the movie itself in some cases. */
	File labels()
	{
		return folder.resolve( settings.get( "labels" ).getAsString() ).toFile();
	}

	/** The tissue mask, in some cases. */
	Optional< File > mask()
	{
		return settings.get( "mask" ).isJsonNull() ? Optional.empty() : Optional.of( folder.resolve( settings.get( "mask" ).getAsString() ).toFile() );
	}

	String text( final String setting )
	{
		return settings.get( setting ).getAsString();
	}

	/** A number, or auto. */
	String distance()
	{
		return text( "linking_distance" );
	}

	int frameGap()
	{
		return settings.get( "frame_gap" ).getAsInt();
	}

	double minimum()
	{
		return settings.get( "min_tracklet_length" ).getAsDouble();
	}

	/** Reads a TrackMate file and compares spots, links and pruned spots. */
	void check( final File xml ) throws IOException
	{
		final TmXmlReader reader = new TmXmlReader( xml );
		final Model model = reader.getModel();
		checkDistances( reader.readSettings( reader.readImage() ).trackerSettings );
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		check( model );
	}

	/** The distances that the tracker was given, or found in the data. */
	void checkDistances( final Map< String, Object > tracker )
	{
		final JsonObject expected = settings.getAsJsonObject( "distances" );
		for ( final String kind : expected.keySet() )
			assertEquals( expected.get( kind ).getAsDouble(), ( Double ) tracker.get( kind ), PRECISION, kind );
	}

	void check( final Model model ) throws IOException
	{
		final List< Map< String, String > > expected = table( "spots" );
		final Map< String, Spot > spots = new HashMap<>();
		for ( final Spot spot : model.getSpots().iterable( false ) )
			spots.put( name( spot ), spot );
		assertEquals( expected.stream().map( r -> name( r, "" ) ).collect( Collectors.toCollection( TreeSet::new ) ), new TreeSet<>( spots.keySet() ), "spots" );
		assertEquals( expected.size(), model.getSpots().getNSpots( false ), "two spots of one name" );
		for ( final Map< String, String > row : expected )
			for ( final String column : row.keySet() )
				if ( key( column ).isPresent() && !row.get( column ).isEmpty() )
					checkValue( Double.parseDouble( row.get( column ) ), spots.get( name( row, "" ) ).getFeature( key( column ).get() ), name( row, "" ) + " " + column );

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

	/** TrackMate's key of a column that is compared. */
	private static Optional< String > key( final String column )
	{
		return IntensityColumn.find( column ).map( IntensityColumn::key ).or( () -> Optional.ofNullable( FEATURES.get( column ) ) );
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

	private List< Map< String, String > > table( final String name ) throws IOException
	{
		final List< String > lines = Files.readAllLines( folder.resolve( name + ".csv" ) );
		final String[] header = lines.get( 0 ).split( "," );
		return lines.stream().skip( 1 ).map( line -> {
			final String[] values = line.split( "," );
			final Map< String, String > row = new HashMap<>();
			for ( int i = 0; i < header.length; i++ )
				row.put( header[ i ], i < values.length ? values[ i ] : "" );
			return row;
		} ).collect( Collectors.toList() );
	}
}
