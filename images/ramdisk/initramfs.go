package ramdisk

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"
)

// emptyDirs are the folders that the agent mounts on or writes to.
var emptyDirs = []string{"dev", "etc", "lib/firmware", "mnt", "proc", "root", "run", "sys", "tmp", "var/log"}

// initramfs lists the records of the archive, sorted by name, folders before what is in them.
func (k *kernel) initramfs(modules []*module, depmod map[string]string, agent []byte) ([]cpio.Record, error) {
	base := "lib/modules/" + k.version
	records := []cpio.Record{
		cpio.StaticRecord(agent, cpio.Info{Name: "init", Mode: cpio.S_IFREG | 0o755}),
		// The kernel opens /dev/console for /init before anything mounts devtmpfs.
		cpio.CharDev("dev/console", 0o600, 5, 1),
		cpio.CharDev("dev/null", 0o666, 1, 3),
	}
	for name, text := range depmod {
		records = append(records, cpio.StaticFile(path.Join(base, name), text, 0o644))
	}
	for _, m := range modules {
		ko, err := k.bytes(m)
		if err != nil {
			return nil, err
		}
		records = append(records, cpio.StaticFile(path.Join(base, m.path), string(ko), 0o644))
	}
	return withFolders(records, emptyDirs), nil
}

// withFolders adds the folders that the records need, sorts, and takes out of every record what would
// differ between two builds: inode numbers, times, owners.
func withFolders(records []cpio.Record, extra []string) []cpio.Record {
	folders := map[string]bool{}
	add := func(dir string) {
		for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	for _, r := range records {
		add(path.Dir(r.Name))
	}
	for _, dir := range extra {
		add(dir)
	}
	for dir := range folders {
		mode := uint64(0o755)
		if dir == "tmp" {
			mode = 0o1777
		}
		records = append(records, cpio.Directory(dir, mode))
	}
	slices.SortFunc(records, func(a, b cpio.Record) int { return strings.Compare(a.Name, b.Name) })
	for i := range records {
		records[i] = cpio.MakeReproducible(records[i])
		records[i].Ino = uint64(i) + 1
		records[i].NLink = 1
	}
	return records
}

// writeInitrd writes the archive in the "newc" form (kernel: Documentation/driver-api/early-userspace/
// buffer-format.rst), packed with zstd: xz would save a few MB of the wire and cost the server more than
// that in time.
func writeInitrd(w io.Writer, records []cpio.Record) error {
	// One goroutine: with more, the blocks and so the digest would depend on their number.
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(8<<20))
	if err != nil {
		return fmt.Errorf("preparing zstd: %w", err)
	}
	archive := cpio.Newc.Writer(z)
	if err := cpio.WriteRecords(archive, records); err != nil {
		return fmt.Errorf("writing the initramfs: %w", err)
	}
	if err := cpio.WriteTrailer(archive); err != nil {
		return fmt.Errorf("writing the initramfs: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("packing the initramfs: %w", err)
	}
	return nil
}
