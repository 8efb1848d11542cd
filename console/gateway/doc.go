// Package gateway is the way to the servers' consoles by SSH: "ssh MACHINE@socle". It is a small server of its own
// around golang.org/x/crypto/ssh that knows consoles and nothing else: no shell, no files, no forwarding.
//
// Who may come is asked of a Guard, by an API token as the password or by a public key, and asked again while somebody
// is there, so that a token or key that is taken back ends what it has opened.
package gateway
