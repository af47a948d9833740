/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Color;

import fiji.plugin.trackmate.Logger;

/**
 * Remembers what was logged.
 */
final class TextLogger extends Logger
{
	final StringBuilder text = new StringBuilder();

	@Override
	public void log( final String message, final Color color )
	{
		text.append( message );
	}

	@Override
	public void error( final String message )
	{
		text.append( "ERROR " ).append( message );
	}

	@Override
	public void setProgress( final double value )
	{}

	@Override
	public void setStatus( final String status )
	{}
}
