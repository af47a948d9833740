/*
 * SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026, the BTrackMate developers
 */
/**
 * Signed distance to the surface of a tissue.
 */
package io.github.btrackmate.boundary;
