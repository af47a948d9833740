/**
 * BTrackMate in TrackMate 8: adapters that translate between TrackMate's model
 * and btrackmate-core, and hold no algorithm.
 */
package io.github.btrackmate.trackmate;
