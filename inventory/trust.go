package inventory

import "time"

// Trust is by what a BMC is known again before it is told a password. It is of the BMC at one address: a manifest that
// names another one begins anew.
type Trust struct {
	// Certificate is the SHA-256 of the certificate (DER) that it must show, in hexadecimal; "": it has shown none yet.
	Certificate string `json:"certificate,omitempty"`
	// Next is one that it is being given: as good as the other, and in its place once it is shown.
	Next string `json:"next,omitempty"`
	// Signed: an authority vouched for it. Every certificate of that kind is as good, and it is shown no other any more.
	Signed  bool      `json:"signed,omitempty"`
	HostKey string    `json:"host_key,omitempty"` // of its SSH server, in OpenSSH's notation ("SHA256:…")
	By      string    `json:"by,omitempty"`       // who saw or accepted the certificate
	Since   time.Time `json:"since,omitzero"`
}

// Certificates are those that the BMC may show, the one in force first.
func (t Trust) Certificates() (all []string) {
	for _, c := range []string{t.Certificate, t.Next} {
		if c != "" {
			all = append(all, c)
		}
	}
	return all
}

// HostKeys are the keys that its SSH server may show.
func (t Trust) HostKeys() []string {
	if t.HostKey == "" {
		return nil
	}
	return []string{t.HostKey}
}

// Meet takes in a certificate that the BMC shows; signed says that an authority vouches for it. It returns what is new,
// in words, or that the BMC must not be believed.
func (t *Trust) Meet(certificate string, signed bool, by string, now time.Time) (news string, believed bool) {
	switch {
	case signed && (!t.Signed || t.Certificate != certificate):
		news = "the BMC shows a certificate that an authority signed: from now on it must show one of those; SHA-256 "
	case certificate == t.Certificate:
		return "", true
	case certificate == t.Next:
		news = "the BMC shows the new certificate that it was given: from now on it must show this one; SHA-256 "
	case t.Certificate == "" && !t.Signed:
		news = "the BMC has shown its certificate for the first time: from now on it must show this one; SHA-256 "
	default:
		return "", false
	}
	t.Certificate, t.Next, t.Signed, t.By, t.Since = certificate, "", t.Signed || signed, by, now
	return news + certificate, true
}

// Accept puts a person's word in the place of what was believed before.
func (t *Trust) Accept(certificate string, signed bool, by string, now time.Time) {
	t.Certificate, t.Next, t.Signed, t.By, t.Since = certificate, "", signed, by, now
}
