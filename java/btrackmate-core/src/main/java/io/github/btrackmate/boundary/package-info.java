/**
 * Signed distance to the surface of a tissue.
 */
package io.github.btrackmate.boundary;
