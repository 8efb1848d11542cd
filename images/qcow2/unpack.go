package qcow2

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	kzstd "github.com/klauspost/compress/zstd"
)

// sector is the unit in which the length of a compressed cluster is given.
const sector = 512

// readCompressed reads bytes of a compressed cluster, keeping the whole of it for the next call.
func (im *Image) readCompressed(p []byte, entry uint64, within int64) error {
	if im.unpackedAt != entry {
		im.unpackedAt = 0
		packed, err := im.readPacked(entry)
		if err != nil {
			return err
		}
		if im.unpacked == nil {
			im.unpacked = make([]byte, im.h.clusterSize())
		}
		if err := im.unpacker.unpack(im.unpacked, packed); err != nil {
			return fmt.Errorf("%w: a compressed cluster does not unpack: %w", ErrFormat, err)
		}
		im.unpackedAt = entry
	}
	copy(p, im.unpacked[within:])
	return nil
}

// readPacked reads the bytes that a compressed cluster may take: from its offset to the end of its last
// sector. What follows the compressed data there belongs to others.
func (im *Image) readPacked(entry uint64) ([]byte, error) {
	shift := 62 - (im.h.clusterBits - 8)
	at := int64(entry & (1<<shift - 1))
	sectors := int64(entry >> shift & (1<<(im.h.clusterBits-8) - 1))
	n := (sectors+1)*sector - at%sector
	if at >= im.fsize {
		return nil, fmt.Errorf("%w: a compressed cluster at %d of a file of %d bytes", ErrFormat, at, im.fsize)
	}
	packed := make([]byte, min(n, im.fsize-at)) // at most two clusters
	if _, err := im.r.ReadAt(packed, at); err != nil {
		return nil, fmt.Errorf("reading a compressed cluster at %d: %w", at, err)
	}
	return packed, nil
}

// unpacker keeps a decompressor for its next cluster.
type unpacker struct {
	kind  compression
	flate io.ReadCloser
	zstd  *kzstd.Decoder
}

// unpack fills out, or fails.
func (u *unpacker) unpack(out, packed []byte) error {
	if u.kind == zstd {
		return u.unpackZstd(out, packed)
	}
	src := bytes.NewReader(packed)
	if u.flate == nil {
		u.flate = flate.NewReader(src)
	} else if err := u.flate.(flate.Resetter).Reset(src, nil); err != nil {
		return err
	}
	_, err := io.ReadFull(u.flate, out)
	return err
}

func (u *unpacker) unpackZstd(out, packed []byte) error {
	if u.zstd == nil {
		dec, err := kzstd.NewReader(nil, kzstd.WithDecoderConcurrency(1), kzstd.WithDecoderMaxMemory(1<<26), kzstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		u.zstd = dec
	}
	if err := u.zstd.Reset(bytes.NewReader(packed)); err != nil {
		return err
	}
	_, err := io.ReadFull(u.zstd, out)
	return err
}
