package images

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sum256(b []byte) [32]byte { return sha256.Sum256(b) }

// flaky serves one file and cuts the first connections.
type flaky struct {
	data   []byte
	etag   string
	cuts   []int // bytes after which each of the first answers ends
	status []int // of the first answers, before any cut
	ranges []string
	plain  bool // without ranges
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.ranges = append(f.ranges, r.Header.Get("Range"))
	if len(f.status) > 0 {
		w.WriteHeader(f.status[0])
		f.status = f.status[1:]
		return
	}
	if f.etag != "" {
		w.Header().Set("ETag", f.etag)
	}
	if f.plain {
		r.Header.Del("Range")
	}
	if len(f.cuts) > 0 {
		w = &cutWriter{ResponseWriter: w, left: f.cuts[0]}
		f.cuts = f.cuts[1:]
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}

type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	n, _ := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 {
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

func (s *Store) fetchFast(ctx context.Context, url string) (*download, error) {
	d := s.newDownload(ImportOptions{Source: url}, "")
	d.backoff = time.Millisecond
	return d, d.fetch(ctx)
}

func TestDownload(t *testing.T) {
	data := random(1, 3<<20)
	tests := []struct {
		name   string
		server flaky
		want   []string // Range headers
	}{
		{"at once", flaky{etag: `"1"`}, []string{""}},
		{"cut twice", flaky{etag: `"1"`, cuts: []int{1 << 20, 1 << 19}}, []string{"", "bytes=1048576-", "bytes=1572864-"}},
		{"server busy", flaky{status: []int{503, 429}}, []string{"", "", ""}},
		{"no ranges", flaky{plain: true, cuts: []int{1 << 20}}, []string{"", "bytes=1048576-"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.server.data = data
			server := httptest.NewServer(&tt.server)
			defer server.Close()
			s := openStore(t)
			d, err := s.fetchFast(t.Context(), server.URL+"/a")
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(d.file)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, error %v", len(got), err)
			}
			if diff := cmp.Diff(tt.want, tt.server.ranges); diff != "" {
				t.Errorf("ranges asked for (-want +got):\n%s", diff)
			}
			// All is there: a second fetch asks and gets nothing more.
			if _, err := s.fetchFast(t.Context(), server.URL+"/a"); err != nil {
				t.Error(err)
			}
			d.remove()
			if left := files(t, filepath.Join(s.dir, "tmp")); len(left) != 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

func TestDownloadChangedMeanwhile(t *testing.T) {
	handler := &flaky{data: random(1, 3<<20), etag: `"1"`, cuts: []int{1 << 20}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(handler.ranges) == 1 { // the second request: another version is there now
			handler.data, handler.etag = random(2, 2<<20), `"2"`
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	d, err := openStore(t).fetchFast(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(d.file)
	if err != nil || !bytes.Equal(got, handler.data) {
		t.Errorf("got %d bytes that are not the new version, error %v", len(got), err)
	}
}

func TestDownloadGivesUp(t *testing.T) {
	for name, tt := range map[string]struct {
		server flaky
		want   string
		tries  int
	}{
		"not found":    {flaky{status: []int{404}}, "404 Not Found; check the URL", 1},
		"forbidden":    {flaky{status: []int{403}}, "403", 1},
		"always fails": {flaky{status: slices.Repeat([]int{500}, 20)}, "after 5 tries", downloadTries},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(&tt.server)
			defer server.Close()
			_, err := openStore(t).fetchFast(t.Context(), server.URL)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if len(tt.server.ranges) != tt.tries {
				t.Errorf("%d requests, want %d", len(tt.server.ranges), tt.tries)
			}
		})
	}
}

func TestImportURL(t *testing.T) {
	dir := t.TempDir()
	disk := makeDisk(t, filepath.Join(dir, "disk"), mbrOnly)
	run(t, "zstd", "-q", filepath.Join(dir, "disk"))
	packed, err := os.ReadFile(filepath.Join(dir, "disk.zst"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&flaky{data: packed, etag: `"1"`, cuts: []int{len(packed) / 2}})
	defer server.Close()
	s := openStore(t)
	source := strings.Replace(server.URL, "http://", "http://user:password@", 1) + "/disk.zst"
	var told int64
	digest, err := s.Import(t.Context(), ImportOptions{
		Name: "a", Source: source, SHA256: fmt.Sprintf("%x", sum256(packed)), Progress: func(done, _ int64) { told = done },
	})
	if err != nil {
		t.Fatal(err)
	}
	var back bytes.Buffer
	if _, err := s.Read(t.Context(), digest, &back); err != nil || !bytes.Equal(back.Bytes(), disk) {
		t.Errorf("%d bytes, error %v", back.Len(), err)
	}
	if told != int64(len(packed)) {
		t.Errorf("progress ended at %d of %d", told, len(packed))
	}
	_, err = s.Import(t.Context(), ImportOptions{Name: "b", Source: source, SHA256: strings.Repeat("0", 64)})
	if !errors.Is(err, ErrChecksum) || strings.Contains(err.Error(), "password") {
		t.Errorf("wrong checksum: %v", err)
	}
	if left := files(t, filepath.Join(s.dir, "tmp")); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}

func TestContentRange(t *testing.T) {
	for text, want := range map[string][2]int64{"bytes 5-9/10": {5, 10}, "bytes 5-9/*": {5, -1}, "bytes */10": {0, 10}} {
		from, total, err := contentRange(text)
		if err != nil || from != want[0] || total != want[1] {
			t.Errorf("%q: %d, %d, %v", text, from, total, err)
		}
	}
	for _, text := range []string{"", "bytes", "bytes x-y/z", "items 1-2/3", "bytes 1-2/x"} {
		if _, _, err := contentRange(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
