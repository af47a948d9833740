/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * Which cells belong to the tissue, and which are dropped and why.
 */
package io.github.btrackmate.mask;
