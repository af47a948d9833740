/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Model;
import fiji.plugin.trackmate.ModelChangeEvent;
import fiji.plugin.trackmate.ModelChangeListener;
import ij.measure.ResultsTable;

/**
 * A table of what is not in the tracks, and why: dropped cells, or pruned spots
 * and links. It waits among the listeners of the model, so that it lives as long
 * as the model does.
 */
final class LeftOut implements ModelChangeListener
{
	/** What a table lists. */
	enum Kind
	{
		/** Cells that the tissue mask dropped. */
		DROPPED( "dropped", "Dropped cells", "frame", "label", "line", "voxels", "tissue", "tissue_fraction", "reason" ),

		/** Spots and links that pruning removed. */
		PRUNED( "pruned", "Pruned spots and links", "what", "id", "frame", "label", "source", "target", "cost", "rule" );

		private final String key;

		private final String title;

		private final String[] columns;

		private Kind( final String key, final String title, final String... columns )
		{
			this.key = key;
			this.title = title;
			this.columns = columns;
		}

		String title()
		{
			return title;
		}

		/** The table beside a TrackMate file: NAME.dropped.csv. */
		File file( final File xml )
		{
			return new File( xml.getAbsoluteFile().getParentFile(), xml.getName().replaceFirst( "\\.[^.]*$", "" ) + "." + key + ".csv" );
		}
	}

	/** Lines that a log shows of a long list. */
	private static final int MOST_LINES = 20;

	private final Kind kind;

	private final List< Object[] > rows = new ArrayList<>();

	LeftOut( final Kind kind )
	{
		this.kind = kind;
	}

	/**
	 * Adds a row.
	 *
	 * @param values
	 *            values of the columns of this kind; {@code null} where there is
	 *            none.
	 */
	void add( final Object... values )
	{
		if ( values.length != kind.columns.length )
			throw new IllegalArgumentException( values.length + " values for " + kind.columns.length + " columns" );
		rows.add( values );
	}

	int size()
	{
		return rows.size();
	}

	/** Replaces the table of this kind that the model had; a model that is null forgets it. */
	void keepWith( final Model model )
	{
		if ( model == null )
			return;
		find( model, kind ).ifPresent( model::removeModelChangeListener );
		model.addModelChangeListener( this );
	}

	/**
	 * Finds the table of a model.
	 *
	 * @param model
	 *            a model.
	 * @param kind
	 *            what is looked for.
	 * @return the table, if it was made in this session.
	 */
	static Optional< LeftOut > find( final Model model, final Kind kind )
	{
		return model.getModelChangeListener().stream().filter( LeftOut.class::isInstance ).map( LeftOut.class::cast ).filter( t -> t.kind == kind ).findAny();
	}

	/** Writes all tables of a model beside a TrackMate file; one without rows has only its header. */
	static void save( final Model model, final File xml ) throws IOException
	{
		for ( final Kind kind : Kind.values() )
			Files.write( kind.file( xml ).toPath(), find( model, kind ).orElse( new LeftOut( kind ) ).lines() );
	}

	private List< String > lines()
	{
		final List< String > lines = new ArrayList<>( List.of( String.join( ",", kind.columns ) ) );
		for ( final Object[] row : rows )
			lines.add( Arrays.stream( row ).map( v -> Objects.toString( v, "" ) ).collect( Collectors.joining( "," ) ) );
		return lines;
	}

	/** Shows the table in ImageJ. */
	void show( final String of )
	{
		final ResultsTable table = new ResultsTable();
		for ( final Object[] row : rows )
		{
			table.incrementCounter();
			for ( int i = 0; i < row.length; i++ )
				if ( row[ i ] instanceof Number number )
					table.addValue( kind.columns[ i ], number.doubleValue() );
				else
					table.addValue( kind.columns[ i ], Objects.toString( row[ i ], "" ) );
		}
		table.show( kind.title + " of " + of );
	}

	/**
	 * Logs a list, the end of a long one left out: TrackMate's panel holds 10,000
	 * characters, and fails at one message that is longer.
	 *
	 * @param logger
	 *            logger.
	 * @param lines
	 *            lines without their ends.
	 * @param rest
	 *            where the rest is found.
	 */
	static void log( final Logger logger, final List< String > lines, final String rest )
	{
		final String text = lines.stream().limit( MOST_LINES ).map( l -> l + "\n" ).collect( Collectors.joining() );
		if ( !text.isEmpty() )
			logger.log( text );
		if ( lines.size() > MOST_LINES )
			logger.log( "  and " + ( lines.size() - MOST_LINES ) + " more; " + rest + "\n" );
	}

	@Override
	public void modelChanged( final ModelChangeEvent event )
	{
		// The table tells what was, whatever is edited later.
	}
}
