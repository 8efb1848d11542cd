package bootfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Dir opens boot files below one folder for package pxe: "undionly.kpxe", "ramdisk/vmlinuz". No name leads
// out of the folder, not by ".." and not by a symbolic link.
type Dir struct {
	root *os.Root
}

// OpenDir opens the folder; it has to exist.
func OpenDir(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of boot files: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close lets go of the folder; files that are open stay so.
func (d *Dir) Close() error { return d.root.Close() }

// Open opens one regular file and tells its size in bytes. Names have "/" between folders and none in front.
// For every name that names no such file the error is fs.ErrNotExist; it holds the name as it was asked for and no path
// of this host, so that it can be shown to whoever asked.
func (d *Dir) Open(name string) (io.ReadSeekCloser, int64, error) {
	if !fs.ValidPath(name) {
		return nil, 0, absent(name)
	}
	info, err := d.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, absent(name)
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, 0, absent(name)
	}
	// The file may have been replaced since: its size is what counts.
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, 0, fmt.Errorf("reading the size of boot file %q: %w", name, err)
	}
	return f, info.Size(), nil
}

func absent(name string) error {
	return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
