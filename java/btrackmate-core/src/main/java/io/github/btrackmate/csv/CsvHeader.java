package io.github.btrackmate.csv;

import static io.github.btrackmate.schema.SpotColumn.COMPONENTS;
import static io.github.btrackmate.schema.SpotColumn.FRAME;
import static io.github.btrackmate.schema.SpotColumn.ID;
import static io.github.btrackmate.schema.SpotColumn.LABEL;
import static io.github.btrackmate.schema.SpotColumn.SURFACE;
import static io.github.btrackmate.schema.SpotColumn.TIME;
import static io.github.btrackmate.schema.SpotColumn.VOLUME;
import static io.github.btrackmate.schema.SpotColumn.VOXELS;
import static io.github.btrackmate.schema.SpotColumn.X;
import static io.github.btrackmate.schema.SpotColumn.Y;
import static io.github.btrackmate.schema.SpotColumn.Z;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import io.github.btrackmate.schema.IntensityColumn;
import io.github.btrackmate.schema.SpotColumn;

/**
 * Finds out what the columns of a table mean.
 */
final class CsvHeader
{
	/** Read like any other column: in a table in pixels, nobody knows their unit. */
	private static final Set< SpotColumn > CARRIED_AS_GIVEN = EnumSet.of( SURFACE, COMPONENTS );

	private static final Map< String, String > MEANINGS = new HashMap<>();

	static
	{
		for ( final SpotColumn column : EnumSet.complementOf( EnumSet.copyOf( CARRIED_AS_GIVEN ) ) )
			for ( final String name : List.of( column.columnName(), column.key() ) )
				MEANINGS.put( plain( name ), column.columnName() );
		alias( FRAME, "t", "timepoint" );
		alias( X, "posx", "centroidx" );
		alias( Y, "posy", "centroidy" );
		alias( Z, "posz", "centroidz" );
		alias( ID, "spotid" );
		alias( LABEL, "cellid" );
		alias( VOLUME, "vol" );
		alias( VOXELS, "nvoxels" );
	}

	private final String file;

	/** As they stand in the file. */
	private final String[] names;

	/** Names in the spots table; null for columns that it does not know. */
	private final String[] meanings;

	private final Map< String, Integer > columns = new HashMap<>();

	CsvHeader( final String file, final long line, final String[] fields )
	{
		this.file = file;
		names = Arrays.stream( fields ).map( f -> f.replace( "\uFEFF", "" ).trim() ).toArray( String[]::new );
		meanings = new String[ names.length ];
		for ( int i = 0; i < names.length; i++ )
		{
			if ( names[ i ].isEmpty() )
				continue;
			meanings[ i ] = meaning( names[ i ] ).orElse( null );
			final String name = meanings[ i ] == null ? names[ i ] : meanings[ i ];
			final Integer other = columns.put( name, i );
			if ( other != null )
				throw new CsvException( file, line, name, "the columns '" + names[ other ] + "' and '" + names[ i ] + "' both mean " + name + "; rename or delete one of them." );
		}
		require( X, line );
		require( Y, line );
		if ( !has( TIME ) )
			require( FRAME, line );
	}

	private static void alias( final SpotColumn column, final String... names )
	{
		for ( final String name : names )
			MEANINGS.put( name, column.columnName() );
	}

	private static Optional< String > meaning( final String name )
	{
		final String plain = plain( name );
		final Optional< String > intensity = IntensityColumn.find( plain );
		return intensity.isPresent() ? intensity : Optional.ofNullable( MEANINGS.get( plain ) );
	}

	/** Without case, spaces, underscores, hyphens and a unit in brackets. */
	private static String plain( final String name )
	{
		return name.toLowerCase( Locale.ROOT ).replaceAll( "[\\[(].*[\\])]", "" ).replaceAll( "[\\s_-]", "" );
	}

	private void require( final SpotColumn column, final long line )
	{
		if ( !has( column ) )
			throw new CsvException( file, line, column.columnName(), "there is no column " + column.columnName() + " in the header " + Arrays.toString( names ) + ". The first line must name the columns; x, y and frame are needed." );
	}

	boolean has( final SpotColumn column )
	{
		return columns.containsKey( column.columnName() );
	}

	int indexOf( final SpotColumn column )
	{
		return columns.get( column.columnName() );
	}

	int size()
	{
		return names.length;
	}

	/** Name of a column in the file. */
	String nameInFile( final int i )
	{
		return names[ i ];
	}

	/** Name in the spots table, null if it does not know the column. */
	String meaning( final int i )
	{
		return meanings[ i ];
	}

	/** Name in the spots table if it knows the column, else that in the file. */
	String name( final int i )
	{
		return meanings[ i ] == null ? names[ i ] : meanings[ i ];
	}

	/** Whether a column must hold numbers in every row. */
	boolean isRequired( final int i )
	{
		final List< String > required = new ArrayList<>( List.of( X.columnName(), Y.columnName(), Z.columnName(), ID.columnName(), FRAME.columnName() ) );
		if ( !has( FRAME ) )
			required.add( TIME.columnName() );
		return required.contains( meanings[ i ] );
	}

	/** Whether the table looks like one that TrackMate exported. */
	boolean isFromTrackMate()
	{
		return Arrays.asList( names ).contains( X.key() );
	}
}
