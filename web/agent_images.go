package web

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// immutable: what a digest names never changes.
const immutable = "private, max-age=31536000, immutable"

// chunkTimeout bounds the sending of one chunk: 4 MiB at 14 KB/s.
const chunkTimeout = 5 * time.Minute

// imageIndex serves the exact bytes whose SHA-256 is the image's digest.
func (s *Server) imageIndex(c echo.Context) error {
	digest := c.Param("digest")
	if !isDigest(strings.TrimPrefix(digest, "sha256:")) {
		return newProblem(http.StatusBadRequest, "an image is asked for by its digest, sha256:…")
	}
	index, err := s.o.Images.IndexBytes(digest)
	if err != nil {
		return missing(err, "no image has the digest "+digest)
	}
	return s.serve(c, strings.TrimPrefix(digest, "sha256:"), "application/json", bytes.NewReader(index))
}

// chunk serves one chunk as it is stored, a zstd frame; its name is the SHA-256 of the raw bytes.
func (s *Server) chunk(c echo.Context) error {
	sum := c.Param("sha256")
	if !isDigest(sum) {
		return newProblem(http.StatusBadRequest, "a chunk is asked for by its SHA-256 in hexadecimal")
	}
	f, err := s.o.Images.OpenChunk(sum)
	if err != nil {
		return missing(err, "no chunk has the digest "+sum)
	}
	defer func() { _ = f.Close() }() // was only read
	return s.serve(c, sum, "application/zstd", f)
}

// serve sends content with ranges and an ETag, on the connection's own writer: echo's hides ReadFrom, and
// with it sendfile.
func (s *Server) serve(c echo.Context, etag, contentType string, content interface {
	Read([]byte) (int, error)
	Seek(int64, int) (int64, error)
}) error {
	allow(c, chunkTimeout)
	w := c.Response().Writer
	h := w.Header()
	h.Set("ETag", `"`+etag+`"`)
	h.Set("Cache-Control", immutable)
	h.Set("Content-Type", contentType)
	http.ServeContent(w, c.Request(), "", time.Time{}, content)
	return nil
}

func missing(err error, detail string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return newProblem(http.StatusNotFound, detail)
	}
	return err
}

// isDigest tells whether s is a SHA-256 in lower-case hexadecimal, and so neither a path nor a pattern.
func isDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// untilDrain is a context that also ends when the server drains.
func (s *Server) untilDrain(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}
