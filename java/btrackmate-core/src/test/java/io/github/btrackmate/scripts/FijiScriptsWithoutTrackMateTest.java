/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.scripts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.python.core.PyException;
import org.python.core.PySystemState;
import org.python.util.PythonInterpreter;

import io.github.btrackmate.schema.SharedDefaults;

/**
 * Fiji's Jython parses every script of fiji-scripts, and runs what needs no
 * TrackMate: the lineage of a made-up model, and the loop over a folder with a
 * made-up command. With the real TrackMate they run whole, in
 * {@code FijiScriptsTest} of java/btrackmate.
 */
class FijiScriptsWithoutTrackMateTest
{
	private static final Path SCRIPTS = Path.of( System.getProperty( "scripts.dir" ) );

	/** Stands for the modules that a script imports; {@code model} is the lineage 1 - 2 - (3, 4 - 5). */
	private static final String MODULES = String.join( "\n",
			"import sys, types",
			"class Spot(object):",
			"    FRAME = 'FRAME'",
			"    def __init__(self, number, frame):",
			"        self.number, self.frame = number, frame",
			"    def ID(self): return self.number",
			"    def getFeature(self, key): return float(self.frame)",
			"SPOTS = dict((n, Spot(n, f)) for n, f in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3)])",
			"LINKS = [(1, 2), (2, 3), (4, 2), (4, 5)]",
			"class Tracks(object):",
			"    def trackIDs(self, visible): return [0]",
			"    def trackSpots(self, track): return list(SPOTS.values())",
			"    def edgesOf(self, spot): return [l for l in LINKS if spot.number in l]",
			"    def getEdgeSource(self, link): return SPOTS[link[0]]",
			"    def getEdgeTarget(self, link): return SPOTS[link[1]]",
			"class Model(object):",
			"    def getTrackModel(self): return Tracks()",
			"class TmXmlReader(object):",
			"    def __init__(self, path): pass",
			"    def isReadingOk(self): return True",
			"    def getModel(self): return Model()",
			"class BatchCommand(object): pass",
			"def module(name, **content):",
			"    made = types.ModuleType(name)",
			"    made.__dict__.update(content)",
			"    sys.modules[name] = made",
			"for name in ('fiji', 'fiji.plugin', 'io.github', 'io.github.btrackmate'):",
			"    module(name)",
			"module('fiji.plugin.trackmate', Spot=Spot)",
			"module('fiji.plugin.trackmate.io', TmXmlReader=TmXmlReader)",
			"module('io.github.btrackmate.trackmate', BatchCommand=BatchCommand)",
			"class Done(object):",
			"    def __init__(self, inputs): self.inputs = inputs",
			"    def get(self): return self",
			"    def getDelegateObject(self): return self",
			"    def isCanceled(self): return 'bad' in self.inputs['image'].getPath()",
			"    def getCancelReason(self): return 'is no image'",
			"class Commands(object):",
			"    ran = []",
			"    def run(self, command, process, inputs):",
			"        self.ran.append(inputs)",
			"        return Done(inputs)",
			"class Log(object):",
			"    lines = []",
			"    def error(self, line): self.lines.append(line)",
			"    def info(self, line): self.lines.append(line)",
			"commands, log = Commands(), Log()",
			"" );

	private static PythonInterpreter parser;

	@TempDir
	Path folder;

	@BeforeAll
	static void start()
	{
		parser = new PythonInterpreter( null, new PySystemState() );
	}

	@AfterAll
	static void stop()
	{
		parser.close();
	}

	private static List< Path > scripts() throws IOException
	{
		try (Stream< Path > files = Files.list( SCRIPTS ))
		{
			return files.filter( f -> f.toString().endsWith( ".py" ) ).sorted().collect( Collectors.toList() );
		}
	}

	@TestFactory
	List< DynamicTest > parses() throws IOException
	{
		assertTrue( scripts().size() >= 6 );
		return scripts().stream().map( f -> DynamicTest.dynamicTest( f.getFileName().toString(), () -> {
			final String text = Files.readString( f );
			assertTrue( text.lines().count() <= 120 );
			assertTrue( text.lines().anyMatch( l -> l.matches( "#@ File \\(label = \".*\" *.*\\) \\w+" ) ), "no parameter of type File" );
			// Starting one takes seconds.
			parser.compile( text );
		} ) ).collect( Collectors.toList() );
	}

	/** A script that is run as it is does what the plugin and the command line do. */
	@Test
	void defaultsAreTheSharedOnes() throws IOException
	{
		final Map< String, String > names = Map.of( "policy", "mask_policy", "distance", "linking_max_distance", "minimum", "min_tracklet_length", "unit", "unit", "units", "csv_units" );
		final Pattern parameter = Pattern.compile( "#@ (\\w+) \\(.*value = \"?([^\",]+)\"?.*\\) (\\w+)" );
		int count = 0;
		for ( final Path script : scripts() )
			for ( final String line : Files.readAllLines( script ) )
			{
				final Matcher matcher = parameter.matcher( line );
				if ( !matcher.matches() || !names.containsKey( matcher.group( 3 ) ) )
					continue;
				final String name = names.get( matcher.group( 3 ) );
				if ( matcher.group( 1 ).equals( "Double" ) )
					assertEquals( SharedDefaults.number( name ), Double.parseDouble( matcher.group( 2 ) ), script + ": " + line );
				else
					assertEquals( SharedDefaults.text( name ), matcher.group( 2 ), script + ": " + line );
				count++;
			}
		assertEquals( 11, count );
	}

	private Object run( final String script, final Map< String, Object > values, final String result )
	{
		try (PythonInterpreter python = new PythonInterpreter( null, new PySystemState() ))
		{
			python.exec( MODULES );
			values.forEach( python::set );
			python.execfile( SCRIPTS.resolve( script ).toString() );
			return python.eval( result ).__tojava__( Object.class );
		}
	}

	/**
	 * A link given backward in time is read forward.
	 *
	 * <pre>
	 * frame  0  1  2  3
	 *        1--2--3
	 *            \-4--5
	 * </pre>
	 */
	@Test
	void lineage() throws IOException
	{
		final File tracks = Files.createFile( folder.resolve( "tracks.xml" ) ).toFile();
		final File table = folder.resolve( "lineage.csv" ).toFile();
		assertEquals( 3, run( "export_lineage.py", Map.of( "tracks", tracks, "output", table ), "tracklets" ) );
		assertEquals( List.of(
				"tracklet,parent,track,first_frame,last_frame,first_spot,last_spot",
				"1,,0,0,1,1,2",
				"2,1,0,2,2,3,3",
				"3,1,0,2,3,4,5" ), Files.readAllLines( table.toPath() ) );
	}

	@Test
	void missingFileIsNamed()
	{
		final Map< String, Object > values = Map.of( "tracks", new File( "nowhere.xml" ), "output", new File( "out.csv" ) );
		assertTrue( assertThrows( PyException.class, () -> run( "export_lineage.py", values, "1" ) ).toString().contains( "There is no file 'nowhere.xml'" ) );
	}

	/** The mask is no movie, other files are not touched, and one failure does not stop the rest. */
	@Test
	void folderOfMovies() throws IOException
	{
		for ( final String name : List.of( "a.tif", "bad.tif", "c.TIF", "mask.tif", "notes.txt" ) )
			Files.createFile( folder.resolve( name ) );
		final Map< String, Object > values = new HashMap<>( Map.of( "folder", folder.toFile(), "mask", folder.resolve( "mask.tif" ).toFile(), "distance", "6.0", "minimum", 3.0, "overwrite", false ) );
		final String what = "'%d %d %d; %s; %s' % (done, failed, len(commands.ran), log.lines[0], commands.ran[-1]['output'].getPath())";
		assertEquals( "2 1 3; bad.tif: is no image; " + folder.resolve( "c.xml" ), run( "batch_folder.py", values, what ) );
		values.put( "mask", null );
		assertEquals( "4 False", run( "batch_folder.py", values, "'%d %s' % (len(commands.ran), 'mask' in commands.ran[0])" ) );
	}
}
