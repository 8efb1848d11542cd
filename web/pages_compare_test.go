package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestComparePage shows ordered, racked and detected beside each other, and is found from the pages of machines and deliveries.
func TestComparePage(t *testing.T) {
	_, srv := start(t)
	c := login(t, srv)
	_, body := page(t, c, srv.URL+"/compare")
	for _, want := range []string{"3 compared · 2 right · 1 wrong", `<a href="/machines/hv01">hv01</a>`, "ams1/r1, U 5", `<span class="tag h-critical">wrong-place</span>`, "the slot is empty",
		`<a href="/compare?delivery=PO-1">PO-1</a>, line 1`, `<a href="/compare?all=yes">also what is right</a>`, `<a href="/compare/file" download>CSV</a>`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if strings.Contains(body, "DIMM A2") {
		t.Error("what is right is shown before it is asked for")
	}
	_, body = page(t, c, srv.URL+"/compare?machines=hv01&all=yes")
	if !strings.Contains(body, `<span class="tag h-ok">right</span>`) || !strings.Contains(body, `value="hv01"`) || strings.Contains(body, "PO-1</a>, line 1") {
		t.Error("one machine is shown whole, without deliveries")
	}
	if !strings.Contains(body, `<a href="/compare/file?all=yes&amp;machines=hv01" download>CSV</a>`) {
		t.Error("the page of one machine has the file of others")
	}
	for path, want := range map[string]string{"/machines/hv01": `<a href="/compare?all=yes&amp;machines=hv01">`, "/": `<a href="/?q=findings%3E0" title="machines of which`} {
		if _, body := page(t, c, srv.URL+path); !strings.Contains(body, want) {
			t.Errorf("%s: no %q", path, want)
		}
	}
	for _, path := range []string{"/compare?rack=", "/compare/file?rack=", "/compare?machines=hv01&delivery="} {
		if res, _ := page(t, c, srv.URL+path+strings.Repeat("x", 301)); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s and a long name: %d", path, res.StatusCode)
		}
	}
	for path, rows := range map[string]int{"/compare/file": 3, "/compare/file?all=yes": 4} {
		res, text := page(t, c, srv.URL+path)
		if strings.Count(text, "\n") != rows || !strings.HasPrefix(text, "machine,delivery,model,verdict,") || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%s is %v\n%s", path, res.Header, text)
		}
	}
}
