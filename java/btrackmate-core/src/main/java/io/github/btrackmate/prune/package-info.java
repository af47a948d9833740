/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * The track inspector: short tracklets that are no cells go, and it is said
 * which and why. The rules are written out with the golden cases in
 * {@code tests/golden}.
 */
package io.github.btrackmate.prune;
