/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import net.imglib2.img.Img;
import net.imglib2.img.array.ArrayImgs;
import net.imglib2.type.numeric.integer.UnsignedIntType;
import net.imglib2.type.numeric.real.DoubleType;

/**
 * Reads the cases that JUnit and pytest share. Their formats stand in
 * {@code tests/golden/README.md}.
 */
public final class GoldenCases
{
	private GoldenCases()
	{}

	/** The folder of one kind of cases. */
	public static Path folder( final String kind )
	{
		return Paths.get( System.getProperty( "golden.dir" ), kind );
	}

	/** One test for each case of a kind. */
	public static Stream< DynamicTest > tests( final String kind, final Consumer< JsonObject > test )
	{
		final List< JsonObject > cases = load( kind );
		assertTrue( cases.size() > 0, "No golden cases in " + folder( kind ) );
		return cases.stream().map( c -> DynamicTest.dynamicTest( name( c ), () -> run( c, test ) ) );
	}

	/** Surefire's report does not name the cases of a dynamic test. */
	private static void run( final JsonObject c, final Consumer< JsonObject > test )
	{
		try
		{
			test.accept( c );
		}
		catch ( final AssertionError e )
		{
			throw new AssertionError( name( c ) + ": " + e.getMessage(), e );
		}
	}

	private static String name( final JsonObject c )
	{
		return c.get( "name" ).getAsString();
	}

	/** All cases of a kind, in order of name. */
	public static List< JsonObject > load( final String kind )
	{
		try (Stream< Path > files = Files.list( folder( kind ) ))
		{
			final List< Path > sorted = files.filter( p -> p.toString().endsWith( ".json" ) ).sorted().collect( Collectors.toList() );
			final List< JsonObject > cases = new ArrayList<>();
			for ( final Path path : sorted )
				try (Reader reader = Files.newBufferedReader( path, StandardCharsets.UTF_8 ))
				{
					cases.add( JsonParser.parseReader( reader ).getAsJsonObject() );
				}
			return cases;
		}
		catch ( final IOException e )
		{
			throw new IllegalStateException( "Cannot read the golden cases in " + folder( kind ), e );
		}
	}

	/** A nested list as labels; x is the first dimension of the image. */
	public static Img< UnsignedIntType > labels( final JsonElement nested )
	{
		final List< Double > values = new ArrayList<>();
		final long[] dims = flatten( nested, values );
		final Img< UnsignedIntType > img = ArrayImgs.unsignedInts( dims );
		int i = 0;
		for ( final UnsignedIntType pixel : img )
			pixel.set( values.get( i++ ).longValue() );
		return img;
	}

	/** A nested list as intensities. */
	public static Img< DoubleType > image( final JsonElement nested )
	{
		final List< Double > values = new ArrayList<>();
		final long[] dims = flatten( nested, values );
		final Img< DoubleType > img = ArrayImgs.doubles( dims );
		int i = 0;
		for ( final DoubleType pixel : img )
			pixel.set( values.get( i++ ) );
		return img;
	}

	private static long[] flatten( final JsonElement nested, final List< Double > values )
	{
		final List< Long > sizes = new ArrayList<>();
		for ( JsonElement e = nested; e.isJsonArray(); e = e.getAsJsonArray().get( 0 ) )
			sizes.add( 0, ( long ) e.getAsJsonArray().size() );
		append( nested, values );
		return sizes.stream().mapToLong( Long::longValue ).toArray();
	}

	private static void append( final JsonElement e, final List< Double > values )
	{
		if ( e.isJsonArray() )
			for ( final JsonElement child : e.getAsJsonArray() )
				append( child, values );
		else
			values.add( e.getAsDouble() );
	}

	/** A list of numbers [z,] y, x in the order x, y[, z]. */
	public static double[] reversed( final JsonArray array )
	{
		final double[] values = new double[ array.size() ];
		for ( int i = 0; i < values.length; i++ )
			values[ values.length - 1 - i ] = array.get( i ).getAsDouble();
		return values;
	}

	/** A number, NaN for null. */
	public static double number( final JsonElement e )
	{
		return e.isJsonNull() ? Double.NaN : e.getAsDouble();
	}

	/** Equal to 1e-6 relative, 1e-9 around 0; NaN equals NaN. */
	public static void assertClose( final double expected, final double actual, final String what )
	{
		if ( Double.isNaN( expected ) )
			assertTrue( Double.isNaN( actual ), what + " is " + actual + ", not missing" );
		else
			assertEquals( expected, actual, Math.max( 1e-9, 1e-6 * Math.abs( expected ) ), what );
	}
}
