/**
 * Names of the columns of the spots table and TrackMate's keys for them: the
 * same as in Python.
 */
package io.github.btrackmate.schema;
