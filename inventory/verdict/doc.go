// Package verdict says why a server does not boot: it reads the evidence of a boot, tells it as a story in
// plain sentences, and draws one verdict with the check to make.
//
// It is pure: evidence, what was intended and the time go in, an Answer comes out. Each verdict is one Rule
// of a table; the first rule that fits the last boot holds, so that the order of the table is the order of
// how far a boot came, from the agent's word back to the first packet. docs/why.md is made from the table.
//
// The package must not know where evidence comes from, nor act on anything.
package verdict
