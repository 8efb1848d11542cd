// Package certified prints certificates for people: who was judged, by what, with which parts inside, and by which digests and
// fingerprints the paper is matched with the signed file. The paper proves nothing by itself.
package certified

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"socle/inventory/acceptance"
	"socle/inventory/certificate"
	"socle/inventory/signing"
	"socle/paper"
)

// Write writes a certificate as PDF.
func Write(w io.Writer, c certificate.Certificate) error {
	s := c.Statement
	issued, err := time.Parse(time.RFC3339, s.Issued)
	if err != nil {
		return fmt.Errorf("printing the certificate: %w", err)
	}
	d := paper.New(paper.Info{
		Title: "Certificate of acceptance " + strconv.FormatInt(s.Number, 10), Subtitle: scopeText(s.Report.Scope), Author: s.By,
		Footer: "SHA-256 " + c.Digest(), Created: issued,
	})
	front(d, c)
	for i, u := range s.Report.Units {
		machine(d, u, s.Machines[i])
	}
	_, err = d.WriteTo(w)
	return err
}

func scopeText(s acceptance.Scope) string {
	switch s.Kind {
	case acceptance.OfAll:
		return "All machines of the plan"
	case acceptance.OfMachines:
		return "Machines " + s.Name
	}
	return strings.ToUpper(string(s.Kind[:1])) + string(s.Kind[1:]) + " " + s.Name
}

// front is the page that is signed by hand.
func front(d *paper.Document, c certificate.Certificate) {
	s := c.Statement
	r := s.Report
	d.Heading(verdictText(r))
	d.Facts(
		paper.Pair{Name: "Scope", Value: scopeText(r.Scope)},
		paper.Pair{Name: "Machines", Value: fmt.Sprintf("%d: %d accepted, %d waived, %d open, %d rejected", len(r.Units), r.Count(acceptance.Accepted), r.Count(acceptance.Waived), r.Count(acceptance.Open), r.Count(acceptance.Rejected))},
		paper.Pair{Name: "Issued", Value: s.Issued + " by " + s.By},
		paper.Pair{Name: "Note", Value: s.Note},
	)
	table := paper.Table{Columns: []paper.Column{{Title: "Machine", Width: 2}, {Title: "Serial", Width: 2, Mono: true}, {Title: "Model", Width: 2}, {Title: "Place", Width: 2}, {Title: "Verdict", Width: 1.5}}}
	for _, u := range r.Units {
		place := ""
		if u.Rack != "" {
			place = fmt.Sprintf("%s U%d", u.Rack, u.U)
		}
		table.Rows = append(table.Rows, []string{u.Name, u.Serial, cmp.Or(u.Model, u.Product), place, string(u.Verdict)})
	}
	for _, m := range r.Missing {
		table.Rows = append(table.Rows, []string{fmt.Sprintf("%d not come", m.Count), "", m.Model, fmt.Sprintf("%s line %d", m.Delivery, m.Line), string(acceptance.Open)})
	}
	d.Table(table)
	exceptions(d, r)
	d.Heading("The signed file")
	d.Paragraph("This paper shows what is in a file that is signed and chained to the certificate before it. The file is what counts; \"socle certificate verify FILE --key KEY\" checks it without a server.")
	d.Facts(
		paper.Pair{Name: "SHA-256", Value: c.Digest()},
		paper.Pair{Name: "Number", Value: strconv.FormatInt(s.Number, 10)},
		paper.Pair{Name: "The one before", Value: cmp.Or(s.Previous, "none, it is the first")},
		paper.Pair{Name: "Signed by the key", Value: signing.Fingerprint(c.Key)},
	)
	d.Code("socle-certificate:"+strconv.FormatInt(s.Number, 10)+":"+c.Digest(), 30, "SHA-256 of the file")
	d.Space(16, "Place, date, signature")
}

func verdictText(r acceptance.Report) string {
	switch r.Verdict {
	case acceptance.Accepted:
		return "Accepted"
	case acceptance.Waived:
		return "Accepted, with waivers"
	case acceptance.Open:
		return "Not accepted: not all is known"
	}
	return "Rejected"
}

// exceptions lists all that is not accepted, with what people said to it.
func exceptions(d *paper.Document, r acceptance.Report) {
	table := paper.Table{Columns: []paper.Column{{Title: "Machine", Width: 1.2}, {Title: "Verdict", Width: 1}, {Title: "What", Width: 5}}}
	for _, u := range r.Units {
		for _, k := range u.Checks {
			if k.Verdict != acceptance.Accepted {
				table.Rows = append(table.Rows, []string{u.Name, string(k.Verdict), k.Detail})
			}
		}
	}
	if len(table.Rows) > 0 {
		d.Heading("What is not as it should be")
		d.Table(table)
	}
}

// machine is what was looked at of one machine, and what is in it.
func machine(d *paper.Document, u acceptance.Unit, m certificate.Machine) {
	d.Heading(u.Name)
	d.Facts(
		paper.Pair{Name: "Serial number", Value: u.Serial}, paper.Pair{Name: "Asset tag", Value: u.AssetTag},
		paper.Pair{Name: "Judged by", Value: u.Criteria + ", SHA-256 " + u.Digest},
	)
	checks := paper.Table{Columns: []paper.Column{{Title: "Check", Width: 1.2}, {Title: "Verdict", Width: 1}, {Title: "What", Width: 5}}}
	for _, k := range u.Checks {
		checks.Rows = append(checks.Rows, []string{k.Name, string(k.Verdict), k.Detail})
	}
	d.Table(checks)
	parts := paper.Table{Columns: []paper.Column{{Title: "Part", Width: 1}, {Title: "Slot", Width: 1.5}, {Title: "Vendor and number", Width: 3}, {Title: "Serial", Width: 2, Mono: true}}}
	for _, p := range m.Parts {
		parts.Rows = append(parts.Rows, []string{p.Class, p.Slot, strings.TrimSpace(p.Vendor + " " + p.Number), p.Serial})
	}
	for _, f := range m.Firmware {
		parts.Rows = append(parts.Rows, []string{"firmware", f.Of, f.Version, ""})
	}
	if len(parts.Rows) > 0 {
		d.Table(parts)
	}
	values := paper.Table{Columns: []paper.Column{{Title: "Measured", Width: 2.5}, {Title: "Part", Width: 1}, {Title: "Value", Width: 1.5, Right: true}, {Title: "At", Width: 2}}}
	for _, v := range m.Measured {
		values.Rows = append(values.Rows, []string{v.Metric, v.Subject, fmt.Sprintf("%.4g %s", v.Value, v.Unit), v.At})
	}
	if len(values.Rows) > 0 {
		d.Table(values)
	}
}
