package iso

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func shelf(t *testing.T) *Shelf {
	return &Shelf{
		Dir: filepath.Join(t.TempDir(), "media"), Base: "http://198.18.0.1:8080", Life: time.Hour, Now: time.Now,
		Make: func(_ context.Context, out, title string, params []string) error {
			return os.WriteFile(out, []byte(title+" "+strings.Join(params, " ")), 0o600)
		},
	}
}

func fetch(s *Shelf, method, path, ranges string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if ranges != "" {
		r.Header.Set("Range", ranges)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestShelf: who has the URL gets the medium, whole or in parts, until another is made, it is taken away, or it is old.
func TestShelf(t *testing.T) {
	s := shelf(t)
	put := func() string {
		t.Helper()
		u, err := s.Put(t.Context(), "m-1", "hv01", []string{"socle.token=x"})
		path, ours := strings.CutPrefix(u, s.Base)
		if err != nil || !ours || len(u) > 200 {
			t.Fatalf("%q, %v", u, err)
		}
		return path
	}
	first := put()
	if w := fetch(s, http.MethodGet, first, ""); w.Code != 200 || w.Body.String() != "hv01 socle.token=x" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := fetch(s, http.MethodGet, first, "bytes=5-9"); w.Code != http.StatusPartialContent || w.Body.String() != "socle" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
	if w := fetch(s, http.MethodHead, first, ""); w.Code != 200 || w.Header().Get("Content-Length") != "18" || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	second := put()
	if first == second {
		t.Error("two media have one URL")
	}
	secret := strings.Split(second, "/")[4]
	for _, path := range []string{
		first, ShelfPath, ShelfPath + "m-1/" + secret, ShelfPath + "m-2/" + secret + "/" + shelfName, second + "x",
		ShelfPath + "m-1/" + strings.Repeat("a", 43) + "/" + shelfName, ShelfPath + "../media/m-1/" + secret + "/" + shelfName,
		ShelfPath + "m-1/..%2f..%2f" + secret[10:] + "/" + shelfName,
	} {
		if w := fetch(s, http.MethodGet, path, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := fetch(s, http.MethodPost, second, ""); w.Code != http.StatusNotFound {
		t.Errorf("POST: %d", w.Code)
	}
	err := filepath.Walk(s.Dir, func(path string, _ os.FileInfo, err error) error {
		if strings.Contains(path, secret) {
			t.Errorf("the disk tells the URL: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	s.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if w := fetch(s, http.MethodGet, second, ""); w.Code != http.StatusNotFound {
		t.Errorf("an old one: %d", w.Code)
	}
	s.Now = time.Now
	for range 2 {
		if err := s.Remove("m-1"); err != nil {
			t.Error(err)
		}
	}
	if w := fetch(s, http.MethodGet, second, ""); w.Code != http.StatusNotFound {
		t.Errorf("one that was taken away: %d", w.Code)
	}
}

func TestShelfOfNobody(t *testing.T) {
	s := shelf(t)
	for _, owner := range []string{"", "..", "../x", "a/b"} {
		if _, err := s.Put(t.Context(), owner, "", nil); err == nil {
			t.Errorf("owner %q", owner)
		}
	}
	s.Make = func(context.Context, string, string, []string) error { return errors.New("no kernel") }
	if u, err := s.Put(t.Context(), "m-1", "", nil); err == nil || u != "" {
		t.Errorf("%q, %v", u, err)
	}
}

func TestShownImages(t *testing.T) {
	s := shelf(t)
	u, err := s.Put(t.Context(), "m-1", "hv01", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(u, "://")
	for image, ours := range map[string]bool{
		u: true, rest: true, strings.TrimPrefix(u, s.Base+"/"): true, shelfName: true, "": true,
		"http://198.18.0.1/other.iso": false, "other.iso": false,
	} {
		if s.Ours(image) != ours {
			t.Errorf("%q: ours %v", image, !ours)
		}
	}
	if got := Hide(u); got != s.Base+ShelfPath+"m-1/…/"+shelfName {
		t.Error(got)
	}
	if got := Hide("http://198.18.0.1/other.iso"); got != "http://198.18.0.1/other.iso" {
		t.Error(got)
	}
}
