package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"socle/api"
)

// guard is how much of the disk's head and of its tail is emptied before an image is written: the boot sector
// and both partition tables.
const guard = 1 << 20

// writer is one image on its way to one disk.
type writer struct {
	d       *Device
	src     Source
	ix      api.Index
	bufs    sync.Pool // *[]byte of one chunk
	decoder *zstd.Decoder
	zeros   func() string // digest of a whole chunk of zeros

	// sums of what was written, by chunk, for reading back: the digest was checked when it came, and a fast sum
	// finds what a disk does to it. 0 stands for a chunk that was read from the disk already.
	seed maphash.Seed
	sums []uint64

	done, wire, written, zero, unchanged, retries atomic.Int64
}

func newWriter(d *Device, src Source, ix api.Index) *writer {
	w := &writer{d: d, src: src, ix: ix, seed: maphash.MakeSeed(), sums: make([]uint64, len(ix.Chunks))}
	w.bufs.New = func() any { b := make([]byte, ix.ChunkSize); return &b }
	w.zeros = sync.OnceValue(func() string { return sumOf(make([]byte, ix.ChunkSize)) })
	// The options are constant and valid, so that no error can come.
	w.decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(writers), zstd.WithDecoderMaxMemory(uint64(ix.ChunkSize)+1<<20))
	return w
}

func (w *writer) result() api.WriteResult {
	return api.WriteResult{Bytes: w.ix.Size, Wire: w.wire.Load(), Written: w.written.Load(), Zero: w.zero.Load(),
		Unchanged: w.unchanged.Load(), Retries: w.retries.Load()}
}

// report calls progress every second until the returned function is called, and then once more.
func (w *writer) report(ctx context.Context, progress Progress) (stop func()) {
	if progress == nil {
		return func() {}
	}
	tell := func() { progress(w.done.Load(), w.ix.Size, w.wire.Load()) }
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell()
			case <-quit:
				tell()
				return
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}

func (w *writer) run(ctx context.Context) error {
	defer w.decoder.Close()
	if err := w.fits(ctx); err != nil {
		return err
	}
	if err := w.disarm(); err != nil {
		return fail(api.CodeDiskError, "emptying the disk's head and tail: %w", err)
	}
	last := len(w.ix.Chunks) - 1
	if last > 0 {
		if err := w.middle(ctx, 1, last); err != nil {
			return err
		}
		if err := w.verify(ctx, 1, last); err != nil {
			return err
		}
	}
	// the tail may hold the backup partition table, the head holds the boot sector: they come last
	for _, i := range []int{last, 0} {
		if err := w.chunk(ctx, i); err != nil {
			return err
		}
		if last == 0 {
			break
		}
	}
	if err := w.verify(ctx, last, last+1); err != nil {
		return err
	}
	if err := w.verify(ctx, 0, 1); err != nil {
		return err
	}
	if err := w.d.Reread(); err != nil {
		return fail(api.CodeDiskError, "reading the partition table again: %w", err)
	}
	return nil
}

// fits refuses an image whose partition table counts in other blocks than the disk: firmware would not see it.
func (w *writer) fits(ctx context.Context) error {
	if w.d.Sector() == 512 || w.ix.Chunks[0].Zero {
		return nil
	}
	head, err := w.fetch(ctx, 0, nil)
	if err != nil {
		return err
	}
	if len(head) > 520 && string(head[512:520]) == gptMagic {
		return fail(api.CodeDiskError, "writing image %s: its partition table is for disks with blocks of 512 bytes, this disk's have %d; "+
			"choose another disk, or an image made for such disks", w.ix.Name, w.d.Sector())
	}
	return nil
}

// disarm makes the disk unbootable: the boot sector and both partition tables become zero. What is zero
// already is not written.
func (w *writer) disarm() error {
	size := w.d.Size()
	head := min(guard, size)
	tail := max(size-guard, head)
	for _, span := range [][2]int64{{0, head}, {tail, size - tail}} {
		if err := w.d.ensureZero(span[0], span[1]); err != nil {
			return err
		}
	}
	return w.d.Sync()
}

// ensureZero reads a region and empties it unless it is empty.
func (d *Device) ensureZero(off, length int64) error {
	buf := make([]byte, min(length, 1<<20))
	for pos := int64(0); pos < length; pos += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), length-pos)]
		if _, err := d.ReadAt(b, off+pos); err != nil || !isZero(b) {
			return d.Zero(off+pos, length-pos)
		}
	}
	return nil
}

var zeros [64 << 10]byte

func isZero(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), len(zeros))
		if !bytes.Equal(b[:n], zeros[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

// middle writes the chunks from first to before end, a few at a time.
func (w *writer) middle(ctx context.Context, first, end int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(writers)
	for i := first; i < end && ctx.Err() == nil; i++ {
		g.Go(func() error { return w.chunk(ctx, i) })
	}
	return g.Wait()
}

// span is where chunk i lies on the disk.
func (w *writer) span(i int) (off, length int64) {
	off = int64(i) * w.ix.ChunkSize
	return off, min(w.ix.ChunkSize, w.ix.Size-off)
}

func (w *writer) chunk(ctx context.Context, i int) error {
	if err := context.Cause(ctx); err != nil {
		return fail(api.CodeInternal, "writing the image: %w", err)
	}
	off, length := w.span(i)
	buf := w.bufs.Get().(*[]byte)
	defer w.bufs.Put(buf)
	c := w.ix.Chunks[i]
	if c.Zero {
		if err := w.d.ensureZero(off, length); err != nil {
			return fail(api.CodeDiskError, "emptying bytes %d to %d: %w", off, off+length, err)
		}
		w.count(&w.zero, length)
		return nil
	}
	if w.same(i, (*buf)[:length]) {
		w.count(&w.unchanged, length)
		return nil
	}
	raw, err := w.fetch(ctx, i, (*buf)[:0])
	if err != nil {
		return err
	}
	w.sums[i] = max(maphash.Bytes(w.seed, raw), 1)
	if _, err := w.d.WriteAt(raw, off); err != nil {
		return fail(api.CodeDiskError, "writing bytes %d to %d: %w", off, off+length, err)
	}
	w.count(&w.written, length)
	return nil
}

func (w *writer) count(how *atomic.Int64, n int64) {
	how.Add(n)
	w.done.Add(n)
}

// same tells whether chunk i is on the disk already; it reads it into buf. A region that cannot be read is
// written: drives replace bad sectors then.
func (w *writer) same(i int, buf []byte) bool {
	off, _ := w.span(i)
	if _, err := w.d.ReadAt(buf, off); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	if w.ix.Chunks[i].Zero {
		return isZero(buf)
	}
	if isZero(buf) { // most disks are empty, and comparing with zeros is much cheaper than a digest
		return w.ix.Chunks[i].SHA256 == w.zeroSum(len(buf))
	}
	return sumIs(buf, w.ix.Chunks[i].SHA256)
}

// zeroSum is the digest of so many zeros, computed once for the usual length.
func (w *writer) zeroSum(n int) string {
	if int64(n) == w.ix.ChunkSize {
		return w.zeros()
	}
	return sumOf(make([]byte, n))
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func sumIs(b []byte, want string) bool { return sumOf(b) == want }

// fetch brings chunk i's raw bytes, verified. What does not verify is fetched again, a few times.
func (w *writer) fetch(ctx context.Context, i int, dst []byte) ([]byte, error) {
	c := w.ix.Chunks[i]
	_, length := w.span(i)
	limit := length + length/128 + 1024 // zstd's bound for what does not compress
	if c.Stored > 0 {
		limit = min(limit, c.Stored)
	}
	var why error
	for range corruptTries {
		frame, n, err := fetchAll(ctx, limit, func(ctx context.Context) (io.ReadCloser, error) { return w.src.Chunk(ctx, c.SHA256) })
		w.wire.Add(n)
		if err != nil {
			return nil, codeOfFetch(err, fmt.Sprintf("fetching chunk %d of image %s", i, w.ix.Name))
		}
		raw, err := w.decoder.DecodeAll(frame, dst[:0])
		if err == nil && int64(len(raw)) == length && sumIs(raw, c.SHA256) {
			return raw, nil
		}
		if why = err; why == nil {
			why = fmt.Errorf("its SHA-256 is another one")
		}
		w.retries.Add(1)
	}
	return nil, fail(api.CodeCorrupt, "checking chunk %d of image %s, %d times: %w", i, w.ix.Name, corruptTries, why)
}

// verify reads the chunks from first to before end back from the medium.
func (w *writer) verify(ctx context.Context, first, end int) error {
	if err := w.d.Forget(); err != nil {
		return fail(api.CodeDiskError, "bringing the image to the disk: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(writers)
	for i := first; i < end && ctx.Err() == nil; i++ {
		g.Go(func() error {
			if same, err := w.holds(i); err != nil {
				return fail(api.CodeDiskError, "reading chunk %d of image %s back: %w", i, w.ix.Name, err)
			} else if !same {
				return fail(api.CodeCorrupt, "reading chunk %d of image %s back: the disk does not hold what was written to it", i, w.ix.Name)
			}
			return nil
		})
	}
	return g.Wait()
}

// holds tells whether the disk gives back what was written as chunk i.
func (w *writer) holds(i int) (bool, error) {
	c := w.ix.Chunks[i]
	if !c.Zero && w.sums[i] == 0 {
		return true, nil
	}
	off, length := w.span(i)
	buf := w.bufs.Get().(*[]byte)
	defer w.bufs.Put(buf)
	b := (*buf)[:length]
	if _, err := w.d.ReadAt(b, off); err != nil {
		return false, err
	}
	if c.Zero {
		return isZero(b), nil
	}
	return max(maphash.Bytes(w.seed, b), 1) == w.sums[i], nil
}
