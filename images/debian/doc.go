// Package debian gets packages of Debian and reads the files in them, without installing anything and
// without root. apt's own signed lists decide which version is right and what its SHA-256 is; the package
// is kept in a cache folder, so that a second build needs no network. It knows nothing of what the files
// are for.
package debian
