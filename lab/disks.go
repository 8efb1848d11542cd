package lab

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// serverDir is where a server's disks, firmware variables and logs are kept.
func serverDir(stateDir, lab, server string) string { return filepath.Join(stateDir, lab, server) }

// ConsoleLog is the file with what a server said on its serial line, escape codes and all. When it grows past its
// bound, its older half is in a file of the same name with ".1" behind.
func ConsoleLog(stateDir, lab, server string) string {
	return filepath.Join(serverDir(stateDir, lab, server), "console.log")
}

// prepare makes a server's disks and firmware variables if they are not there yet. Disks are sparse: they take
// the room of what is written to them.
func (m machine) prepare() error {
	if err := os.MkdirAll(m.StateDir, 0o700); err != nil {
		return err
	}
	for i, d := range m.Server.Disks {
		if err := makeSparse(m.diskFile(i), d.SizeMiB<<20); err != nil {
			return fmt.Errorf("making disk %s of %s: %w", d.Serial, m.Server.Name, err)
		}
	}
	return errors.Join(m.writeDIMMs(), m.makeVars())
}

// makeSparse makes a file of a size unless it is there; one of another size is not touched but refused.
func makeSparse(path string, size int64) error {
	info, err := os.Stat(path)
	if err == nil {
		if info.Size() != size {
			return fmt.Errorf("%s has %d bytes, the specification says %d: remove it to start with an empty disk", path, info.Size(), size)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}
