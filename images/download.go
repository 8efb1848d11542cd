package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of a download.
const (
	headerTimeout = 30 * time.Second // until a server answers
	idleTimeout   = 60 * time.Second // between two reads
	downloadTries = 5                // without a byte more
	progressEvery = time.Second
)

// download fetches one URL to a file that outlives this process, so that the next try goes on where this one
// was cut.
type download struct {
	url      string
	file     string // where to
	log      *slog.Logger
	progress func(done, total int64)
	backoff  time.Duration // before the second try, then doubling
}

// permanentError is one that trying again does not mend.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

func isURL(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")
}

// displaySource is a source without the password that a URL may carry.
func displaySource(source string) string {
	if u, err := url.Parse(source); err == nil && isURL(source) {
		return u.Redacted()
	}
	return source
}

// newDownload gives the same URL with the same checksum the same file.
func (s *Store) newDownload(o ImportOptions, want string) *download {
	sum := sha256.Sum256([]byte(o.Source + "\n" + want))
	file := filepath.Join(s.dir, "tmp", "download-"+hex.EncodeToString(sum[:8]))
	return &download{url: o.Source, file: file, log: o.Log, progress: o.Progress, backoff: time.Second}
}

// fetch downloads the URL to the file.
func (d *download) fetch(ctx context.Context) error {
	f, err := os.OpenFile(d.file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another import fetches the same URL now: %w", err)
	}
	wait := d.backoff
	for try := 1; ; try++ {
		before, _ := f.Seek(0, io.SeekEnd)
		err := d.once(ctx, f)
		if err == nil {
			return f.Sync()
		}
		var permanent permanentError
		if ctx.Err() != nil || errors.As(err, &permanent) {
			return err
		}
		if after, _ := f.Seek(0, io.SeekEnd); after > before {
			try, wait = 1, d.backoff
		}
		if try == downloadTries {
			return fmt.Errorf("after %d tries: %w; the part that came is kept for the next import", try, err)
		}
		if d.log != nil {
			d.log.Warn("download was cut; going on", "url", displaySource(d.url), "try", try, "err", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
			wait = min(2*wait, 30*time.Second)
		}
	}
}

// remove deletes the file, when it is no longer wanted.
func (d *download) remove() {
	_ = os.Remove(d.file)
	_ = os.Remove(d.file + ".etag")
}

// once makes one request for what is missing.
func (d *download) once(ctx context.Context, f *os.File) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return permanentError{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return permanentError{err}
	}
	// The transport must not unpack on its own: the checksum is of the bytes as they are published.
	req.Header.Set("Accept-Encoding", "identity")
	etag, _ := os.ReadFile(d.file + ".etag")
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if len(etag) > 0 {
			req.Header.Set("If-Range", string(etag)) // another version is sent whole (RFC 9110, 13.1.5)
		}
	}
	resp, err := httpClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	total, complete, err := d.begin(resp, f, have)
	if err != nil || complete {
		return err
	}
	return d.copy(f, resp.Body, total, cancel)
}

// begin looks at the answer, and empties the file when the server sends all of it. It returns how many
// bytes there are in all, -1 when the server does not say, and whether they are here already.
func (d *download) begin(resp *http.Response, f *os.File, have int64) (total int64, complete bool, err error) {
	switch {
	case resp.StatusCode == http.StatusPartialContent:
		from, total, err := contentRange(resp.Header.Get("Content-Range"))
		if err == nil && from != have {
			err = permanentError{fmt.Errorf("the server sends from byte %d, asked was %d", from, have)}
		}
		return total, false, err
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		if _, total, err := contentRange(resp.Header.Get("Content-Range")); err == nil && total == have {
			return total, true, nil
		}
		return 0, false, errors.Join(errors.New("the file at the server has changed; beginning anew"), f.Truncate(0))
	case resp.StatusCode == http.StatusOK:
		return resp.ContentLength, false, d.restart(resp, f)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout:
		return 0, false, fmt.Errorf("the server answers %s", resp.Status)
	}
	return 0, false, permanentError{fmt.Errorf("the server answers %s; check the URL", resp.Status)}
}

// restart empties the file and remembers which version of it the server sends.
func (d *download) restart(resp *http.Response, f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return permanentError{err}
	}
	// Only a strong tag promises the same bytes.
	tag := resp.Header.Get("ETag")
	if !strings.HasPrefix(tag, `"`) {
		tag = resp.Header.Get("Last-Modified")
	}
	if err := os.WriteFile(d.file+".etag", []byte(tag), 0o644); err != nil {
		return permanentError{err}
	}
	return nil
}

// contentRange reads "bytes 5-9/10" and "bytes */10" (RFC 9110, 14.4); total is -1 for "*".
func contentRange(text string) (from, total int64, err error) {
	span, all, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if !ok || !strings.HasPrefix(text, "bytes ") {
		return 0, 0, fmt.Errorf("the server sent the Content-Range %q", text)
	}
	total = -1
	if all != "*" {
		if total, err = strconv.ParseInt(all, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("the server sent the Content-Range %q", text)
		}
	}
	if span != "*" {
		first, _, _ := strings.Cut(span, "-")
		if from, err = strconv.ParseInt(first, 10, 64); err != nil {
			return 0, 0, fmt.Errorf("the server sent the Content-Range %q", text)
		}
	}
	return from, total, nil
}

// copy appends the body to the file; a connection that is silent for idleTimeout is given up.
func (d *download) copy(f *os.File, body io.Reader, total int64, cancel context.CancelCauseFunc) error {
	idle := time.AfterFunc(idleTimeout, func() { cancel(fmt.Errorf("no byte came for %s", idleTimeout)) })
	defer idle.Stop()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return permanentError{err}
	}
	buf := make([]byte, 256<<10)
	var told time.Time
	for {
		n, readErr := body.Read(buf)
		idle.Reset(idleTimeout)
		if _, err := f.Write(buf[:n]); err != nil {
			return permanentError{err}
		}
		have += int64(n)
		if d.progress != nil && (time.Since(told) >= progressEvery || readErr != nil) {
			told = time.Now()
			d.progress(have, total)
		}
		if errors.Is(readErr, io.EOF) {
			if total >= 0 && have != total {
				return fmt.Errorf("%d of %d bytes came: %w", have, total, io.ErrUnexpectedEOF)
			}
			return nil
		}
		if readErr != nil {
			return readErr
		}
	}
}

var httpClient = &http.Client{
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: headerTimeout}).DialContext,
		TLSHandshakeTimeout:   headerTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ForceAttemptHTTP2:     true,
	},
}
