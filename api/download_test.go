package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDownloadIsWhole: an answer that is longer than what is taken is an error that says so, and never a file cut short.
func TestDownloadIsWhole(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") }))
	defer srv.Close()
	c, err := NewClient(ClientOptions{Server: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	for most, whole := range map[int64]bool{9: false, 10: true, 11: true} {
		var b strings.Builder
		_, err := c.download(t.Context(), "/x", nil, "*/*", most, &b)
		if whole && (err != nil || b.String() != "0123456789") || !whole && (err == nil || !strings.Contains(err.Error(), "more than 9 bytes")) {
			t.Errorf("at most %d bytes: %q, %v", most, b.String(), err)
		}
	}
}

// TestLongAnswer: a JSON answer that is too long is said to be, with what to do, and one that ends early is not taken for one.
func TestLongAnswer(t *testing.T) {
	block := `"` + strings.Repeat("x", 1<<20) + `",`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `[`)
		if r.URL.Path == "/long" {
			for range 65 {
				_, _ = io.WriteString(w, block)
			}
			_, _ = io.WriteString(w, `""]`)
		}
	}))
	defer srv.Close()
	c, err := NewClient(ClientOptions{Server: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{"/long": "larger than 64 MiB: ask for less", "/short": "unexpected EOF"} {
		var out []string
		if err := c.request(t.Context(), http.MethodGet, path, nil, nil, &out); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
}
