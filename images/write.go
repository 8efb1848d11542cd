package images

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// place writes a file in one step: a reader of path sees all of it or nothing. check reads the bytes that
// came back from the file system, before they get their name. The folder is not synced; the caller does
// that once for many files.
func (s *Store) place(path string, data []byte, check func([]byte) error) error {
	tmp, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "new-*")
	if err != nil {
		return s.explain(err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // after the rename there is nothing to remove
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return s.explain(err)
	}
	back, err := os.ReadFile(tmp.Name())
	if err != nil {
		return s.explain(err)
	}
	if err := check(back); err != nil {
		return fmt.Errorf("reading back what was written to %s: %w", filepath.Base(path), err)
	}
	return s.explain(os.Rename(tmp.Name(), path))
}

// placeText is place for a small file, with its folder synced.
func (s *Store) placeText(path string, data []byte) error {
	err := s.place(path, data, func(back []byte) error {
		if !bytes.Equal(back, data) {
			return ErrDamaged
		}
		return nil
	})
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// explain says what to do when the disk is full.
func (s *Store) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk that holds the image store %s is full; free space there, or delete images with \"socle image remove\" and \"socle image gc\": %w", s.dir, err)
	}
	return err
}

// syncDir makes renames in a folder last through a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkFrame unpacks a stored chunk and compares it with its name. The returned bytes are raw.
func (s *Store) checkFrame(frame []byte, want string, buf []byte) ([]byte, error) {
	raw, err := s.dec.DecodeAll(frame, buf[:0])
	if err != nil {
		return nil, fmt.Errorf("chunk %s does not unpack: %w: %w", want, err, ErrDamaged)
	}
	if sum := sha256.Sum256(raw); fmt.Sprintf("%x", sum) != want {
		return nil, fmt.Errorf("chunk %s holds other bytes, with SHA-256 %x: %w", want, sum, ErrDamaged)
	}
	return raw, nil
}
