package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestClaimsPage lists what vendors are to replace, with a file for each, and is found from the pages of racks and deliveries.
func TestClaimsPage(t *testing.T) {
	world, srv := start(t)
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/rma?rack=r1")
	shows(t, "the page", body, []string{"2 parts of 2 vendors", `<h3>HP <small class="dim">1 part</small></h3>`, `<a href="/rma/file?format=csv&amp;rack=r1&amp;vendor=Boxes&#43;GmbH" download>`, `<a href="/machines/m1">m1</a>`,
		`<span class="tag h-critical">missing</span>`, "the slot is empty", `value="r1"`}, []string{"1 parts"})
	_, body = page(t, c, srv.URL+"/rma?vendor=HP")
	shows(t, "one vendor's", body, []string{"1 part of 1 vendor"}, []string{"Boxes"})
	if _, body := page(t, c, srv.URL+"/rma?vendor=nobody"); !strings.Contains(body, "Nothing is to be replaced or delivered") {
		t.Error("no claims are not said to be none")
	}
	res, text := page(t, c, srv.URL+"/rma/file?format=csv&vendor=HP")
	if text != "the list of HP" || !strings.Contains(res.Header.Get("Content-Disposition"), `filename=rma.csv`) {
		t.Errorf("the file is %q, %q", text, res.Header.Get("Content-Disposition"))
	}
	for path, status := range map[string]int{"/rma/file?format=csv": http.StatusUnprocessableEntity, "/rma/file?format=exe&vendor=HP": http.StatusUnprocessableEntity, "/rma?vendor=" + strings.Repeat("x", 301): http.StatusUnprocessableEntity} {
		if res, _ := page(t, c, srv.URL+path); res.StatusCode != status {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, status)
		}
	}
	if _, body := page(t, c, srv.URL+"/places/rack?rack="+url.QueryEscape(rackOf(t, world, "hv01"))); !strings.Contains(body, `href="/rma?rack=`) {
		t.Errorf("the page of a rack does not lead there:\n%s", body)
	}
}
