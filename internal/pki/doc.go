// Package pki is Socle's own certificate authority: one ECDSA P-256 key in the data directory, made on first
// use, that signs the server certificates of Socle and of what it deploys and the client certificate with
// which Socle proves itself to them.
//
// It is small on purpose: two levels, no revocation lists. A certificate is short-lived or dies with the
// machine's next deployment; who loses the directory makes a new authority and deploys again.
package pki
