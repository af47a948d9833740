/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.python.core.PyException;
import org.python.core.PySystemState;
import org.python.util.PythonInterpreter;
import org.scijava.Context;
import org.scijava.command.CommandService;
import org.scijava.log.LogService;
import org.scijava.module.ModuleItem;
import org.scijava.script.ScriptInfo;
import org.scijava.script.ScriptService;

import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.io.TmXmlReader;
import ij.IJ;
import ij.ImagePlus;

/**
 * Fiji's Jython runs the scripts with the real TrackMate, with the values of
 * their parameters set as the script editor sets them. The movie has 6 frames;
 * cell 70000 divides after frame 1, and the daughter 8 lives for 2 frames:
 *
 * <pre>
 * frame  0  1  2  3  4  5
 *             /8--8
 *        A--A--A--A--A--A         (A = 70000)
 * </pre>
 */
class FijiScriptsTest
{
	@TempDir
	Path folder;

	private Context context;

	private File movie;

	private File xml;

	@BeforeEach
	void saveMovie()
	{
		context = new Context( CommandService.class, ScriptService.class, LogService.class );
		final int[][][] frames = new int[ 6 ][ 8 ][ 20 ];
		for ( int t = 0; t < 6; t++ )
			for ( int x = 2; x < 5; x++ )
			{
				Arrays.fill( frames[ t ][ x ], 8, 11, 70000 );
				if ( t == 2 || t == 3 )
					Arrays.fill( frames[ t ][ x ], 12, 14, 8 );
			}
		movie = save( TestImages.movie2D( "movie", 32, 1, frames ) );
		xml = folder.resolve( "movie.xml" ).toFile();
	}

	@AfterEach
	void dispose()
	{
		context.dispose();
	}

	private File save( final ImagePlus imp )
	{
		final File file = folder.resolve( imp.getTitle() + ".tif" ).toFile();
		assertTrue( IJ.saveAsTiff( imp, file.getPath() ) );
		return file;
	}

	private static Path script( final String name )
	{
		return Path.of( System.getProperty( "scripts.dir" ), name );
	}

	private Map< String, Object > run( final String name, final Map< String, Object > values, final String... outputs )
	{
		final PySystemState state = new PySystemState();
		try (PythonInterpreter python = new PythonInterpreter( null, state ))
		{
			values.forEach( python::set );
			python.execfile( script( name ).toString() );
			final Map< String, Object > results = new HashMap<>();
			for ( final String output : outputs )
				results.put( output, python.get( output, Object.class ) );
			return results;
		}
	}

	private Map< String, Object > values( final Map< String, Object > changes )
	{
		final Map< String, Object > values = new HashMap<>( Map.of( "commands", context.service( CommandService.class ), "log", context.service( LogService.class ), "image", movie, "labels", movie, "policy", "keep-touching", "distance", "6.0", "minimum", 3.0, "output", xml ) );
		values.put( "overwrite", false );
		values.put( "unit", "frames" );
		values.put( "mask", null );
		values.putAll( changes );
		return values;
	}

	private Model read( final File file )
	{
		final TmXmlReader reader = new TmXmlReader( file );
		final Model model = reader.getModel();
		assertTrue( reader.isReadingOk(), reader.getErrorMessage() );
		return model;
	}

	/** SciJava knows every parameter of every script. */
	@TestFactory
	List< DynamicTest > parameters() throws IOException
	{
		try (Stream< Path > files = Files.list( script( "" ) ))
		{
			return files.filter( f -> f.toString().endsWith( ".py" ) ).sorted().map( f -> DynamicTest.dynamicTest( f.getFileName().toString(), () -> {
				final List< String > lines = Files.readAllLines( f );
				assertTrue( lines.size() <= 120 );
				final ScriptInfo info = new ScriptInfo( context, f.toString() );
				int count = 0;
				for ( final ModuleItem< ? > item : info.inputs() )
				{
					assertFalse( item.getType() == Object.class, item.getName() );
					count++;
				}
				assertEquals( lines.stream().filter( l -> l.startsWith( "#@ " ) ).count(), count );
			} ) ).collect( Collectors.toList() );
		}
	}

	/** The short daughter is pruned: hidden, as the tracker does it. */
	@Test
	void trackLabels()
	{
		assertEquals( Map.of( "spots", 6, "tracks", 1 ), run( "track_labels.py", values( Map.of() ), "spots", "tracks" ) );
		assertEquals( 5, read( xml ).getTrackModel().edgeSet().size() );
		assertEquals( Map.of( "spots", 8, "tracks", 1 ), run( "track_labels.py", values( Map.of( "minimum", 0.0, "overwrite", true ) ), "spots", "tracks" ) );
		assertEquals( "sec", read( xml ).getTimeUnits() );
	}

	/** A file that is there is left alone unless the box is ticked. */
	@Test
	void nothingIsOverwrittenSilently() throws IOException
	{
		final Path table = Files.writeString( folder.resolve( "cells.csv" ), "frame,x,y\n0,9,3\n1,10,3\n" );
		run( "track_labels.py", values( Map.of() ) );
		final long written = xml.lastModified();
		for ( final String script : List.of( "track_labels.py", "track_csv.py" ) )
			assertTrue( assertThrows( PyException.class, () -> run( script, values( Map.of( "table", table.toFile(), "units", "physical" ) ) ) ).toString().contains( "exists already; tick 'Overwrite'" ), script );
		final Map< String, Object > again = Map.of( "tracks", xml, "unit", "frames", "dry_run", false );
		for ( final String script : List.of( "prune_xml.py", "export_lineage.py" ) )
			assertTrue( assertThrows( PyException.class, () -> run( script, values( again ) ) ).toString().contains( "exists already; tick 'Overwrite'" ), script );
		assertEquals( written, xml.lastModified() );
	}

	/** The mask holds columns 0 to 11, so that daughter 8 is outside. */
	@Test
	void trackLabelsWithMask()
	{
		final int[][] mask = new int[ 8 ][ 20 ];
		for ( final int[] row : mask )
			Arrays.fill( row, 0, 12, 1 );
		assertEquals( 6, run( "track_labels.py", values( Map.of( "minimum", 0.0, "mask", save( TestImages.movie2D( "mask", 8, 1, mask ) ) ) ), "spots" ).get( "spots" ) );
	}

	@Test
	void trackCsv() throws IOException
	{
		final Path table = folder.resolve( "cells.csv" );
		Files.writeString( table, "frame,x,y\n0,9,3\n1,10,3\n2,11,3\n" );
		assertEquals( Map.of( "spots", 3, "tracks", 1 ), run( "track_csv.py", values( Map.of( "table", table.toFile(), "units", "physical" ) ), "spots", "tracks" ) );
	}

	/** A file that is no image fails, the other one is tracked all the same. */
	@Test
	void batchFolder() throws IOException
	{
		Files.writeString( folder.resolve( "broken.tif" ), "no image" );
		assertEquals( Map.of( "done", 1, "failed", 1 ), run( "batch_folder.py", values( Map.of( "folder", folder.toFile(), "overwrite", false ) ), "done", "failed" ) );
		assertEquals( 6, read( xml ).getSpots().getNSpots( true ) );
	}

	@Test
	void pruneXml()
	{
		run( "track_labels.py", values( Map.of( "minimum", 0.0 ) ) );
		final File pruned = folder.resolve( "pruned.xml" ).toFile();
		final Map< String, Object > values = Map.of( "tracks", xml, "output", pruned, "unit", "frames", "dry_run", true );
		assertEquals( 0, run( "prune_xml.py", values( values ), "removed" ).get( "removed" ) );
		assertFalse( pruned.exists() );
		final Map< String, Object > really = new HashMap<>( values );
		really.put( "dry_run", false );
		assertEquals( 2, run( "prune_xml.py", values( really ), "removed" ).get( "removed" ) );
		assertEquals( 6, read( pruned ).getSpots().getNSpots( false ) );
	}

	/** The mother of 2 frames, and her two daughters of 4 and 2. */
	@Test
	void exportLineage() throws IOException
	{
		run( "track_labels.py", values( Map.of( "minimum", 0.0 ) ) );
		final File table = folder.resolve( "lineage.csv" ).toFile();
		assertEquals( 3, run( "export_lineage.py", values( Map.of( "tracks", xml, "output", table ) ), "tracklets" ).get( "tracklets" ) );
		final List< String > rows = Files.readAllLines( table.toPath() );
		assertEquals( "tracklet,parent,track,first_frame,last_frame,first_spot,last_spot", rows.get( 0 ) );
		assertTrue( rows.get( 1 ).startsWith( "1,,0,0,1," ), rows.get( 1 ) );
		assertEquals( List.of( "1,0,2,3", "1,0,2,5" ), rows.stream().skip( 2 ).map( r -> String.join( ",", Arrays.asList( r.split( "," ) ).subList( 1, 5 ) ) ).sorted().collect( Collectors.toList() ) );
	}

	/** A mistake is one line that says what was expected. */
	@Test
	void mistakes()
	{
		assertTrue( assertThrows( PyException.class, () -> run( "track_labels.py", values( Map.of( "labels", new File( "nowhere.tif" ) ) ) ) ).toString().contains( "Cannot open 'nowhere.tif'" ) );
		assertTrue( assertThrows( PyException.class, () -> run( "edit_in_trackscheme.py", values( Map.of( "tracks", xml ) ) ) ).toString().contains( "Editing needs a screen" ) );
		assertTrue( assertThrows( PyException.class, () -> run( "export_lineage.py", values( Map.of( "tracks", new File( "nowhere.xml" ) ) ) ) ).toString().contains( "There is no file 'nowhere.xml'" ) );
	}
}
