package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"regexp"

	"socle/api"
)

// SeedLabel is the name of the seed's partition and of its file system, which cloud-init looks for.
const SeedLabel = "CIDATA"

const seedBytes = 16 << 20

var seedFile = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Seed puts a cloud-init NoCloud seed in a partition at the disk's end, making the partition if there is none.
// The partition table grows to the disk's real end. The same seed twice is the same disk.
func Seed(ctx context.Context, d *Device, files map[string]string) error {
	for name := range files {
		if !seedFile.MatchString(name) {
			return fail(api.CodeBadParams, "writing the seed: %q is no name for a file", name)
		}
	}
	if _, ok := files["meta-data"]; !ok {
		return fail(api.CodeBadParams, "writing the seed: it has no meta-data, without which cloud-init ignores it")
	}
	t, err := ReadTable(d, d.Size(), d.Sector())
	if err != nil {
		return fail(api.CodeDiskError, "writing the seed, which needs the image's partition table: %w", err)
	}
	p, found := t.Find(SeedLabel)
	if !found {
		if p, err = t.Add(seedPartition(t)); err != nil {
			return fail(api.CodeTooSmall, "making room for the seed at the disk's end: %w", err)
		}
	}
	if int64(p.Last-p.First+1)*t.sector < seedBytes {
		return fail(api.CodeTooSmall, "writing the seed: partition %d is smaller than %d bytes", p.Number(), seedBytes)
	}
	img, err := fatImage(seedBytes, uint32(p.First), SeedLabel, files)
	if err != nil {
		return fail(api.CodeTooSmall, "writing the seed: %w", err)
	}
	if err := context.Cause(ctx); err != nil {
		return fail(api.CodeInternal, "writing the seed: %w", err)
	}
	off := int64(p.First) * t.sector
	if _, err := d.WriteAt(img, off); err != nil {
		return fail(api.CodeDiskError, "writing the seed: %w", err)
	}
	if !found || !t.backupOK {
		if err := t.Write(d); err != nil {
			return fail(api.CodeDiskError, "writing the seed: %w", err)
		}
	}
	if err := confirm(d, SeedLabel, t.Disk); err != nil {
		return err
	}
	back := make([]byte, len(img))
	if _, err := d.ReadAt(back, off); err != nil || !bytes.Equal(back, img) {
		return fail(api.CodeDiskError, "reading the seed back: the disk holds something else (SHA-256 %x, error %v)", sha256.Sum256(back), err)
	}
	return nil
}

// seedPartition is the last aligned 16 MiB of the disk.
func seedPartition(t *Table) Partition {
	blocks, step := uint64(seedBytes/t.sector), uint64(align/t.sector)
	last := t.lastUsable()
	if last < blocks+step {
		return Partition{Name: SeedLabel} // nothing of this size fits; Add says so
	}
	first := (last + 1 - blocks) / step * step
	return Partition{Type: TypeBasic, First: first, Last: first + blocks - 1, Name: SeedLabel}
}
