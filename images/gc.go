package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Grace is how long GC leaves an image alone after it lost its last name: a server may be in the middle of
// writing it.
const Grace = 24 * time.Hour

// CollectOptions bound what Collect deletes.
type CollectOptions struct {
	Keep  []string      // digests that are used beyond their names, e.g. by deployments under way
	Grace time.Duration // as the constant Grace; zero deletes at once
}

// Collected is what was deleted.
type Collected struct {
	Images int   `json:"images"`
	Chunks int   `json:"chunks"`
	Bytes  int64 `json:"bytes"` // freed
}

// GC deletes what no name leads to for longer than Grace, and returns the bytes that it freed.
func (s *Store) GC(ctx context.Context) (int64, error) {
	c, err := s.Collect(ctx, CollectOptions{Grace: Grace})
	return c.Bytes, err
}

// Collect deletes images that no name stands for, and then chunks and temporary files that belong to
// nothing. It waits until nobody adds, and keeps everybody from adding while it runs. If an index cannot be
// read it deletes nothing, because it cannot know which chunks that image needs.
func (s *Store) Collect(ctx context.Context, o CollectOptions) (Collected, error) {
	unlock, err := s.exclude(ctx)
	if err != nil {
		return Collected{}, fmt.Errorf("collecting unused images: %w", err)
	}
	defer unlock()
	var c Collected
	if err := s.collectIndexes(o, &c); err != nil {
		return c, fmt.Errorf("collecting unused images: %w", err)
	}
	used, err := s.usedChunks()
	if err != nil {
		return c, fmt.Errorf("collecting unused chunks: %w", err)
	}
	if err := s.collectChunks(ctx, used, &c); err != nil {
		return c, fmt.Errorf("collecting unused chunks: %w", err)
	}
	if err := s.collectTemporary(&c); err != nil {
		return c, fmt.Errorf("removing temporary files: %w", err)
	}
	return c, nil
}

func (s *Store) collectIndexes(o CollectOptions, c *Collected) error {
	keep := map[string]bool{}
	for _, digest := range o.Keep {
		keep[digest] = true
	}
	names, err := readNames(filepath.Join(s.dir, "names"), "")
	if err != nil {
		return err
	}
	for _, name := range names {
		digest, err := s.named(name)
		if err != nil {
			return err
		}
		keep[digest] = true
	}
	hexes, err := readNames(filepath.Join(s.dir, "indexes"), ".json")
	if err != nil {
		return err
	}
	for _, hex := range hexes {
		info, err := os.Stat(s.indexPath(hex))
		if err != nil {
			return err
		}
		if keep[digestPrefix+hex] || time.Since(info.ModTime()) < o.Grace {
			continue
		}
		if err := os.Remove(s.indexPath(hex)); err != nil {
			return err
		}
		c.Images++
		c.Bytes += info.Size()
	}
	// The indexes must be gone for good before their chunks are.
	return syncDir(filepath.Join(s.dir, "indexes"))
}

// usedChunks lists the chunks that any index names.
func (s *Store) usedChunks() (map[string]bool, error) {
	hexes, err := readNames(filepath.Join(s.dir, "indexes"), ".json")
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, hex := range hexes {
		ix, err := s.index(digestPrefix + hex)
		if err != nil {
			return nil, err
		}
		for _, chunk := range ix.Chunks {
			used[chunk.SHA256] = true
		}
	}
	return used, nil
}

func (s *Store) collectChunks(ctx context.Context, used map[string]bool, c *Collected) error {
	return filepath.WalkDir(filepath.Join(s.dir, "chunks"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		name, ok := strings.CutSuffix(d.Name(), ".zst")
		if !ok || used[name] {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		c.Chunks++
		c.Bytes += info.Size()
		return nil
	})
}

// collectTemporary removes what a killed Add left. Nobody writes now; downloads, which do not hold the
// lock, have names of their own and stay for the day it takes to take them up again.
func (s *Store) collectTemporary(c *Collected) error {
	dir := filepath.Join(s.dir, "tmp")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !strings.HasPrefix(e.Name(), "new-") && time.Since(info.ModTime()) < Grace {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
		c.Bytes += info.Size()
	}
	return nil
}
