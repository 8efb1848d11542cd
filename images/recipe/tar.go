package recipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// MaxTree bounds the bytes of all files of an archive that FromTar takes.
const MaxTree = 32 << 30

// TarOptions say how an archive becomes a disk.
type TarOptions struct {
	OutDir string // receives the disk; the tree is unpacked here meanwhile
	// MaxBytes bounds the bytes of all files in the archive; 0 is MaxTree.
	MaxBytes int64
	Log      *slog.Logger
}

// FromTar makes a disk that boots by BIOS and by UEFI from a tar archive of a root file system of Debian's
// kind, amd64, with a kernel, an initrd and an init in it, such as mmdebstrap and "docker export" write. The
// archive is not trusted: nothing of it is run, and whatever its names, links and sizes, nothing outside of
// OutDir is read or written. The caller deletes Result.Raw.
func FromTar(ctx context.Context, archive io.Reader, o TarOptions) (res Result, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = MaxTree
	}
	if err := ready(diskTools); err != nil {
		return Result{}, fmt.Errorf("making a disk of the archive: %w", err)
	}
	if err := os.MkdirAll(o.OutDir, 0o755); err != nil { //nolint:gosec // images are no secret
		return Result{}, fmt.Errorf("making a disk of the archive: %w", err)
	}
	if err := sweep(o.OutDir, "tar"); err != nil {
		return Result{}, fmt.Errorf("making a disk of the archive: %w", err)
	}
	// Mode 0700: the tree has programs that are set-uid, and nobody vouches for them.
	work, err := os.MkdirTemp(o.OutDir, ".tar-*")
	if err != nil {
		return Result{}, fmt.Errorf("making a disk of the archive: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	b := &build{Options: Options{OutDir: o.OutDir, Log: o.Log}, work: work, root: filepath.Join(work, "root")}
	if res, err = b.fromTar(ctx, archive, o.MaxBytes); err != nil {
		return Result{}, fmt.Errorf("making a disk of the archive: %w", err)
	}
	return res, nil
}

func (b *build) fromTar(ctx context.Context, archive io.Reader, maxBytes int64) (Result, error) {
	began := time.Now()
	if err := b.unpackTree(ctx, archive, maxBytes); err != nil {
		return Result{}, err
	}
	b.Log.Info("tree is ready", "seconds", int(time.Since(began).Seconds()))
	raw := filepath.Join(b.work, "disk.raw")
	size, err := b.disk(ctx, raw)
	if err != nil {
		return Result{}, err
	}
	// The name is one that sweep finds, in case the caller dies before it takes the disk.
	res := Result{Raw: b.work + ".raw", Size: size, Firmware: []string{"bios", "uefi"}, Loader: loader}
	b.Log.Info("disk is ready", "bytes", size, "seconds", int(time.Since(began).Seconds()))
	return res, os.Rename(raw, res.Raw)
}

// unpackTree fills the tree and makes it one that can boot as any server.
func (b *build) unpackTree(ctx context.Context, archive io.Reader, maxBytes int64) error {
	if err := os.Mkdir(b.root, 0o755); err != nil { //nolint:gosec // becomes the tree's root
		return err
	}
	root, err := os.OpenRoot(b.root)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := newUntar(root, maxBytes).run(ctx, archive, b.Log); err != nil {
		return fmt.Errorf("unpacking the archive: %w", err)
	}
	if err := bootable(root); err != nil {
		return err
	}
	if _, err := root.Lstat("usr/bin/cloud-init"); err != nil {
		b.Log.Warn("the archive has no cloud-init: a server with this image cannot read its seed")
	}
	return impersonal(root)
}

// impersonal removes what makes one system that system, and what makes systemd take it for a container.
func impersonal(root *os.Root) error {
	for _, f := range []string{".dockerenv", "run/.containerenv", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed"} {
		if err := remove(root, f); err != nil {
			return fmt.Errorf("cleaning up the tree: %w", err)
		}
	}
	// Empty, not absent: systemd fills it in without taking the boot for a first one with presets.
	if err := placeFiles(root, []file{{"etc/machine-id", nil, 0o444}}); err != nil {
		return fmt.Errorf("emptying the machine id: %w", err)
	}
	return nil
}
