package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/inventory"
	"socle/inventory/certificate"
	"socle/inventory/signing"
	"socle/web"
	"socle/web/webtest"
)

// TestCertificatePages: what is accepted is written down by a button, what is not is refused with the reason, and each
// certificate is shown with what it says, where its files are and whether it is still what was signed.
func TestCertificatePages(t *testing.T) {
	world, srv := start(t)
	world.Find(inventory.Findings{Machine: "id-hv01", Source: inventory.FromParts, List: []inventory.Finding{
		{Source: inventory.FromParts, Kind: inventory.FindMissing, Subject: "DIMM <A1>", Reason: "DIMM <A1> is missing"}}})
	c := login(t, srv)
	list := srv.URL + "/certificates"
	_, body := page(t, c, list)
	has(t, body, "None was issued yet.", `<a href="/acceptance">verdicts of now, and issue</a>`)
	_, body = page(t, c, srv.URL+"/acceptance?machines=hv01")
	has(t, body, `<form method="post" action="/certificates?machines=hv01">`, `name="as_is"`, "although it is rejected")
	csrf := csrfField.FindStringSubmatch(body)[1]
	issue := func(query string, status int, values url.Values) string {
		t.Helper()
		res, body := do(t, c, form(t, list+"?"+query, values))
		if res.StatusCode != status {
			t.Fatalf("issuing %s with %v: %d, %.300s", query, values, res.StatusCode, body)
		}
		return body + res.Header.Get("Location")
	}
	issue("machines=st01", http.StatusForbidden, url.Values{"csrf": {"guessed"}})
	has(t, issue("machines=hv01", http.StatusConflict, url.Values{"csrf": {csrf}}), "<b>Not taken.</b> the scope is rejected", "DIMM &lt;A1&gt; is missing")
	issue("machines=hv01", http.StatusUnprocessableEntity, url.Values{"csrf": {csrf}, "note": {strings.Repeat("x", 2001)}})
	issue("machines=nobody", http.StatusNotFound, url.Values{"csrf": {csrf}})
	if all, err := world.Certificates(t.Context(), ""); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	for n, x := range []struct {
		query  string
		values url.Values
	}{
		{"machines=st01", url.Values{"note": {" first of the hall "}}}, {"machines=hv01", url.Values{"as_is": {"yes"}, "note": {"<b>known</b>"}}}, {"rack=" + url.QueryEscape(rackOf(t, world, "hv01")), url.Values{"as_is": {"yes"}}},
	} {
		x.values.Set("csrf", csrf)
		if at := issue(x.query, http.StatusSeeOther, x.values); at != "/certificates/"+string(rune('1'+n)) {
			t.Fatalf("it went to %s", at)
		}
	}

	_, body = page(t, c, list+"/2")
	has(t, body, "Certificate 2 of hv01", `<span class="tag h-critical">rejected</span>`, "by token:admin", "&lt;b&gt;known&lt;/b&gt;", "DIMM &lt;A1&gt; is missing", `href="/certificates/1"`, "<h2>It is as it was signed</h2>",
		"the signature is right", "with the key of this installation", "it follows certificate 1, which is here as it was then", "certificate 3 follows it", `href="/certificates/2/json" download`, `href="/certificates/2/pdf" download`)
	_, body = page(t, c, list+"/1")
	has(t, body, "first of the hall", "it is the first of the chain", "none, it is the first", `<span class="tag h-ok">accepted</span>`)
	for query, want := range map[string][]string{
		"": {"3", "2", "1"}, "?machines=st01": {"3", "1"}, "?machines=hv01": {"3", "2"}, "?rack=" + url.QueryEscape(rackOf(t, world, "hv01")): {"3"}, "?rack=elsewhere": nil, "?delivery=PO-1": nil,
	} {
		_, body := page(t, c, list+query)
		if n := strings.Count(body, `<td data-label="Number">`); n != len(want) {
			t.Errorf("%q lists %d certificates, want %v", query, n, want)
		}
		for _, n := range want {
			has(t, body, `<a href="/certificates/`+n+`">`+n+`</a>`)
		}
	}
	_, body = page(t, c, srv.URL+"/machines/hv01")
	has(t, body, `<a href="/certificates?machines=hv01">certificates</a>`)
	_, body = page(t, c, srv.URL+"/places/rack?rack="+url.QueryEscape(rackOf(t, world, "hv01")))
	has(t, body, `<a href="/certificates?rack=`, `<a href="/acceptance?rack=`)
	for _, path := range []string{"/0", "/x", "/4", "/4/json", "/x/pdf"} {
		if res, _ := page(t, c, list+path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func rackOf(t *testing.T, world *webtest.World, name string) string {
	t.Helper()
	m, err := world.Machine(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return m.Place.RackName()
}

// TestCertificateFiles: the JSON file is what was signed, byte for byte, and the PDF is one.
func TestCertificateFiles(t *testing.T) {
	world, srv := start(t)
	c := login(t, srv)
	issued(t, world, "st01")
	file, err := world.IssuedCertificate(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"json": string(file), "pdf": "%PDF-"} {
		res, body := page(t, c, srv.URL+"/certificates/1/"+name)
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(body, want) || name == "json" && body != want || res.Header.Get("Content-Disposition") != "attachment; filename=certificate-1."+name {
			t.Errorf("%s: %d, %v, %.100q", name, res.StatusCode, res.Header, body)
		}
	}
}

func issued(t *testing.T, world *webtest.World, names ...string) {
	t.Helper()
	for _, n := range names {
		r := api.CertificateRequest{AcceptanceScope: api.AcceptanceScope{Machines: n}}
		if _, err := world.IssueCertificate(t.Context(), "token:admin", r); err != nil {
			t.Fatal(err)
		}
	}
}

type kept interface{ web.Certificates } // an embedded field may not have the name of a method that it brings

// tampered is a world in which somebody wrote into the database.
type tampered struct {
	kept
	files map[int64][]byte
}

func (t tampered) IssuedCertificate(ctx context.Context, number int64) ([]byte, error) {
	if f := t.files[number]; f != nil {
		return f, nil
	}
	return t.kept.IssuedCertificate(ctx, number)
}

// TestCertificateTamperedWith: what was changed in the database is told by the page, and is not printed.
func TestCertificateTamperedWith(t *testing.T) {
	world := webtest.New(t.TempDir(), time.Now)
	world.Fill()
	issued(t, world, "st01", "st01", "st01")
	read := func(n int64) []byte {
		f, err := world.IssuedCertificate(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first, err := certificate.Parse(read(1))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := signing.NewKey(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	first.Statement.By = "somebody"
	forged, err := certificate.Seal(first.Statement, stranger)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		file   []byte // in the place of the first
		page   string
		status int
		says   []string
	}{
		{forged.File(), "/1", http.StatusOK, []string{"Do not trust it", "the signature is right", "and the key of this installation is", "number 2 names another predecessor"}},
		{forged.File(), "/2", http.StatusOK, []string{"Do not trust it", "names another predecessor than number 1", "certificate 3 follows it"}},
		{bytes.Replace(read(1), []byte(`"by":"token:admin"`), []byte(`"by":"token:other"`), 1), "/1", http.StatusOK, []string{"Do not trust it", "its signature is wrong"}},
		{bytes.Replace(read(1), []byte(`"by":"token:admin"`), []byte(`"by":"token:other"`), 1), "/1/pdf", http.StatusConflict, []string{"is not printed"}},
		{[]byte("no JSON"), "/1", http.StatusOK, []string{"Do not trust it", "it is no certificate as it was issued"}},
		{[]byte("no JSON"), "/1/pdf", http.StatusConflict, []string{"is not printed"}},
		{[]byte("no JSON"), "/2", http.StatusOK, []string{"Do not trust it", "names another predecessor"}},
	} {
		o := world.Options()
		o.Certificates = tampered{o.Certificates, map[int64][]byte{1: x.file}}
		srv := serve(t, o)
		res, body := page(t, login(t, srv), srv.URL+"/certificates"+x.page)
		if res.StatusCode != x.status {
			t.Errorf("%s: %d", x.page, res.StatusCode)
		}
		has(t, body, x.says...)
	}
}
