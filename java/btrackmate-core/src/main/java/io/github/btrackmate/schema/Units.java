/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.schema;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Names of units: the many spellings in image files, and the one that both
 * languages write.
 */
public final class Units
{
	private static final String FRAME = "frame";

	private static final String PIXEL = "pixel";

	private static final Map< String, String > SPACE = spellings( Map.of(
			"µm", List.of( "um", "µm", "\u03bcm", "micron", "microns", "micrometer", "micrometers", "micrometre" ),
			"nm", List.of( "nm", "nanometer", "nanometers", "nanometre" ),
			"mm", List.of( "mm", "millimeter", "millimeters", "millimetre" ),
			"cm", List.of( "cm", "centimeter", "centimeters", "centimetre" ),
			"m", List.of( "m", "meter", "meters", "metre" ),
			"Å", List.of( "å", "angstrom", "angstroms" ),
			"pm", List.of( "pm", "picometer", "picometers", "picometre" ),
			PIXEL, List.of( "", "pixel", "pixels", "px", "voxel", "voxels" ) ) );

	private static final Map< String, String > TIME = spellings( Map.of(
			"sec", List.of( "s", "sec", "secs", "second", "seconds" ),
			"ms", List.of( "ms", "msec", "millisecond", "milliseconds" ),
			"min", List.of( "min", "mins", "minute", "minutes" ),
			"h", List.of( "h", "hr", "hour", "hours" ),
			"day", List.of( "d", "day", "days" ),
			FRAME, List.of( "", "frame", "frames" ) ) );

	private Units()
	{}

	private static Map< String, String > spellings( final Map< String, List< String > > units )
	{
		final Map< String, String > names = new HashMap<>();
		units.forEach( ( unit, spellings ) -> spellings.forEach( s -> names.put( s, unit ) ) );
		return Map.copyOf( names );
	}

	/**
	 * Gives our name of a length unit.
	 *
	 * @param text
	 *            unit as an image has it, such as {@code micron}.
	 * @return name, such as {@code µm}; a unit that is not known stays as it is.
	 */
	public static String space( final String text )
	{
		final String spelled = text.strip().replace( "\\u00B5", "µ" ).replace( "\\u00b5", "µ" );
		return SPACE.getOrDefault( spelled.toLowerCase( Locale.ROOT ), spelled );
	}

	/**
	 * Gives our name of a time unit.
	 *
	 * @param text
	 *            unit as an image has it, such as {@code s}.
	 * @return name, such as {@code sec}; a unit that is not known stays as it
	 *         is.
	 */
	public static String time( final String text )
	{
		final String spelled = text.strip();
		return TIME.getOrDefault( spelled.toLowerCase( Locale.ROOT ), spelled );
	}

	/** Whether a text is a unit of time, frames not among them. */
	static boolean isTime( final String text )
	{
		final String unit = TIME.getOrDefault( text.strip().toLowerCase( Locale.ROOT ), FRAME );
		return !FRAME.equals( unit );
	}

	/** Whether a text is a unit of length, pixels among them. */
	static boolean isSpace( final String text )
	{
		return !text.isBlank() && SPACE.containsKey( text.strip().toLowerCase( Locale.ROOT ) );
	}

	/**
	 * Gives our name of a unit of length or time.
	 *
	 * @param text
	 *            what a header states.
	 * @return name; empty for what is no unit, as in "Intensity (mean)".
	 */
	public static String ofColumn( final String text )
	{
		if ( isSpace( text ) )
			return space( text );
		return isTime( text ) ? time( text ) : "";
	}
}
