package tftp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/pin/tftp/v3/netascii"
	"golang.org/x/sync/singleflight"
)

// errTooLarge says that a file is too large to be handed out by TFTP.
var errTooLarge = errors.New("file is too large for TFTP, fetch it by HTTP")

// contents keeps boot files in memory, the least recently used ones go first. A file is known by what it
// says of itself: its digest, or its size and time of change. One that says nothing is read each time.
type contents struct {
	max int64 // bytes of all

	mu    sync.Mutex
	kept  map[string]*content
	bytes int64
	clock int64
	reads singleflight.Group
}

type content struct {
	data []byte
	used int64
}

func newContents(limit int64) *contents { return &contents{max: limit, kept: map[string]*content{}} }

// load returns what is sent for an open file: its bytes, converted when the mode is netascii.
func (c *contents) load(name string, f io.Reader, size int64, ascii bool) ([]byte, error) {
	if size > c.max {
		return nil, errTooLarge
	}
	tag := identity(f, size)
	if tag == "" {
		return readAll(f, size, ascii)
	}
	key := fmt.Sprintf("%t %s %s", ascii, tag, name)
	if b, ok := c.get(key); ok {
		return b, nil
	}
	b, err, _ := c.reads.Do(key, func() (any, error) {
		if b, ok := c.get(key); ok {
			return b, nil
		}
		b, err := readAll(f, size, ascii)
		if err == nil {
			c.put(key, b)
		}
		return b, err
	})
	if err != nil {
		return nil, err
	}
	return b.([]byte), nil
}

// readAll reads the file in one go, so that every client gets one state of it.
func readAll(f io.Reader, size int64, ascii bool) ([]byte, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("reading %d bytes: %w", size, err)
	}
	if n, _ := f.Read(make([]byte, 1)); n != 0 {
		return nil, errors.New("the file grew while it was read")
	}
	if !ascii {
		return b, nil
	}
	return io.ReadAll(netascii.ToReader(bytes.NewReader(b)))
}

func identity(f io.Reader, size int64) string {
	if d, ok := f.(interface{ Digest() string }); ok && d.Digest() != "" {
		return d.Digest()
	}
	if s, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := s.Stat(); err == nil {
			return fmt.Sprintf("%d %d", size, info.ModTime().UnixNano())
		}
	}
	return ""
}

func (c *contents) get(key string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.kept[key]
	if !ok {
		return nil, false
	}
	c.clock++
	e.used = c.clock
	return e.data, true
}

func (c *contents) put(key string, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[key]; ok || int64(len(b)) > c.max {
		return
	}
	for c.bytes+int64(len(b)) > c.max {
		c.dropOldest()
	}
	c.clock++
	c.kept[key] = &content{data: b, used: c.clock}
	c.bytes += int64(len(b))
}

func (c *contents) dropOldest() {
	var oldest string
	for k, e := range c.kept {
		if oldest == "" || e.used < c.kept[oldest].used {
			oldest = k
		}
	}
	c.bytes -= int64(len(c.kept[oldest].data))
	delete(c.kept, oldest)
}
