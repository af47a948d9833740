/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * Cells from a table. The rules are written out with the golden cases in
 * {@code tests/golden}.
 */
package io.github.btrackmate.csv;
