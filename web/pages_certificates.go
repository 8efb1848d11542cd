package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"socle/api"
	"socle/inventory"
	"socle/inventory/certificate"
	"socle/inventory/signing"
	"socle/paper/certified"
	"socle/web/ui"
)

func (s *Server) certificatePages() {
	s.echo.GET(ui.CertificatesPath, s.certificatesPage)
	s.echo.POST(ui.CertificatesPath, s.certifyForm)
	s.echo.GET(ui.CertificatesPath+"/:number", s.certificatePage)
	s.echo.GET(ui.CertificatesPath+"/:number/json", s.certificateFile)
	s.echo.GET(ui.CertificatesPath+"/:number/pdf", s.certificatePaper)
}

// certificatesPage lists certificates: all, those that judge a machine, or those of a rack or a delivery.
func (s *Server) certificatesPage(c echo.Context) error {
	if len(c.QueryString()) > maxScope {
		return newProblem(http.StatusUnprocessableEntity, "the scope is longer than 10000 bytes")
	}
	scope := scopeOf(c)
	all, err := s.certificatesOf(c.Request().Context(), scope.Machines)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewCertificates(all, scope))
}

// certifyForm has what is true now written down. What is refused is said on the page of the verdicts.
func (s *Server) certifyForm(c echo.Context) error {
	ctx := c.Request().Context()
	r := api.CertificateRequest{AcceptanceScope: scopeOf(c), Note: strings.TrimSpace(c.FormValue("note")), AsIs: c.FormValue("as_is") != ""}
	if len(r.Note) > 2000 {
		return s.acceptancePage(c, http.StatusUnprocessableEntity, "a note has at most 2000 bytes")
	}
	e, err := s.o.Certificates.IssueCertificate(ctx, actor(ctx), r)
	if p := (*api.Problem)(nil); errors.As(err, &p) && p.Status == http.StatusConflict {
		return s.acceptancePage(c, p.Status, p.Detail)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ui.CertificateLink(e.Number))
}

// issued reads the certificate that a path names.
func (s *Server) issued(c echo.Context) (number int64, file []byte, err error) {
	number, err = strconv.ParseInt(c.Param("number"), 10, 64)
	if err != nil || number < 1 {
		return 0, nil, newProblem(http.StatusNotFound, "certificates have numbers from 1")
	}
	file, err = s.o.Certificates.IssuedCertificate(c.Request().Context(), number)
	return number, file, err
}

// certificatePage shows one, and checks it as it is now in the database: that it was signed, with the installation's key, and
// that it hangs between its neighbours.
func (s *Server) certificatePage(c echo.Context) error {
	ctx := c.Request().Context()
	number, file, err := s.issued(c)
	if err != nil {
		return err
	}
	in := ui.CertificateInput{Number: number, At: s.o.Now()}
	one, err := certificate.Parse(file)
	if err != nil {
		in.Checks = []ui.Proof{{What: err.Error()}}
		return s.page(c, http.StatusOK, ui.NewCertificate(in))
	}
	in.Entry, in.Previous, in.Report = one.Entry(), one.Statement.Previous, AcceptanceOut(one.Statement.Report)
	in.Key, in.Issued, in.Note = signing.Fingerprint(one.Key), one.Statement.Issued, one.Statement.Note
	if in.Checks, err = s.proofs(ctx, one); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.NewCertificate(in))
}

// proofs are the checks of a certificate's signature and of its place in the chain.
func (s *Server) proofs(ctx context.Context, c certificate.Certificate) (all []ui.Proof, err error) {
	add := func(err error, good string) {
		if err != nil {
			all = append(all, ui.Proof{What: err.Error()})
			return
		}
		all = append(all, ui.Proof{Good: true, What: good})
	}
	key, err := s.o.Certificates.CertificateKey(ctx)
	if err != nil {
		return nil, err
	}
	add(c.Verify(), "the signature is right: nothing was changed since it was issued")
	err = nil
	if f := signing.Fingerprint(c.Key); f != key.Fingerprint {
		err = fmt.Errorf("it was signed with the key %s, and the key of this installation is %s", f, key.Fingerprint)
	}
	add(err, "it was signed with the key of this installation")
	link := c.Link()
	before, err := s.link(ctx, link.Number-1)
	if err != nil {
		return nil, err
	}
	good := "it is the first of the chain"
	if before != nil {
		good = fmt.Sprintf("it follows certificate %d, which is here as it was then", before.Number)
	}
	add(link.Follows(before), good)
	after, err := s.link(ctx, link.Number+1)
	if err != nil {
		return nil, err
	}
	if after == nil {
		add(nil, "it is the newest: none follows it yet")
	} else {
		add(after.Follows(&link), fmt.Sprintf("certificate %d follows it, and names its digest", after.Number))
	}
	return all, nil
}

// link is that of a certificate; nil where there is none of this number.
func (s *Server) link(ctx context.Context, number int64) (*certificate.Link, error) {
	if number < 1 {
		return nil, nil
	}
	file, err := s.o.Certificates.IssuedCertificate(ctx, number)
	if errors.Is(err, inventory.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := certificate.LinkOf(file)
	if err != nil {
		l = certificate.Link{Number: number} // Follows says that it is not the one that was there
	}
	return &l, nil
}

// certificateFile is the file that counts, byte for byte.
func (s *Server) certificateFile(c echo.Context) error {
	number, file, err := s.issued(c)
	if err != nil {
		return err
	}
	return attach(c, api.File{Name: fmt.Sprintf("certificate-%d.json", number), ContentType: api.ContentTypeCertificate, Body: file})
}

// certificatePaper prints a certificate whose signature is right.
func (s *Server) certificatePaper(c echo.Context) error {
	number, file, err := s.issued(c)
	if err != nil {
		return err
	}
	one, err := certificate.Parse(file)
	if err == nil {
		err = one.Verify()
	}
	if err != nil {
		return newProblem(http.StatusConflict, fmt.Sprintf("certificate %d is not printed: %v", number, err))
	}
	var b bytes.Buffer
	if err := certified.Write(&b, one); err != nil {
		return err
	}
	return attach(c, api.File{Name: fmt.Sprintf("certificate-%d.pdf", number), ContentType: "application/pdf", Body: b.Bytes()})
}
