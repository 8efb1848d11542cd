package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"socle/api"
)

// Add stores the raw bytes of a disk and returns the digest of its index. meta gives everything of the index
// but Size, ChunkSize and Chunks; if it has a name, the name then stands for this image. Where raw is a
// regular file or a Sparse, holes are not read. The same bytes with the same meta have the same digest and
// are stored once. When Add fails, nothing of it stays, unless somebody else adds at the same time; GC takes that.
func (s *Store) Add(ctx context.Context, meta api.Index, raw io.Reader) (string, api.Index, error) {
	digest, ix, err := s.add(ctx, meta, raw)
	if err != nil {
		return "", api.Index{}, fmt.Errorf("adding image %q: %w", meta.Name, err)
	}
	return digest, ix, nil
}

func (s *Store) add(ctx context.Context, meta api.Index, raw io.Reader) (string, api.Index, error) {
	if meta.Name != "" {
		if err := CheckName(meta.Name); err != nil {
			return "", api.Index{}, err
		}
	}
	unlock, err := s.share(ctx)
	if err != nil {
		return "", api.Index{}, err
	}
	a := adding{store: s, folders: map[string]bool{filepath.Join(s.dir, "chunks"): true}}
	digest, ix, err := a.run(ctx, meta, raw)
	unlock()
	if err != nil {
		a.undo()
		return "", api.Index{}, err
	}
	return digest, ix, nil
}

// adding is one Add under way.
type adding struct {
	store *Store

	mu      sync.Mutex
	chunks  []api.Chunk
	size    int64
	written []string        // chunks that this Add stored first
	folders map[string]bool // that got one
}

func (a *adding) run(ctx context.Context, meta api.Index, raw io.Reader) (string, api.Index, error) {
	if err := a.storeChunks(ctx, raw); err != nil {
		return "", api.Index{}, err
	}
	if a.size == 0 {
		return "", api.Index{}, errors.New("the image is empty")
	}
	for dir := range a.folders {
		if err := syncDir(dir); err != nil {
			return "", api.Index{}, fmt.Errorf("syncing the chunks: %w", err)
		}
	}
	ix := meta
	ix.Size, ix.ChunkSize, ix.Chunks = a.size, ChunkSize, a.chunks
	if ix.Kind == "" {
		ix.Kind = "disk"
	}
	text, err := json.Marshal(ix)
	if err != nil {
		return "", api.Index{}, fmt.Errorf("writing the index: %w", err)
	}
	sum := sha256.Sum256(text)
	digest := digestPrefix + hex.EncodeToString(sum[:])
	if err := a.store.placeText(a.store.indexPath(hex.EncodeToString(sum[:])), text); err != nil {
		return "", api.Index{}, fmt.Errorf("writing the index: %w", err)
	}
	if ix.Name != "" {
		if err := a.store.setName(ix.Name, digest); err != nil {
			return "", api.Index{}, err
		}
	}
	return digest, ix, nil
}

// storeChunks cuts the source in this goroutine and packs the pieces in others.
func (a *adding) storeChunks(ctx context.Context, raw io.Reader) error {
	group, ctx := errgroup.WithContext(ctx)
	work := make(chan piece)
	free := make(chan []byte, workers+1) // as many buffers as pieces can be under way
	for range cap(free) {
		free <- nil // made when first used: a sparse image needs none
	}
	for range workers {
		group.Go(func() error { return a.work(work, free) })
	}
	group.Go(func() error {
		defer close(work)
		return cut(ctx, raw, work, free)
	})
	return group.Wait()
}

func cut(ctx context.Context, raw io.Reader, work chan<- piece, free chan []byte) error {
	source := newPieces(raw)
	for {
		var buf []byte
		select {
		case buf = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if buf == nil {
			buf = make([]byte, ChunkSize)
		}
		p, err := source.next(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the image at byte %d: %w", source.off, err)
		}
		if p.data == nil {
			free <- buf // has room: this buffer came from it
		}
		select {
		case work <- p:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (a *adding) work(work <-chan piece, free chan<- []byte) error {
	var check []byte // for reading back
	for p := range work {
		chunk := api.Chunk{Zero: true}
		if p.data != nil && !isZero(p.data) {
			if check == nil {
				check = make([]byte, 0, ChunkSize)
			}
			var err error
			if chunk, err = a.pack(p.data, check); err != nil {
				return err
			}
		}
		if p.data != nil {
			free <- p.data[:cap(p.data)]
		}
		a.mu.Lock()
		for len(a.chunks) <= p.pos {
			a.chunks = append(a.chunks, api.Chunk{})
		}
		a.chunks[p.pos] = chunk
		a.size += p.size
		a.mu.Unlock()
	}
	return nil
}

// pack stores one chunk, unless it is there.
func (a *adding) pack(data, check []byte) (api.Chunk, error) {
	s := a.store
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	path := s.chunkPath(name)
	if old, err := os.ReadFile(path); err == nil {
		// Adding an image again is how a damaged store is mended, so what is there is not believed.
		if _, err := s.checkFrame(old, name, check); err == nil {
			a.note(path, "")
			return api.Chunk{SHA256: name, Stored: int64(len(old))}, nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return api.Chunk{}, s.explain(err)
	}
	frame := s.enc.EncodeAll(data, nil)
	err := s.place(path, frame, func(back []byte) error {
		_, err := s.checkFrame(back, name, check)
		return err
	})
	if err != nil {
		return api.Chunk{}, fmt.Errorf("storing chunk %s: %w", name, err)
	}
	a.note(path, name)
	return api.Chunk{SHA256: name, Stored: int64(len(frame))}, nil
}

// note remembers which folder is to be synced, and which chunk is new. A chunk that was there may be another
// Add's, whose folder nobody has synced yet.
func (a *adding) note(path, written string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.folders[filepath.Dir(path)] = true
	if written != "" {
		a.written = append(a.written, written)
	}
}

// undo deletes what a failed Add stored and no image uses. While somebody else adds, who may count on these
// chunks, it leaves them to GC.
func (a *adding) undo() {
	if len(a.written) == 0 {
		return
	}
	unlock, err := a.store.tryLock(unix.LOCK_EX)
	if err != nil {
		return
	}
	defer unlock()
	used, err := a.store.usedChunks()
	if err != nil {
		return
	}
	for _, name := range a.written {
		if !used[name] {
			_ = os.Remove(a.store.chunkPath(name))
		}
	}
}
