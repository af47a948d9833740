/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * Names of the columns of the spots table and TrackMate's keys for them: the
 * same as in Python.
 */
package io.github.btrackmate.schema;
