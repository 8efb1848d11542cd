package images

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"socle/api"
)

// chunk reads, unpacks and checks one chunk; buf may be reused.
func (s *Store) chunk(name string, buf []byte) ([]byte, error) {
	f, err := s.OpenChunk(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	frame, err := io.ReadAll(io.LimitReader(f, 2*ChunkSize))
	if err != nil {
		return nil, fmt.Errorf("reading chunk %s: %w", name, err)
	}
	return s.checkFrame(frame, name, buf)
}

// Read writes the raw bytes of an image to w, each chunk checked before.
func (s *Store) Read(ctx context.Context, nameOrDigest string, w io.Writer) (int64, error) {
	digest, ix, err := s.Resolve(nameOrDigest)
	if err != nil {
		return 0, err
	}
	var done int64
	zero := make([]byte, ChunkSize)
	buf := make([]byte, 0, ChunkSize)
	for i, c := range ix.Chunks {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		data := zero[:chunkLen(ix, i)]
		if !c.Zero {
			if data, err = s.chunk(c.SHA256, buf); err != nil {
				return done, fmt.Errorf("reading image %s: %w", digest, err)
			}
		}
		if int64(len(data)) != chunkLen(ix, i) {
			return done, fmt.Errorf("reading image %s: chunk %d holds %d bytes where %d belong: %w", digest, i, len(data), chunkLen(ix, i), ErrDamaged)
		}
		n, err := w.Write(data)
		done += int64(n)
		if err != nil {
			return done, fmt.Errorf("writing the bytes of image %s: %w", digest, err)
		}
	}
	return done, nil
}

// chunkLen is how many raw bytes the chunk at i has.
func chunkLen(ix api.Index, i int) int64 {
	return min(ix.ChunkSize, ix.Size-int64(i)*ix.ChunkSize)
}

// Verify reads all chunks of an image and says which are missing or damaged. Adding the image again mends it.
func (s *Store) Verify(ctx context.Context, nameOrDigest string) error {
	digest, ix, err := s.Resolve(nameOrDigest)
	if err != nil {
		return err
	}
	bad := make([]error, len(ix.Chunks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, c := range ix.Chunks {
		if c.Zero {
			continue
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			data, err := s.chunk(c.SHA256, nil)
			if err == nil && int64(len(data)) != chunkLen(ix, i) {
				err = fmt.Errorf("chunk %s has %d bytes where %d belong: %w", c.SHA256, len(data), chunkLen(ix, i), ErrDamaged)
			}
			bad[i] = err
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("verifying image %s: %w", digest, err)
	}
	if err := errors.Join(bad...); err != nil {
		return fmt.Errorf("verifying image %s: %w; import the image again", digest, err)
	}
	return nil
}
