/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import org.scijava.command.CommandService;

import fiji.plugin.trackmate.util.TMUtils;
import ij.plugin.PlugIn;

/**
 * Runs a command of BTrackMate from the menus of an ImageJ that does not know
 * SciJava's commands.
 */
public final class MenuEntry implements PlugIn
{
	@Override
	public void run( final String command )
	{
		TMUtils.getContext().service( CommandService.class ).run( MenuEntry.class.getPackageName() + "." + command, true );
	}
}
