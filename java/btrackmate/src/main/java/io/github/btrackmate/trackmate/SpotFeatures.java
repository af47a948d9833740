/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

import org.scijava.plugin.Plugin;

import fiji.plugin.trackmate.Dimension;
import fiji.plugin.trackmate.features.spot.SpotAnalyzer;
import fiji.plugin.trackmate.features.spot.SpotAnalyzerFactory;
import fiji.plugin.trackmate.providers.SpotAnalyzerProvider;
import fiji.plugin.trackmate.providers.SpotMorphologyAnalyzerProvider;
import io.github.btrackmate.schema.SpotColumn;
import net.imagej.ImgPlus;
import net.imglib2.type.NativeType;
import net.imglib2.type.numeric.RealType;

/**
 * Declares what the detectors of BTrackMate measure, so that TrackMate's
 * filters, colours, tables, penalties and files have it. The values come from
 * the detector: TrackMate has no label image when it computes features again,
 * so nothing is computed here, and nothing is lost.
 *
 * @param <T>
 *            type of pixels.
 */
@Plugin( type = SpotAnalyzerFactory.class )
public final class SpotFeatures< T extends RealType< T > & NativeType< T > > implements SpotAnalyzerFactory< T >
{
	/** Key of this analyzer. */
	public static final String KEY = "BTRACKMATE_SPOT_FEATURES";

	private static final String INFO_TEXT = "<html>Label id, volume, shape and place in the tissue, as BTrackMate's detectors measure them. They stay as they are when features are computed again.</html>";

	/** What TrackMate has itself. */
	private static final Set< SpotColumn > TRACKMATES = EnumSet.of( SpotColumn.ID, SpotColumn.FRAME, SpotColumn.TIME, SpotColumn.X, SpotColumn.Y, SpotColumn.Z, SpotColumn.RADIUS, SpotColumn.QUALITY );

	private static final Set< SpotColumn > COLUMNS = EnumSet.complementOf( EnumSet.copyOf( TRACKMATES ) );

	/**
	 * Not the ids: TrackMate writes whole numbers as int, and an id may be up to
	 * 2³²−1.
	 */
	private static boolean isInteger( final SpotColumn column )
	{
		return column.isWhole() && column != SpotColumn.LABEL && column != SpotColumn.TISSUE;
	}

	private static < V > Map< String, V > byKey( final Function< SpotColumn, V > value )
	{
		final Map< String, V > map = new LinkedHashMap<>();
		COLUMNS.forEach( c -> map.put( c.key(), value.apply( c ) ) );
		return map;
	}

	/** TrackMate knows no volumes. */
	static Dimension dimension( final SpotColumn column )
	{
		return column.dimension() == SpotColumn.Dimension.VOLUME ? Dimension.NONE : Dimension.valueOf( column.dimension().name() );
	}

	/** What TrackMate measures of a spot, and what others add to that, for so many channels. */
	static Set< String > trackMates( final int channels )
	{
		final Set< String > keys = new HashSet<>();
		final SpotAnalyzerProvider analyzers = new SpotAnalyzerProvider( channels );
		analyzers.getKeys().stream().filter( k -> !KEY.equals( k ) ).forEach( k -> keys.addAll( analyzers.getFactory( k ).getFeatures() ) );
		final SpotMorphologyAnalyzerProvider shapes = new SpotMorphologyAnalyzerProvider( channels );
		shapes.getKeys().forEach( k -> keys.addAll( shapes.getFactory( k ).getFeatures() ) );
		return keys;
	}

	static Collection< SpotColumn > columns()
	{
		return COLUMNS;
	}

	@Override
	public SpotAnalyzer< T > getAnalyzer( final ImgPlus< T > img, final int frame, final int channel )
	{
		return SpotAnalyzer.dummyAnalyzer();
	}

	@Override
	public boolean isManualFeature()
	{
		return true;
	}

	@Override
	public List< String > getFeatures()
	{
		return List.copyOf( byKey( c -> c ).keySet() );
	}

	@Override
	public Map< String, String > getFeatureNames()
	{
		return byKey( SpotColumn::label );
	}

	@Override
	public Map< String, String > getFeatureShortNames()
	{
		return byKey( SpotColumn::shortLabel );
	}

	@Override
	public Map< String, Dimension > getFeatureDimensions()
	{
		return byKey( SpotFeatures::dimension );
	}

	@Override
	public Map< String, Boolean > getIsIntFeature()
	{
		return byKey( SpotFeatures::isInteger );
	}

	@Override
	public String getInfoText()
	{
		return INFO_TEXT;
	}

	@Override
	public String getKey()
	{
		return KEY;
	}

	@Override
	public String getName()
	{
		return "BTrackMate spot features";
	}
}
