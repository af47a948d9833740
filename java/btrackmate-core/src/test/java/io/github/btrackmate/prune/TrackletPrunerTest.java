/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.prune;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.jgrapht.Graph;
import org.jgrapht.graph.DefaultWeightedEdge;
import org.jgrapht.graph.SimpleDirectedWeightedGraph;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.btrackmate.golden.GoldenCases;

/**
 * Spots are their ids; frames stand beside the graph.
 */
class TrackletPrunerTest
{
	private static final class Tracks
	{
		final Graph< Long, DefaultWeightedEdge > graph = new SimpleDirectedWeightedGraph<>( DefaultWeightedEdge.class );

		final Map< Long, Integer > frames = new HashMap<>();

		Tracks spot( final long id, final int frame )
		{
			graph.addVertex( id );
			frames.put( id, frame );
			return this;
		}

		Tracks link( final long source, final long target, final double cost )
		{
			graph.setEdgeWeight( graph.addEdge( source, target ), cost );
			return this;
		}

		PruneResult< Long, DefaultWeightedEdge > prune( final PruneSettings settings, final int lastFrame )
		{
			return new TrackletPruner< Long, DefaultWeightedEdge >( frames::get, Long::longValue, graph::getEdgeWeight ).prune( graph, settings, lastFrame );
		}

		void remove( final PruneResult< Long, DefaultWeightedEdge > result )
		{
			graph.removeAllEdges( new ArrayList<>( result.links().keySet() ) );
			graph.removeAllVertices( new ArrayList<>( result.spots().keySet() ) );
		}

		String name( final DefaultWeightedEdge link )
		{
			return "[" + graph.getEdgeSource( link ) + "," + graph.getEdgeTarget( link ) + "]";
		}
	}

	private static Tracks tracksOf( final JsonObject c )
	{
		final Tracks tracks = new Tracks();
		for ( final JsonElement spot : c.getAsJsonArray( "spots" ) )
			tracks.spot( spot.getAsJsonObject().get( "id" ).getAsLong(), spot.getAsJsonObject().get( "frame" ).getAsInt() );
		for ( final JsonElement link : c.getAsJsonArray( "links" ) )
		{
			final JsonArray l = link.getAsJsonArray();
			tracks.link( l.get( 0 ).getAsLong(), l.get( 1 ).getAsLong(), GoldenCases.number( l.get( 2 ) ) );
		}
		return tracks;
	}

	private static PruneSettings settingsOf( final JsonObject c )
	{
		final JsonObject s = c.getAsJsonObject( "settings" );
		final double minimum = s.get( "min_tracklet_length" ).getAsDouble();
		final PruneSettings settings = s.get( "unit" ).getAsString().equals( "time" )
				? PruneSettings.inTime( minimum, c.get( "dt" ).getAsDouble() )
				: PruneSettings.inFrames( minimum );
		return settings
				.withCensored( s.get( "prune_censored" ).getAsBoolean() )
				.withInternal( s.get( "prune_internal" ).getAsBoolean() )
				.withShortTracks( s.get( "prune_short_tracks" ).getAsBoolean() );
	}

	@TestFactory
	Stream< DynamicTest > goldenCases()
	{
		return GoldenCases.tests( "prune", c -> {
			final Tracks tracks = tracksOf( c );
			final PruneSettings settings = settingsOf( c );
			final int lastFrame = c.get( "last_frame" ).getAsInt();
			final PruneResult< Long, DefaultWeightedEdge > result = tracks.prune( settings, lastFrame );

			assertEquals( strings( c, "removed_spots" ), result.spots().keySet().stream().map( String::valueOf ).collect( Collectors.toList() ), "spots" );
			assertEquals( strings( c, "removed_links" ), result.links().keySet().stream().map( tracks::name ).collect( Collectors.toList() ), "links" );
			assertEquals( strings( c, "spot_rules" ), result.spots().values().stream().map( PruneRule::key ).collect( Collectors.toList() ), "rules of spots" );
			assertEquals( strings( c, "link_rules" ), result.links().values().stream().map( PruneRule::key ).collect( Collectors.toList() ), "rules of links" );

			tracks.remove( result );
			assertTrue( tracks.prune( settings, lastFrame ).isEmpty(), "pruned twice" );
		} );
	}

	private static List< String > strings( final JsonObject c, final String field )
	{
		final List< String > strings = new ArrayList<>();
		for ( final JsonElement e : c.getAsJsonArray( field ) )
			strings.add( e.isJsonArray() ? e.toString() : e.getAsString() );
		return strings;
	}

	/** A link may be stored backward in time, as a hand edit can leave it. */
	@Test
	void linksStoredBackward()
	{
		final Tracks tracks = new Tracks().spot( 0, 0 ).spot( 1, 1 ).spot( 2, 1 ).spot( 3, 4 ).link( 1, 0, 1 ).link( 0, 2, 1 ).link( 3, 2, 1 );
		assertEquals( Map.of( 1L, PruneRule.SHORT_LEAF ), tracks.prune( PruneSettings.inFrames( 3 ), 9 ).spots() );
	}

	@Test
	void linkWithinAFrameIsRefused()
	{
		final Tracks tracks = new Tracks().spot( 4, 2 ).spot( 5, 2 ).link( 4, 5, 1 );
		final Exception e = assertThrows( IllegalArgumentException.class, () -> tracks.prune( PruneSettings.inFrames( 3 ), 9 ) );
		assertTrue( e.getMessage().contains( "4 - 5" ) && e.getMessage().contains( "frame 2" ), e.getMessage() );
	}

	@Test
	void settingsAreChecked()
	{
		assertThrows( IllegalArgumentException.class, () -> PruneSettings.inFrames( -1 ) );
		assertThrows( IllegalArgumentException.class, () -> PruneSettings.inFrames( Double.NaN ) );
		assertThrows( IllegalArgumentException.class, () -> PruneSettings.inTime( 3, 0 ) );
	}

	/**
	 * On random graphs with gaps, divisions and merges: a second pruning finds
	 * nothing, the order of spots and links plays no part, and the mother of
	 * every removed leaf stays.
	 */
	@Test
	void idempotentAndIndependentOfOrder()
	{
		for ( int seed = 0; seed < 300; seed++ )
		{
			final Random random = new Random( seed );
			final PruneSettings settings = PruneSettings.inFrames( 1 + random.nextInt( 5 ) )
					.withCensored( random.nextBoolean() ).withInternal( random.nextBoolean() ).withShortTracks( random.nextBoolean() );
			final Tracks tracks = randomTracks( random );
			final PruneResult< Long, DefaultWeightedEdge > result = tracks.prune( settings, 9 );
			assertEquals( result.spots(), shuffled( tracks, random ).prune( settings, 9 ).spots(), "seed " + seed );
			for ( final DefaultWeightedEdge link : result.links().keySet() )
			{
				final PruneRule rule = result.links().get( link );
				final Long mother = tracks.graph.getEdgeSource( link );
				if ( tracks.graph.outDegreeOf( mother ) > 1 && rule != PruneRule.SHORT_TRACK && result.spots().get( mother ) == null )
					assertTrue( tracks.graph.outgoingEdgesOf( mother ).stream().anyMatch( l -> result.links().get( l ) == null || result.links().get( l ) == PruneRule.SHORT_TRACK ), "seed " + seed );
			}
			tracks.remove( result );
			assertTrue( tracks.prune( settings, 9 ).isEmpty(), "seed " + seed );
		}
	}

	private static Tracks randomTracks( final Random random )
	{
		final Tracks tracks = new Tracks();
		for ( int i = 0; i < 40; i++ )
			tracks.spot( i, i / 4 );
		for ( int i = 0; i < 45; i++ )
		{
			final int a = random.nextInt( 40 );
			final int b = a + 1 + random.nextInt( 10 );
			if ( b < 40 && a / 4 < b / 4 && !tracks.graph.containsEdge( ( long ) a, ( long ) b ) )
				tracks.link( a, b, random.nextInt( 3 ) );
		}
		return tracks;
	}

	private static Tracks shuffled( final Tracks tracks, final Random random )
	{
		final Tracks copy = new Tracks();
		final List< Long > spots = new ArrayList<>( tracks.graph.vertexSet() );
		Collections.shuffle( spots, random );
		spots.forEach( s -> copy.spot( s, tracks.frames.get( s ) ) );
		final List< DefaultWeightedEdge > links = new ArrayList<>( tracks.graph.edgeSet() );
		Collections.shuffle( links, random );
		links.forEach( l -> copy.link( tracks.graph.getEdgeSource( l ), tracks.graph.getEdgeTarget( l ), tracks.graph.getEdgeWeight( l ) ) );
		return copy;
	}
}
