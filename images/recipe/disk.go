package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/google/uuid"
)

// layoutVersion counts changes of the disk's layout, for Digest.
const layoutVersion = 1

const mib = 1 << 20

// The layout in MiB. FAT32 wants more than 65525 clusters, so an ESP that every firmware reads has at least
// 33 MiB; what is unused costs nothing in a sparse image.
const (
	biosBootAt = 1
	espAt      = 2
	espMiB     = 48
	rootAt     = espAt + espMiB
	tailMiB    = 1 // the backup table
	slackMiB   = 192
)

// The ids are fixed: an image is the same for all servers, and two copies never meet in one of them as
// anything but system disk and something to be erased.
var (
	diskID     = uuid.MustParse("50c1e000-0000-4000-8000-000000000000")
	biosBootID = uuid.MustParse("50c1e000-0000-4000-8000-000000000001")
	espID      = uuid.MustParse("50c1e000-0000-4000-8000-000000000002")
	rootPartID = uuid.MustParse("50c1e000-0000-4000-8000-000000000003")
	rootFSID   = uuid.MustParse("50c1e000-0000-4000-8000-0000000000f5")
	espVolume  = "50C1E0F5"
)

const rootLabel = "socle-root"

// disk makes the raw image of the tree and returns its size in bytes.
func (b *build) disk(ctx context.Context, path string) (int64, error) {
	if err := b.bootFiles(); err != nil {
		return 0, fmt.Errorf("writing the boot configuration: %w", err)
	}
	used, inodes, err := usage(b.root)
	if err != nil {
		return 0, fmt.Errorf("measuring the tree: %w", err)
	}
	// A tenth for the file system's own tables, and room to boot before the partition is grown.
	rootMiB := (used+used/10)/mib + inodes*256/mib + slackMiB
	size := (rootAt + rootMiB + tailMiB) * mib

	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644) //nolint:gosec // images are no secret
	if err != nil {
		return 0, fmt.Errorf("making the image file: %w", err)
	}
	if err := f.Truncate(size); err != nil {
		return 0, errors.Join(fmt.Errorf("making the image file: %w", err), f.Close())
	}
	err = b.fill(ctx, f, path, size/sector, rootMiB, inodes)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	return size, nil
}

func (b *build) fill(ctx context.Context, f *os.File, path string, sectors, rootMiB, inodes int64) error {
	if err := b.makeRoot(ctx, path, rootMiB, inodes); err != nil {
		return err
	}
	if err := b.makeESP(ctx, f); err != nil {
		return err
	}
	const perMiB = mib / sector
	if err := b.installBIOS(ctx, f, biosBootAt*perMiB, perMiB); err != nil {
		return err
	}
	err := writeGPT(f, diskID, sectors, []partition{
		{typeBIOSBoot, biosBootID, biosBootAt * perMiB, perMiB, "bios-boot"},
		{typeESP, espID, espAt * perMiB, espMiB * perMiB, "esp"},
		{typeRoot, rootPartID, rootAt * perMiB, rootMiB * perMiB, rootLabel},
	})
	if err != nil {
		return fmt.Errorf("writing the partition table: %w", err)
	}
	return nil
}

// bootFiles are those that name the root file system.
func (b *build) bootFiles() error {
	root, err := os.OpenRoot(b.root)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, link := range []string{kernelLink, initrdLink} {
		if _, err := root.Stat(link); err != nil {
			return fmt.Errorf("the kernel's package left no /%s: %w", link, err)
		}
	}
	return placeFiles(root, []file{
		{"boot/grub/grub.cfg", []byte(grubConfig(rootFSID.String())), 0o644},
		{"etc/fstab", []byte("UUID=" + rootFSID.String() + " / ext4 defaults,errors=remount-ro 0 1\n"), 0o644},
	})
}

// makeRoot fills the third partition. GRUB 2.06 does not read file systems with metadata_csum_seed or
// orphan_file; lazy_itable_init leaves the rest of the tables to the first boot, on the real disk. Blocks of
// 4 KiB also for a small tree: the file system grows to the size of the server's disk.
func (b *build) makeRoot(ctx context.Context, path string, rootMiB, inodes int64) error {
	// mke2fs makes an inode for so many bytes; a tree of many small files needs more, and a quarter to spare.
	bytesPerInode := min(16384, rootMiB*mib/(inodes+inodes/4+1))
	_, err := command(ctx, nil, []string{"MKE2FS_SYNC=0"}, "mke2fs", "-q", "-F", "-t", "ext4", "-d", b.root,
		"-L", rootLabel, "-U", rootFSID.String(), "-m", "1", "-J", "size=32", "-b", "4096", "-i", strconv.FormatInt(bytesPerInode, 10),
		"-O", "^metadata_csum_seed,^orphan_file",
		"-E", "offset="+strconv.FormatInt(rootAt*mib, 10)+",hash_seed="+rootFSID.String()+",lazy_itable_init=1,root_owner=0:0,nodiscard",
		path, strconv.FormatInt(rootMiB*1024, 10)+"k")
	return err
}

// makeESP makes the FAT file system with the UEFI loader apart and copies it in.
func (b *build) makeESP(ctx context.Context, disk *os.File) error {
	core, err := b.grubCore(ctx, grubEFI, grubEFIOnly)
	if err != nil {
		return err
	}
	esp := filepath.Join(b.work, "esp.fat")
	for _, c := range [][]string{
		{"mkfs.vfat", "-C", "-F", "32", "-s", "1", "-i", espVolume, "-n", "SOCLE-ESP", esp, strconv.Itoa(espMiB * 1024)},
		{"mmd", "-i", esp, "::EFI", "::EFI/BOOT"},
		{"mcopy", "-i", esp, core, "::EFI/BOOT/BOOTX64.EFI"},
	} {
		if _, err := command(ctx, nil, nil, c[0], c[1:]...); err != nil {
			return err
		}
	}
	f, err := os.Open(esp) //nolint:gosec // made above
	if err != nil {
		return fmt.Errorf("reading the ESP: %w", err)
	}
	defer func() { _ = f.Close() }()
	if err := copySparse(disk, espAt*mib, f); err != nil {
		return fmt.Errorf("copying the ESP: %w", err)
	}
	return nil
}

// copySparse copies what is not zero.
func copySparse(w io.WriterAt, at int64, r io.Reader) error {
	buf, zero := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 && string(buf[:n]) != string(zero[:n]) {
			if _, err := w.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// usage sums the blocks of a tree, hard links once.
func usage(root string) (bytes, inodes int64, err error) {
	seen := map[uint64]bool{}
	err = filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if ok && seen[st.Ino] {
			return nil
		}
		if ok {
			seen[st.Ino] = true
		}
		inodes++
		bytes += (info.Size() + 4095) &^ 4095
		return nil
	})
	return bytes, inodes, err
}
