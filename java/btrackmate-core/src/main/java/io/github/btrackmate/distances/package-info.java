/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * How far cells step and how far apart they are, and the linking distances that
 * follow.
 */
package io.github.btrackmate.distances;
