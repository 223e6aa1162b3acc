/**
 * Pictures of a run, fit for a paper: one column wide, labelled with units, told apart without
 * colours.
 */
package dev.glora.report.plot;
