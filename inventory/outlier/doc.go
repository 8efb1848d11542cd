// Package outlier finds the odd ones among machines that should be equal: those with other parts than their peers, those
// that are slower, and those that measure something else each time. Peers are found by their hardware, see Fingerprint;
// the statistics are robust ones, so that the odd ones do not hide each other. It is pure: machines and measurements in,
// findings and distributions out. Too few peers is said, never guessed over.
package outlier
