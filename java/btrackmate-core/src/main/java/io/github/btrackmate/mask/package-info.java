/**
 * Which cells belong to the tissue, and which are dropped and why.
 */
package io.github.btrackmate.mask;
