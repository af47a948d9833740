/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
package io.github.btrackmate.trackmate;

import java.util.ArrayList;
import java.util.List;

import fiji.plugin.trackmate.Logger;
import fiji.plugin.trackmate.Spot;
import io.github.btrackmate.prune.PruneRule;
import io.github.btrackmate.schema.SpotColumn;

/**
 * What one pruning removes: lines for the log, and a table.
 */
final class PruneReport
{
	private final LeftOut table = new LeftOut( LeftOut.Kind.PRUNED );

	private final List< String > lines = new ArrayList<>();

	void addSpot( final Spot spot, final PruneRule rule )
	{
		final int frame = ModelPruner.frame( spot );
		final Double label = spot.getFeature( SpotColumn.LABEL.key() );
		table.add( "spot", spot.ID(), frame, label == null ? null : label.longValue(), null, null, null, rule );
		lines.add( "  spot " + spot.ID() + " in frame " + frame + ": " + rule );
	}

	/** From the earlier spot to the later one. */
	void addLink( final Spot a, final Spot b, final double cost, final PruneRule rule )
	{
		final boolean forward = ModelPruner.frame( a ) <= ModelPruner.frame( b );
		final int source = forward ? a.ID() : b.ID();
		final int target = forward ? b.ID() : a.ID();
		table.add( "link", null, null, null, source, target, cost, rule );
		lines.add( "  link " + source + " - " + target + ": " + rule );
	}

	LeftOut table()
	{
		return table;
	}

	void log( final Logger logger )
	{
		LeftOut.log( logger, lines, "the action '" + ShowLeftOutAction.SHOW_PRUNED + "' lists all." );
	}
}
