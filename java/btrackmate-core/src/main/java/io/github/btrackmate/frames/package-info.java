/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * Work on many frames at once.
 */
package io.github.btrackmate.frames;
