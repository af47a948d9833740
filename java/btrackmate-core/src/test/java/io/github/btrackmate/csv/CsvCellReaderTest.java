/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.csv;

import static io.github.btrackmate.golden.GoldenCases.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import io.github.btrackmate.cells.VoxelSize;
import io.github.btrackmate.golden.GoldenCases;
import io.github.btrackmate.schema.SpotColumn;

class CsvCellReaderTest
{
	private static final Set< String > NO_COLUMNS = Set.of( "line", "frame", "x", "y", "z", "features" );

	@TestFactory
	Stream< DynamicTest > goldenCases()
	{
		return GoldenCases.tests( "csv", c -> {
			final Path path = GoldenCases.folder( "csv" ).resolve( c.get( "file" ).getAsString() );
			if ( c.has( "error" ) )
			{
				final CsvException e = assertThrows( CsvException.class, () -> CsvCellReader.read( path, options( c ) ) );
				assertEquals( c.getAsJsonObject( "error" ).get( "line" ).getAsLong(), e.line(), e.getMessage() );
				assertEquals( c.getAsJsonObject( "error" ).get( "column" ).getAsString(), e.column(), e.getMessage() );
				assertTrue( e.getMessage().startsWith( path.getFileName() + ", line " + e.line() + ": " ), e.getMessage() );
				return;
			}
			final CsvCells cells = read( path, options( c ) );
			final JsonArray expected = c.getAsJsonArray( "spots" );
			assertEquals( expected.size(), cells.cells().size() );
			for ( int i = 0; i < expected.size(); i++ )
				assertCell( expected.get( i ).getAsJsonObject(), cells.cells().get( i ) );
			assertEquals( c.getAsJsonArray( "skipped_lines" ).toString(), cells.skippedRows().stream().map( CsvException::line ).collect( Collectors.toList() ).toString().replace( " ", "" ) );
			if ( c.has( "stated" ) )
			{
				final JsonObject stated = c.getAsJsonObject( "stated" );
				assertEquals( stated.get( "space_unit" ).getAsString(), cells.spaceUnit() );
				assertEquals( stated.get( "time_unit" ).getAsString(), cells.timeUnit() );
				assertClose( GoldenCases.number( stated.get( "dt" ) ), cells.frameInterval().orElse( Double.NaN ), "dt" );
			}
			assertEquals( c.getAsJsonArray( "ignored_columns" ).toString(), cells.ignoredColumns().stream().map( s -> "\"" + s + "\"" ).collect( Collectors.toList() ).toString().replace( " ", "" ) );
		} );
	}

	private static CsvCells read( final Path path, final CsvOptions options )
	{
		try
		{
			return CsvCellReader.read( path, options );
		}
		catch ( final IOException e )
		{
			throw new UncheckedIOException( e );
		}
	}

	private static CsvOptions options( final JsonObject c )
	{
		final JsonObject o = c.getAsJsonObject( "options" );
		final VoxelSize voxelSize = VoxelSize.of( GoldenCases.reversed( o.getAsJsonArray( "spacing" ) ) );
		final CsvOptions options = o.get( "units" ).getAsString().equals( "pixels" ) ? CsvOptions.inPixels( voxelSize ) : CsvOptions.physical( voxelSize );
		final boolean times = o.has( "time" ) && o.get( "time" ).getAsString().equals( "time" );
		final CsvOptions fit = options.withSkipBadRows( o.get( "skip_bad_rows" ).getAsBoolean() ).withFramesAreTimes( times );
		return o.get( "dt" ).getAsDouble() == 1 ? fit : fit.withFrameInterval( o.get( "dt" ).getAsDouble() );
	}

	private static void assertCell( final JsonObject expected, final CsvCell cell )
	{
		final String what = "line " + cell.line() + " ";
		assertEquals( expected.get( "line" ).getAsLong(), cell.line() );
		assertEquals( expected.get( "frame" ).getAsInt(), cell.frame(), what + "frame" );
		assertClose( expected.get( "x" ).getAsDouble(), cell.position( 0 ), what + "x" );
		assertClose( expected.get( "y" ).getAsDouble(), cell.position( 1 ), what + "y" );
		assertClose( expected.get( "z" ).getAsDouble(), cell.position( 2 ), what + "z" );
		for ( final String name : expected.keySet() )
			if ( !NO_COLUMNS.contains( name ) )
				assertClose( GoldenCases.number( expected.get( name ) ), cell.value( name ), what + name );
		assertTrue( expected.keySet().containsAll( cell.columns().keySet() ), what + cell.columns() );
		final JsonObject features = expected.getAsJsonObject( "features" );
		assertEquals( features.keySet(), cell.features().keySet(), what );
		for ( final String name : features.keySet() )
			assertClose( GoldenCases.number( features.get( name ) ), cell.features().get( name ), what + name );
	}

	private static CsvCells read( final String table ) throws IOException
	{
		return CsvCellReader.read( new StringReader( table ), "cells.csv", CsvOptions.physical( VoxelSize.of( 1, 1 ) ) );
	}

	/** Else one quote that is not closed would swallow the rest of the table. */
	@Test
	void quotesEndInTheirLine()
	{
		final CsvException e = assertThrows( CsvException.class, () -> read( "frame,x,y,note\n0,1,2,\"two\nlines\"\n1,3,4,x\n" ) );
		assertEquals( 2, e.line() );
		assertTrue( e.getMessage().contains( "is a quote not closed?" ), e.getMessage() );
	}

	/** No text, or nothing that a table is made of. */
	@Test
	void otherFilesAreNamed()
	{
		assertTrue( refusal( "PK\u0003\u0004xl/workbook.xml" ).contains( "is an Excel workbook or another zip file" ) );
		assertTrue( refusal( "\u001f\u008b\u0008" ).contains( "is a gzipped file" ) );
		assertTrue( refusal( "%PDF-1.7" ).contains( "is a PDF" ) );
		assertTrue( refusal( "frame,x,y\n0,1,\u0001\n" ).contains( "is not readable as text" ) );
		assertTrue( refusal( "SPOT_SOURCE_ID,SPOT_TARGET_ID\n1,2\n" ).contains( "export its table of spots" ) );
	}

	private static String refusal( final String bytes )
	{
		return assertThrows( CsvException.class, () -> CsvCellReader.read( new StringReader( CsvText.decode( "cells.csv", bytes.getBytes( StandardCharsets.ISO_8859_1 ) ).text ), "cells.csv", CsvOptions.physical( VoxelSize.of( 1, 1 ) ) ) ).getMessage();
	}

	private static List< String > warnings( final String table, final CsvOptions options ) throws IOException
	{
		return CsvCellReader.read( new StringReader( table ), "cells.csv", options ).warnings();
	}

	/** Units that contradict those of the image, and frames that look like times. */
	@Test
	void whatIsOddIsSaid() throws IOException
	{
		final CsvOptions inMicrons = CsvOptions.physical( VoxelSize.of( 1, 1 ) ).withSpaceUnit( "um" );
		assertEquals( List.of(), warnings( "frame,x (µm),y_um\n0,1,2\n1,1,2\n2,1,2\n", inMicrons ) );
		assertTrue( warnings( "frame,x (nm),y (nm)\n0,1,2\n1,1,2\n", inMicrons ).get( 0 ).contains( "in nm, but they are read as µm" ) );
		assertTrue( warnings( "frame,x [px],y [px]\n0,1,2\n1,1,2\n", inMicrons ).get( 0 ).contains( "in pixel, but they are read as µm" ) );
		assertTrue( warnings( "frame,x (µm),y (nm)\n0,1,2\n1,1,2\n", inMicrons ).get( 0 ).contains( "different units" ) );
		assertTrue( warnings( "frame,x (µm),y (µm)\n0,1,2\n1,1,2\n", CsvOptions.inPixels( VoxelSize.of( 1, 1 ) ) ).get( 0 ).contains( "in µm, but they are read as pixels" ) );
		assertEquals( List.of(), warnings( "frame,x [px],y [px]\n0,1,2\n1,1,2\n", CsvOptions.inPixels( VoxelSize.of( 1, 1 ) ) ) );
		final List< String > steps = warnings( "t,x,y\n48,1,2\n72,1,2\n120,1,2\n", inMicrons );
		assertTrue( steps.get( 0 ).contains( "The frames are 48, 72, 120, …, steps of 24 with nothing between" ), steps.toString() );
		assertTrue( warnings( "t,x,y\n3,1,2\n3,1,2\n", inMicrons ).get( 0 ).contains( "All cells are in frame 3" ) );
	}

	@Test
	void whatTheTableWasTakenForIsSaid() throws IOException
	{
		final CsvCells cells = read( "T;X (µm);y;Area;note\n0;1,5;2;3;a\n1;1;2;3;b\n" );
		assertEquals( List.of( "Decimal commas, as in 1,5, are read as points.", "2 rows; columns: frame = 'T', x = 'X (µm)', y = 'y'; features: Area." ), cells.notes() );
	}

	/** How many rows are bad, and what to do. */
	@Test
	void badRowsComeWithAdvice()
	{
		assertTrue( assertThrows( CsvException.class, () -> read( "frame,x,y\n0.5,1,2\n1,1,2\n" ) ).getMessage().contains( "(1 bad rows of 2.) If 'frame' is a time, set 'Frames are' to time, or leave bad rows out" ) );
		assertTrue( assertThrows( CsvException.class, () -> read( "frame,x,y\n0,1,5,2,5\n" ) ).getMessage().endsWith( "(1 bad rows of 1.) Quote what holds a comma, and save decimal commas with semicolons between fields." ) );
	}

	@Test
	void javaNotationsAreNoNumbers()
	{
		for ( final String field : List.of( "1d", "0x1p3", "1f", "Infinity", "1e999", "1_000", "1,5" ) )
			assertTrue( Double.isNaN( Numbers.parse( field ) ), field );
		assertClose( -0.0015, Numbers.parse( "-1.5e-3" ), "number" );
	}

	/** The column x is left out then, since a feature of that name would be taken for the position. */
	@Test
	void namedColumnsGoBeforeGuesses() throws IOException
	{
		final CsvOptions options = CsvOptions.physical( VoxelSize.of( 1, 1 ) ).withColumns( Map.of( SpotColumn.X, "cx", SpotColumn.FRAME, "slice" ) );
		final CsvCells cells = CsvCellReader.read( new StringReader( "slice,cx,y,x\n3,1.5,2,9\n" ), "cells.csv", options );
		final CsvCell cell = cells.cells().get( 0 );
		assertEquals( 3, cell.frame() );
		assertEquals( 1.5, cell.position( 0 ) );
		assertEquals( Map.of(), cell.features() );
		assertEquals( List.of( "x" ), cells.ignoredColumns() );
	}

	@Test
	void namedColumnThatIsNotThere()
	{
		final CsvOptions options = CsvOptions.physical( VoxelSize.of( 1, 1 ) ).withColumns( Map.of( SpotColumn.X, "cx" ) );
		final CsvException e = assertThrows( CsvException.class, () -> CsvCellReader.read( new StringReader( "frame,x,y\n0,1,2\n" ), "cells.csv", options ) );
		assertTrue( e.getMessage().contains( "there is no column 'cx'" ), e.getMessage() );
	}

	@Test
	void messageSaysWhatToDo()
	{
		final String message = assertThrows( CsvException.class, () -> read( "1,2,3\n4,5,6\n" ) ).getMessage();
		assertTrue( message.contains( "[1, 2, 3]" ) && message.contains( "first line must name the columns" ), message );
		assertTrue( assertThrows( CsvException.class, () -> read( "" ) ).getMessage().contains( "empty" ) );
	}

	@Test
	void zInA2DMovieInPixels()
	{
		final CsvOptions options = CsvOptions.inPixels( VoxelSize.of( 0.5, 0.5 ) );
		final CsvException e = assertThrows( CsvException.class, () -> CsvCellReader.read( new StringReader( "frame,x,y,z\n0,1,2,0\n0,1,2,3\n" ), "cells.csv", options ) );
		assertEquals( 3, e.line() );
		assertEquals( "z", e.column() );
	}

	/** Whatever the bytes are: cells, or a message about the table. */
	@Test
	void noiseIsRefusedInWords()
	{
		final String alphabet = "frame,xyz\n\r\t\";0123456789.-e[] µ";
		for ( int seed = 0; seed < 1000; seed++ )
		{
			final Random random = new Random( seed );
			final StringBuilder table = new StringBuilder( random.nextBoolean() ? "frame,x,y,label\n" : "" );
			for ( int i = random.nextInt( 60 ); i > 0; i-- )
				table.append( alphabet.charAt( random.nextInt( alphabet.length() ) ) );
			try
			{
				read( table.toString() ).cells().forEach( c -> assertTrue( c.frame() >= 0 ) );
			}
			catch ( final CsvException | IOException e )
			{
				assertTrue( e.getMessage().startsWith( "cells.csv, line " ), e.getMessage() );
			}
		}
	}
}
