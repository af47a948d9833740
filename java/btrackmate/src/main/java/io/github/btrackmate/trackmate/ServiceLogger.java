/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.awt.Color;

import org.scijava.log.LogService;

import fiji.plugin.trackmate.Logger;

/**
 * Passes TrackMate's messages to SciJava's log.
 */
final class ServiceLogger extends Logger
{
	private final LogService log;

	ServiceLogger( final LogService log )
	{
		this.log = log;
	}

	@Override
	public void log( final String message, final Color color )
	{
		if ( !message.isBlank() )
			log.info( message.strip() );
	}

	@Override
	public void error( final String message )
	{
		log.error( message.strip() );
	}

	@Override
	public void setProgress( final double value )
	{}

	@Override
	public void setStatus( final String status )
	{}
}
