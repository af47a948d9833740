/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.function.Supplier;


import fiji.plugin.trackmate.action.TrackMateAction;
import fiji.plugin.trackmate.action.TrackMateActionFactory;

/**
 * What the factories of all our actions have in common.
 */
abstract class ActionFactory implements TrackMateActionFactory, BTrackMateModule
{
	private final String key;

	private final String name;

	private final String infoText;

	private final Supplier< TrackMateAction > action;

	/**
	 * Creates a factory.
	 *
	 * @param key
	 *            The key of the action in TrackMate.
	 * @param name
	 *            Its name in the list of actions.
	 * @param infoText
	 *            What it does, as HTML.
	 * @param action
	 *            Makes one.
	 */
	ActionFactory( final String key, final String name, final String infoText, final Supplier< TrackMateAction > action )
	{
		this.key = key;
		this.name = name;
		this.infoText = infoText;
		this.action = action;
	}

	@Override
	public String getInfoText()
	{
		return About.withCitation( infoText );
	}

	@Override
	public String getKey()
	{
		return key;
	}

	@Override
	public String getName()
	{
		return name;
	}

	@Override
	public TrackMateAction create()
	{
		return action.get();
	}
}
