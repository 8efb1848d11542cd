package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"socle/web/webtest"
)

var element = regexp.MustCompile(`(?i)<(script|img|svg onload|base|style)[\s>]`)

// TestHostile: whatever a server says of itself, it is text on a page, and not much of it.
func TestHostile(t *testing.T) {
	world := webtest.New(t.TempDir(), time.Now)
	world.FillHostile(1 << 20)
	srv := serve(t, world.Options())
	c := login(t, srv)
	for _, path := range []string{"/", "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&state=%22%3E%3Cscript%3E", "/machines/id-hostile"} {
		res, body := page(t, c, srv.URL+path)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %d %.300s", path, res.StatusCode, body)
		}
		own := strings.Replace(body, `<script src="/assets/socle.js" defer></script>`, "", 1)
		if at := element.FindStringIndex(own); at != nil {
			t.Errorf("GET %s: a hostile element is on the page: …%s…", path, own[max(0, at[0]-80):min(len(own), at[1]+80)])
		}
		if strings.ContainsAny(body, "\x00\x1b\x07\u202e\u200b") {
			t.Errorf("GET %s: control characters came through", path)
		}
		if len(body) > 512<<10 {
			t.Errorf("GET %s: the page has %d bytes", path, len(body))
		}
	}
	_, body := page(t, c, srv.URL+"/machines/id-hostile")
	if n := strings.Count(body, "window.pwned=1"); n < 30 {
		t.Errorf("only %d hostile texts are on the page: the test does not reach them all", n)
	}
	if _, body := page(t, c, srv.URL+"/machines/%3Cscript%3Ealert(1)%3C%2Fscript%3E"); strings.Contains(body, "<script>alert") {
		t.Error("the error page shows markup of its path")
	}
	res, _ := call(t, http.MethodGet, srv.URL+"/api/v1/machines/id-hostile", webtest.AdminToken, "")
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		t.Errorf("the API: %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
}
