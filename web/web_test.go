package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/web"
	"socle/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// start runs the whole front door over a filled world, with real connections.
func start(t *testing.T) (*webtest.World, *httptest.Server) {
	t.Helper()
	world := webtest.New(t.TempDir(), time.Now)
	world.Fill()
	return world, serve(t, world.Options())
}

func serve(t *testing.T, o web.Options) *httptest.Server {
	t.Helper()
	o.PlainHTTP = true
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(s.Handler())
	srv.Config = s.HTTPServer()
	srv.Start()
	t.Cleanup(func() { s.Drain(); srv.Close() })
	return srv
}

// call makes one request and returns the answer with its body read.
func call(t *testing.T, method, target, token, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return do(t, &c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// problem reads a problem and checks what every problem must be.
func problem(t *testing.T, res *http.Response, body string) api.Problem {
	t.Helper()
	if ct := res.Header.Get("Content-Type"); ct != api.ContentTypeProblem {
		t.Fatalf("%d has the media type %q, want a problem: %.200s", res.StatusCode, ct, body)
	}
	var p api.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != res.StatusCode || p.Code == "" || p.Title == "" {
		t.Errorf("the problem %+v of status %d lacks its status, code or title", p, res.StatusCode)
	}
	return p
}

// login returns a browser that is logged in.
func login(t *testing.T, srv *httptest.Server) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req := form(t, srv.URL+"/login", url.Values{"token": {webtest.AdminToken}, "next": {"/machines/hv01"}})
	if res, body := do(t, c, req); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/machines/hv01" {
		t.Fatalf("logging in: %d %s to %q", res.StatusCode, body, res.Header.Get("Location"))
	}
	return c
}

func form(t *testing.T, target string, values url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

func page(t *testing.T, c *http.Client, target string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	return do(t, c, req)
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code makes now: run the test with -update and look at the difference", file)
	}
}

// httptestServer serves s and leaves draining to the test.
func httptestServer(t *testing.T, s *web.Server) string {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return srv.URL
}

// serveSecure serves with cookies as they are under TLS.
func serveSecure(t *testing.T, o web.Options) string {
	t.Helper()
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return httptestServer(t, s)
}
