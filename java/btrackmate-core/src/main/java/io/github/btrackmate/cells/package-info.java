/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * From label image to cells: one pass over the runs of equal labels gives
 * count, centroid, moments, surface, pieces and intensities of every cell.
 */
package io.github.btrackmate.cells;
