package depot_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socle/internal/depot"
)

func TestDepot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "firmware")
	d, err := depot.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	digest, size, err := d.Add(strings.NewReader("firmware"))
	if err != nil || size != 8 || len(digest) != 64 {
		t.Fatalf("%q, %d, %v", digest, size, err)
	}
	if again, _, err := d.Add(strings.NewReader("firmware")); err != nil || again != digest {
		t.Errorf("the same again: %q, %v", again, err)
	}
	if _, _, err := d.Add(strings.NewReader("")); err == nil {
		t.Error("an empty file was taken")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	mux := http.NewServeMux()
	mux.Handle(depot.Pattern, d)
	srv := httptest.NewServer(mux)
	defer srv.Close()
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	if code, text := get(depot.Path(digest, "bios.exe")); code != 200 || text != "firmware" {
		t.Errorf("%d %q", code, text)
	}
	for _, path := range []string{depot.Path(strings.Repeat("0", 64), "x"), "/firmware/..%2f..%2fetc/passwd", "/firmware/x/y"} {
		if code, _ := get(path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if err := d.Check(digest); err != nil {
		t.Error(err)
	}
	if err := d.Check(strings.Repeat("0", 64)); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, digest), []byte("f1rmware"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Check(digest); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
}
