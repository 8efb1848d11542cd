package ui

import (
	"strconv"
	"strings"
	"time"

	"socle/api"
	"socle/inventory"
)

// CertificatesPath lists certificates; by POST one is issued. Below it, a number is one certificate, and "json" and "pdf" below
// that are its files.
const CertificatesPath = "/certificates"

// CertificateLink is the page of one.
func CertificateLink(number int64) string {
	return CertificatesPath + "/" + strconv.FormatInt(number, 10)
}

// maxCertificates bounds the list. The rest is counted, and told by "socle certificate list".
const maxCertificates = 300

// Certificates is the page of what was written down.
type Certificates struct {
	Scope  string // empty: all
	Judged string // link to the verdicts of now
	List   []CertificateLine
	Hidden int
}

// CertificateLine is one of them.
type CertificateLine struct {
	Number                             int64
	Link, Scope, Verdict, Color, Actor string
	Machines                           int
	Time                               time.Time
}

func (Certificates) name() string  { return "certificates" }
func (Certificates) title() string { return "Certificates" }

// NewCertificates makes the page, of those of a rack or a delivery when the scope names one.
func NewCertificates(all []inventory.CertificateEntry, scope api.AcceptanceScope) Certificates {
	p := Certificates{Scope: scopeWords(scope), Judged: acceptanceLink(scope)}
	for _, e := range all {
		if !certified(e, scope) {
			continue
		}
		if len(p.List) == maxCertificates {
			p.Hidden++
			continue
		}
		p.List = append(p.List, entryLine(e))
	}
	return p
}

// certified tells whether a certificate is of what a page is about. A rack is named alone or with what it stands in.
func certified(e inventory.CertificateEntry, scope api.AcceptanceScope) bool {
	switch {
	case scope.Rack != "":
		a, b := strings.ToLower("/"+e.Name), strings.ToLower("/"+scope.Rack)
		return e.Kind == "rack" && (strings.HasSuffix(a, b) || strings.HasSuffix(b, a))
	case scope.Delivery != "":
		return e.Kind == "delivery" && strings.EqualFold(e.Name, scope.Delivery)
	case scope.Site != "":
		return e.Kind == "site" && strings.EqualFold(e.Name, scope.Site)
	}
	return true
}

func entryLine(e inventory.CertificateEntry) CertificateLine {
	return CertificateLine{e.Number, CertificateLink(e.Number), entryWords(e), e.Verdict, verdictColor(e.Verdict), clean(e.Actor), e.Machines, e.Time}
}

// entryWords names what a certificate is of.
func entryWords(e inventory.CertificateEntry) string {
	switch e.Kind {
	case "all":
		return "all machines"
	case "machines":
		return clean(e.Name)
	}
	return clean(e.Kind + " " + e.Name)
}

// certificatesLink is the list of a scope.
func certificatesLink(s api.AcceptanceScope) string {
	if q := s.Values().Encode(); q != "" {
		return CertificatesPath + "?" + q
	}
	return CertificatesPath
}

// Proof is one thing that was checked of a certificate.
type Proof struct {
	Good bool
	What string
}

// CertificateInput is what is known of one. When it cannot be read, there are only its number and what is wrong with it.
type CertificateInput struct {
	Number                      int64
	At                          time.Time // when it was checked
	Entry                       inventory.CertificateEntry
	Report                      api.Acceptance
	Previous, Key, Issued, Note string
	Checks                      []Proof
}

// Certificate is the page of one: what it says, and whether it is still what was signed.
type Certificate struct {
	Line                        CertificateLine
	Sum                         Sum
	Readable                    bool
	At                          time.Time // when it was checked
	SHA256                      string
	Previous, Key, Issued, Note string
	JSON, PDF, Before           string // links; Before is empty of the first
	Proofs                      []Proof
	Sound                       bool // all proofs are good
	Machines                    []Judged
	Hidden                      int
	Missing                     []api.AcceptanceMissing
}

func (Certificate) name() string    { return "certificate" }
func (c Certificate) title() string { return "Certificate " + strconv.FormatInt(c.Line.Number, 10) }

// Color is the class of a verdict's tag.
func (Certificate) Color(verdict string) string { return verdictColor(verdict) }

// NewCertificate makes the page.
func NewCertificate(in CertificateInput) Certificate {
	link := CertificateLink(in.Number)
	c := Certificate{Line: CertificateLine{Number: in.Number, Link: link}, At: in.At, JSON: link + "/json", PDF: link + "/pdf", Proofs: scrub(in.Checks), Sound: true}
	for _, p := range in.Checks {
		c.Sound = c.Sound && p.Good
	}
	if in.Entry.Number == 0 {
		return c
	}
	c.Readable, c.Line, c.Sum, c.Missing = true, entryLine(in.Entry), sumOf(in.Report), scrub(in.Report.Missing)
	c.SHA256, c.Previous, c.Key, c.Issued, c.Note = in.Entry.Digest, in.Previous, in.Key, in.Issued, clean(in.Note)
	c.Machines, c.Hidden = judged(in.Report.Units)
	if in.Number > 1 {
		c.Before = CertificateLink(in.Number - 1)
	}
	return c
}
