/**
 * Cells from a table. The rules are written out with the golden cases in
 * {@code tests/golden}.
 */
package io.github.btrackmate.csv;
