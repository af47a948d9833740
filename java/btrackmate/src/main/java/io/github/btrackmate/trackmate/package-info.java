/*
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * BTrackMate in TrackMate 8: adapters that translate between TrackMate's model
 * and btrackmate-core, and hold no algorithm.
 */
package io.github.btrackmate.trackmate;
