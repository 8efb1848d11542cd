// Package baseline knows which firmware machines are to run: rules by model, how a version that runs stands to one that
// is wanted, and what of a machine is below its baseline. It reads documents that people write and tells all that is
// wrong with one at once; it asks no controller and keeps nothing.
package baseline
