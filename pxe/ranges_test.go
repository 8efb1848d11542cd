package pxe

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socle/inventory"
)

// TestRangesAndConditions goes through RFC 9110 sections 13 and 14 for one file.
func TestRangesAndConditions(t *testing.T) {
	rec := &recorder{}
	h, content := fileHandler(t, 1000, rec)
	url := "http://" + serveBoot(t, h, ServerLimits{}, nil) + "/boot/files/ramdisk/initrd"
	ask := func(method string, headers ...string) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	whole, b := ask(http.MethodGet)
	tag, date := whole.Header.Get("Etag"), whole.Header.Get("Last-Modified")
	if !bytes.Equal(b, content) || tag == "" || strings.HasPrefix(tag, "W/") || date == "" || whole.Header.Get("Accept-Ranges") != "bytes" {
		t.Fatalf("%d bytes, %v", len(b), whole.Header)
	}
	const old, future = "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
	for _, tc := range []struct {
		name    string
		method  string
		headers []string
		status  int
		body    []byte
		header  string // "Name: value" that the answer has
		outcome inventory.Outcome
	}{
		{"one range", "GET", []string{"Range", "bytes=10-14"}, 206, content[10:15], "Content-Range: bytes 10-14/1000", inventory.OutPart},
		{"to the end", "GET", []string{"Range", "bytes=990-"}, 206, content[990:], "Content-Range: bytes 990-999/1000", inventory.OutPart},
		{"beyond the end is cut", "GET", []string{"Range", "bytes=990-5000"}, 206, content[990:], "Content-Range: bytes 990-999/1000", inventory.OutPart},
		{"the last bytes", "GET", []string{"Range", "bytes=-7"}, 206, content[993:], "Content-Range: bytes 993-999/1000", inventory.OutPart},
		{"more last bytes than there are", "GET", []string{"Range", "bytes=-5000"}, 206, content, "Content-Range: bytes 0-999/1000", inventory.OutPart},
		{"nothing of it", "GET", []string{"Range", "bytes=1000-"}, 416, nil, "Content-Range: bytes */1000", inventory.OutRefused},
		{"a unit that is unknown", "GET", []string{"Range", "lines=1-2"}, 416, nil, "", inventory.OutRefused}, // RFC 9110 section 14.2 lets a server ignore it; net/http refuses
		{"HEAD", "HEAD", nil, 200, nil, "Content-Length: 1000", inventory.OutProbe},
		{"HEAD of a range", "HEAD", []string{"Range", "bytes=10-14"}, 206, nil, "Content-Length: 5", inventory.OutProbe},
		{"If-None-Match, it is that", "GET", []string{"If-None-Match", tag}, 304, nil, "Etag: " + tag, inventory.OutComplete},
		{"If-None-Match, one of them", "GET", []string{"If-None-Match", `"x", W/` + tag}, 304, nil, "Etag: " + tag, inventory.OutComplete},
		{"If-None-Match, any", "GET", []string{"If-None-Match", "*"}, 304, nil, "", inventory.OutComplete},
		{"If-None-Match, another", "GET", []string{"If-None-Match", `"x"`}, 200, content, "Etag: " + tag, inventory.OutComplete},
		{"If-None-Match wins over a date", "GET", []string{"If-None-Match", `"x"`, "If-Modified-Since", future}, 200, content, "", inventory.OutComplete},
		{"If-Modified-Since, unchanged", "GET", []string{"If-Modified-Since", date}, 304, nil, "", inventory.OutComplete},
		{"If-Modified-Since, changed", "GET", []string{"If-Modified-Since", old}, 200, content, "Last-Modified: " + date, inventory.OutComplete},
		{"If-Match, it is that", "GET", []string{"If-Match", tag}, 200, content, "", inventory.OutComplete},
		{"If-Match, another", "GET", []string{"If-Match", `"x"`}, 412, nil, "", inventory.OutRefused},
		{"If-Match, weak", "GET", []string{"If-Match", "W/" + tag}, 412, nil, "", inventory.OutRefused}, // section 13.1.1: strong comparison
		{"If-Unmodified-Since, changed", "GET", []string{"If-Unmodified-Since", old}, 412, nil, "", inventory.OutRefused},
		{"If-Range, it is that", "GET", []string{"Range", "bytes=10-14", "If-Range", tag}, 206, content[10:15], "", inventory.OutPart},
		{"If-Range, another: all of the new one", "GET", []string{"Range", "bytes=10-14", "If-Range", `"x"`}, 200, content, "", inventory.OutComplete},
		{"If-Range, by date", "GET", []string{"Range", "bytes=10-14", "If-Range", date}, 206, content[10:15], "", inventory.OutPart},
		{"If-Range, by a date before", "GET", []string{"Range", "bytes=10-14", "If-Range", old}, 200, content, "", inventory.OutComplete},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(rec.list())
			a, b := ask(tc.method, tc.headers...)
			if a.StatusCode != tc.status || tc.body != nil && !bytes.Equal(b, tc.body) {
				t.Errorf("%d, %d bytes %.60q", a.StatusCode, len(b), b)
			}
			if name, value, _ := strings.Cut(tc.header, ": "); tc.header != "" && a.Header.Get(name) != value {
				t.Errorf("%s is %q, not %q", name, a.Header.Get(name), value)
			}
			if e := rec.next(t, before); e.Outcome != tc.outcome || e.File != "ramdisk/initrd" {
				t.Errorf("evidence %+v", e)
			}
		})
	}
	t.Run("several ranges", func(t *testing.T) {
		before := len(rec.list())
		a, b := ask("GET", "Range", "bytes=0-4,100-104,-5")
		kind, params, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
		if err != nil || a.StatusCode != 206 || kind != "multipart/byteranges" {
			t.Fatalf("%d %s, %v", a.StatusCode, a.Header.Get("Content-Type"), err)
		}
		r := multipart.NewReader(bytes.NewReader(b), params["boundary"])
		for _, want := range []struct {
			says string
			body []byte
		}{{"bytes 0-4/1000", content[:5]}, {"bytes 100-104/1000", content[100:105]}, {"bytes 995-999/1000", content[995:]}} {
			p, err := r.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(p)
			if err != nil || p.Header.Get("Content-Range") != want.says || !bytes.Equal(got, want.body) {
				t.Errorf("%s: %q, %v", p.Header.Get("Content-Range"), got, err)
			}
		}
		if _, err := r.NextPart(); err != io.EOF {
			t.Errorf("more than was asked for: %v", err)
		}
		if e := rec.next(t, before); e.Outcome != inventory.OutPart {
			t.Errorf("evidence %+v", e)
		}
	})
	t.Run("many ranges are no more than the file", func(t *testing.T) {
		_, b := ask("GET", "Range", "bytes="+strings.Repeat("0-,", 2000)+"0-")
		if len(b) > 2*len(content) {
			t.Errorf("%d bytes", len(b))
		}
	})
}

// next waits for the evidence after the first n lines: it is recorded once the client has its answer.
func (r *recorder) next(t *testing.T, n int) inventory.Evidence {
	t.Helper()
	for range 1000 {
		if all := r.list(); len(all) > n {
			return all[n]
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("no evidence")
	return inventory.Evidence{}
}

// cutting is a TCP proxy that cuts each of its first connections after so many bytes of the answer.
func cutting(t *testing.T, to string, after int64, times int32) (addr string, cuts *atomic.Int32) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	cuts = &atomic.Int32{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				s, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
				if err != nil {
					return
				}
				defer s.Close()
				go func() { _, _ = io.Copy(s, c) }()
				if cuts.Load() < times {
					cuts.Add(1)
					_, _ = io.CopyN(c, s, after)
					return
				}
				_, _ = io.Copy(c, s)
			}()
		}
	}()
	return l.Addr().String(), cuts
}

// TestResume cuts downloads in the middle; curl and wget go on where they were.
func TestResume(t *testing.T) {
	h, content := fileHandler(t, 3_000_000, nil)
	addr := serveBoot(t, h, ServerLimits{}, nil)
	for _, tc := range []struct {
		name string
		argv func(url, to string) []string
		runs int // that it needs; the others it makes itself
	}{
		{"curl -C -", func(url, to string) []string { return []string{"curl", "-sS", "-C", "-", "-o", to, url} }, 3},
		{"curl --retry", func(url, to string) []string {
			return []string{"curl", "-sS", "-C", "-", "--retry", "5", "--retry-all-errors", "--retry-delay", "1", "-o", to, url}
		}, 3},
		{"wget -c", func(url, to string) []string {
			return []string{"wget", "-q", "-c", "--tries=5", "--waitretry=0", "-O", to, url}
		}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			proxy, cuts := cutting(t, addr, 1_000_000, 2)
			path := filepath.Join(t.TempDir(), "f")
			argv := tc.argv("http://"+proxy+"/boot/files/any", path)
			var said []byte
			for range tc.runs {
				out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
				said = append(said, fmt.Sprintf("%s%v\n", out, err)...)
				if err == nil {
					break
				}
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%d of %d bytes, %v; it said: %s", len(got), len(content), err, said)
			}
			if cuts.Load() != 2 {
				t.Errorf("the download was cut %d times", cuts.Load())
			}
		})
	}
}
