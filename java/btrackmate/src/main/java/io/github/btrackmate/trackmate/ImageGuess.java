/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

import ij.ImagePlus;
import io.github.btrackmate.cells.LabelLook;

/**
 * Guesses which open image is the movie, which the labels and which the tissue
 * mask, by content, name and size. Each image is looked at once.
 */
final class ImageGuess
{
	private enum Role
	{
		IMAGE( null, LabelLook.INTENSITIES ),
		LABELS( Pattern.compile( "label|seg|cells|cp_masks|instance" ), LabelLook.LABELS ),
		MASK( Pattern.compile( "mask|tissue|roi|region" ), LabelLook.MASK );

		private final Pattern words;

		private final LabelLook look;

		private Role( final Pattern words, final LabelLook look )
		{
			this.words = words;
			this.look = look;
		}
	}

	private final Map< ImagePlus, Map< Integer, LabelLook > > looks = new HashMap<>();

	private final List< ImagePlus > open;

	ImageGuess( final List< ImagePlus > open )
	{
		this.open = open;
	}

	/** What a channel, from 1, looks like in the frame that is shown. */
	LabelLook look( final ImagePlus imp, final int channel )
	{
		return looks.computeIfAbsent( imp, i -> new HashMap<>() ).computeIfAbsent( channel, c -> Movie.of( imp, c ).look( Math.max( 0, imp.getFrame() - 1 ) ) );
	}

	/**
	 * Guesses the image to track.
	 *
	 * @param active
	 *            the active image; taken unless it looks like labels or a mask
	 *            and another one does not.
	 */
	ImagePlus image( final ImagePlus active )
	{
		return open.stream().max( Comparator.comparingDouble( i -> score( i, Role.IMAGE, i ) + ( i == active ? 0.5 : 0 ) ) ).orElse( active );
	}

	/** Guesses the label image; none if no other image looks like one. */
	Optional< ImagePlus > labels( final ImagePlus image )
	{
		return best( Role.LABELS, image, null );
	}

	/** Guesses the tissue mask; none if no other image looks like one. */
	Optional< ImagePlus > mask( final ImagePlus image, final ImagePlus labels )
	{
		return best( Role.MASK, image, labels );
	}

	/** Guesses the channel with labels, from 1, of a multi-channel image. */
	Optional< Integer > labelChannel( final ImagePlus image )
	{
		for ( int c = 1; c <= image.getNChannels(); c++ )
			if ( look( image, c ) == LabelLook.LABELS )
				return Optional.of( c );
		return Optional.empty();
	}

	private Optional< ImagePlus > best( final Role role, final ImagePlus image, final ImagePlus taken )
	{
		final Map< ImagePlus, Double > scores = new HashMap<>();
		open.stream().filter( i -> i != image && i != taken ).forEach( i -> scores.put( i, score( i, role, image ) ) );
		return scores.entrySet().stream().filter( e -> e.getValue() >= 2 ).max( Map.Entry.comparingByValue() ).map( Map.Entry::getKey );
	}

	/** 2 or more is good enough. */
	private double score( final ImagePlus imp, final Role role, final ImagePlus image )
	{
		if ( imp.getWidth() != image.getWidth() || imp.getHeight() != image.getHeight() )
			return 0;
		final String name = imp.getTitle().toLowerCase( Locale.ROOT );
		final Map< Role, Boolean > named = new EnumMap<>( Role.class );
		for ( final Role r : Role.values() )
			named.put( r, r.words != null && r.words.matcher( name ).find() );
		double score = look( imp, 1 ) == role.look ? 2 : look( imp, 1 ) == LabelLook.INTENSITIES ? -2 : 0;
		if ( role == Role.IMAGE )
			return score - ( named.get( Role.LABELS ) || named.get( Role.MASK ) ? 1 : 0 ) + ( imp.getNFrames() > 1 ? 1 : 0 );
		score += named.get( role ) ? 1.5 : 0;
		for ( final Role other : Role.values() )
			if ( other != role && named.get( other ) && !named.get( role ) )
				score -= 1.5;
		if ( role == Role.LABELS && ( imp.getNFrames() != image.getNFrames() || imp.getNSlices() != image.getNSlices() ) )
			return 0;
		return look( imp, 1 ) == LabelLook.EMPTY ? 0 : score + 0.5;
	}
}
