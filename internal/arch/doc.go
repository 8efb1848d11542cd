// Package arch holds the rules of the architecture as a test: who may import whom, how long a file and a
// function may be, and that every package says what it is for.
package arch
