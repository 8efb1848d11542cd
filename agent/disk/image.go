package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"socle/api"
)

// Bounds of an index that is believed.
const (
	maxIndex     = 64 << 20 // bytes
	maxChunkSize = 64 << 20
	minChunkSize = 4 << 10
	corruptTries = 5 // fetches of one chunk that does not verify
	writers      = 3 // chunks in work at a time
)

// ErrPermanent is what a Source's error wraps when another try cannot help: not found, or the session ended.
var ErrPermanent = errors.New("trying again does not help")

// ErrAbsent is ErrPermanent's kind for something that the server does not have.
var ErrAbsent = errors.New("the server does not have it")

// Source is where images come from. Both methods return errors that wrap ErrPermanent when there is no point
// in trying again, and any other error for a connection that failed.
type Source interface {
	// Index opens the exact bytes whose SHA-256 is the digest.
	Index(ctx context.Context, digest string) (io.ReadCloser, error)
	// Chunk opens the zstd frame of the chunk whose raw bytes have this SHA-256, hexadecimal.
	Chunk(ctx context.Context, sum string) (io.ReadCloser, error)
}

// Progress is told, about once a second, how many bytes of the image are on the disk and how many came by wire.
type Progress func(done, total, wire int64)

// WriteImage writes an image to the disk. Chunks that are on the disk already are left alone, so that a second
// call after a crash or a cut connection goes on where the first stopped. The head of the disk is emptied
// first and written last, after everything else was read back: a half-written or corrupt image never boots.
func WriteImage(ctx context.Context, d *Device, src Source, digest string, progress Progress) (api.WriteResult, error) {
	began := time.Now()
	ix, wire, err := fetchIndex(ctx, src, digest)
	if err != nil {
		return api.WriteResult{}, err
	}
	if ix.Size > d.Size() {
		return api.WriteResult{}, fail(api.CodeTooSmall, "writing image %s: it has %d bytes and the disk only %d", ix.Name, ix.Size, d.Size())
	}
	w := newWriter(d, src, ix)
	w.wire.Add(wire)
	stop := w.report(ctx, progress)
	err = w.run(ctx)
	stop()
	r := w.result()
	r.Millis = time.Since(began).Milliseconds()
	return r, err
}

// fetchIndex fetches and checks an index; network errors are retried until ctx ends.
func fetchIndex(ctx context.Context, src Source, digest string) (api.Index, int64, error) {
	var ix api.Index
	want, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || !isSum(want) {
		return ix, 0, fail(api.CodeBadParams, "reading the image's digest %q: it is not sha256: and 64 hexadecimal digits", digest)
	}
	var wire int64
	for try := 1; ; try++ {
		raw, n, err := fetchAll(ctx, maxIndex, func(ctx context.Context) (io.ReadCloser, error) { return src.Index(ctx, digest) })
		wire += n
		if err != nil {
			return ix, wire, codeOfFetch(err, "fetching the index of image "+digest)
		}
		if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != want {
			if try < corruptTries {
				continue
			}
			return ix, wire, fail(api.CodeCorrupt, "checking the index of image %s: its SHA-256 is another one, %d times", digest, try)
		}
		if err := json.Unmarshal(raw, &ix); err != nil {
			return ix, wire, fail(api.CodeCorrupt, "reading the index of image %s: %w", digest, err)
		}
		return ix, wire, checkIndex(ix)
	}
}

// checkIndex refuses an index that does not describe a disk, whatever its digest says.
func checkIndex(ix api.Index) error {
	switch {
	case ix.Kind != "disk":
		return fail(api.CodeCorrupt, "reading the index of image %s: kind %q is not \"disk\"", ix.Name, ix.Kind)
	case ix.ChunkSize < minChunkSize || ix.ChunkSize > maxChunkSize || ix.ChunkSize%minChunkSize != 0:
		return fail(api.CodeCorrupt, "reading the index of image %s: chunk size %d is out of bounds", ix.Name, ix.ChunkSize)
	case ix.Size <= 0 || ix.Size%512 != 0 || (ix.Size-1)/ix.ChunkSize+1 != int64(len(ix.Chunks)):
		return fail(api.CodeCorrupt, "reading the index of image %s: %d bytes do not make %d chunks of %d", ix.Name, ix.Size, len(ix.Chunks), ix.ChunkSize)
	}
	for i, c := range ix.Chunks {
		if !c.Zero && !isSum(c.SHA256) {
			return fail(api.CodeCorrupt, "reading the index of image %s: chunk %d has no digest", ix.Name, i)
		}
	}
	return nil
}

func isSum(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

func codeOfFetch(err error, what string) error {
	switch {
	case errors.Is(err, ErrAbsent):
		return fail(api.CodeNoImage, "%s: %w", what, err)
	case errors.Is(err, errTooLarge):
		return fail(api.CodeCorrupt, "%s: %w", what, err)
	default:
		return fail(api.CodeInternal, "%s: %w", what, err)
	}
}
