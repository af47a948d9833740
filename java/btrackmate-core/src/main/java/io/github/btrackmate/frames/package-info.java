/**
 * Work on many frames at once.
 */
package io.github.btrackmate.frames;
