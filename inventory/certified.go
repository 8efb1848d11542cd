package inventory

import "time"

// CertificateEntry is one certificate in a list; the certificate itself is a file, see inventory/certificate.
type CertificateEntry struct {
	Number   int64
	Digest   string // SHA-256 of the file, hexadecimal
	Kind     string // of the scope: machines, rack, delivery, site, all
	Name     string
	Verdict  string
	Machines int
	Actor    string
	Time     time.Time
}
