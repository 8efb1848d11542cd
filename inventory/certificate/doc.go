// Package certificate writes down, so that nobody can change it unseen, what was said of machines on a day: a statement in JSON,
// signed with the installation's key (Ed25519, RFC 8032) and chained by SHA-256 to the one before it. It is pure: whoever has
// the file and the public key verifies it, without a server.
package certificate
