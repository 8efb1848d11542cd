package recipe

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxEntries = 2_000_000 // of an archive; a server has some ten thousand files
	maxAfter   = 16 << 20  // of zeros after the end of an archive
)

// xattrRecord is what the name of a PAX record of an extended attribute begins with (star(5)).
const xattrRecord = "SCHILY.xattr."

// untar unpacks one archive. All access goes through root, which no name and no link leads out of.
type untar struct {
	root    *os.Root
	left    int64 // bytes that files may still have
	max     int64
	entries int
	nodes   int // left out
	folders []folderTime
	buf     []byte
}

// folderTime is set at the end: every new file changes it.
type folderTime struct {
	name string
	at   time.Time
}

func newUntar(root *os.Root, maxBytes int64) *untar {
	return &untar{root: root, left: maxBytes, max: maxBytes, buf: make([]byte, 256<<10)}
}

func (u *untar) run(ctx context.Context, archive io.Reader, log *slog.Logger) error {
	in := tar.NewReader(archive)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("after %d entries: %w", u.entries, err)
		}
		if u.entries++; u.entries > maxEntries {
			return fmt.Errorf("it has more than the %d entries that are accepted", maxEntries)
		}
		if err := u.entry(h, in); err != nil {
			return fmt.Errorf("entry %d, %.300q: %w", u.entries, h.Name, err)
		}
	}
	if u.entries == 0 {
		return errors.New("it is an empty archive")
	}
	if err := drain(archive); err != nil {
		return err
	}
	for i := len(u.folders) - 1; i >= 0; i-- {
		f := u.folders[i]
		if err := u.root.Chtimes(f.name, f.at, f.at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("setting the time of %.300q: %w", f.name, err)
		}
	}
	if u.nodes > 0 {
		log.Info("left out device nodes and FIFOs: a system makes them when it starts", "count", u.nodes)
	}
	return nil
}

// drain reads to the end, where packers have their checksums.
func drain(r io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxAfter+1))
	if err != nil {
		return fmt.Errorf("reading to its end: %w", err)
	}
	if n > maxAfter {
		return fmt.Errorf("more than %d bytes follow the end of the archive", maxAfter)
	}
	return nil
}

// entry unpacks one entry. Device nodes would lead out of the tree, to the disks of this host.
func (u *untar) entry(h *tar.Header, r io.Reader) error {
	name, err := localName(h.Name)
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if h.Uid < 0 || h.Gid < 0 || int64(h.Uid) >= math.MaxUint32 || int64(h.Gid) >= math.MaxUint32 {
		return fmt.Errorf("its owner is %d:%d, which is none", h.Uid, h.Gid)
	}
	if name == "." {
		if h.Typeflag != tar.TypeDir {
			return errors.New("it is the root and not a folder")
		}
		return nil // keeps 0755, root's: many archives are made of a private temporary folder
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.folder(name, h)
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		return u.file(name, h, r)
	case tar.TypeSymlink:
		if err := remove(u.root, name); err != nil {
			return err
		}
		if err := u.root.Symlink(h.Linkname, name); err != nil {
			return err
		}
		return u.root.Lchown(name, h.Uid, h.Gid)
	case tar.TypeLink:
		return u.link(name, h.Linkname)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		u.nodes++
		return remove(u.root, name)
	}
	return fmt.Errorf("its type %q is not known", h.Typeflag)
}

// localName is the path below the root.
func localName(name string) (string, error) {
	clean := path.Clean(name)
	if name == "" || !filepath.IsLocal(clean) {
		return "", errors.New(`the name leads out of the archive; make the archive of the root with "tar -C ROOT -c ."`)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New(`the name has ".." in it`)
		}
	}
	return clean, nil
}

func (u *untar) link(name, target string) error {
	old, err := localName(strings.TrimPrefix(target, "/"))
	if err != nil {
		return fmt.Errorf("hard link to %.300q: %w", target, err)
	}
	if old == name {
		return nil
	}
	if err := remove(u.root, name); err != nil {
		return err
	}
	return u.root.Link(old, name)
}

func (u *untar) folder(name string, h *tar.Header) error {
	was, err := u.root.Lstat(name)
	if err == nil && was.Mode().Type() == fs.ModeSymlink {
		// As /lib and /bin are links to folders of the same names in /usr.
		if to, err := u.root.Stat(name); err == nil && to.IsDir() {
			return nil
		}
	}
	if err == nil && !was.IsDir() {
		if err := remove(u.root, name); err != nil {
			return err
		}
	}
	if err := u.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := u.root.Open(name)
	if err != nil {
		return err
	}
	u.folders = append(u.folders, folderTime{name, h.ModTime})
	return errors.Join(dress(f, h), f.Close())
}

func (u *untar) file(name string, h *tar.Header, r io.Reader) error {
	if u.left -= h.Size; u.left < 0 {
		return fmt.Errorf("with this file of %d bytes the tree has more than the %d bytes that are accepted", h.Size, u.max)
	}
	if err := remove(u.root, name); err != nil {
		return err
	}
	f, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// Without os.File's ReadFrom, which takes a new buffer for each file.
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, r, u.buf)
	if err == nil && n != h.Size {
		err = fmt.Errorf("%d of %d bytes came: %w", n, h.Size, io.ErrUnexpectedEOF)
	}
	if err == nil {
		err = dress(f, h)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return u.root.Chtimes(name, h.ModTime, h.ModTime)
}

// dress gives a file its owner, then its mode, then its attributes: a new owner takes away set-uid, and
// capabilities too.
func dress(f *os.File, h *tar.Header) error {
	if err := f.Chown(h.Uid, h.Gid); err != nil {
		return err
	}
	if err := f.Chmod(h.FileInfo().Mode()); err != nil {
		return err
	}
	for record, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(record, xattrRecord)
		if !ok || !wantedXattr(name) {
			continue
		}
		if err := unix.Fsetxattr(int(f.Fd()), name, []byte(value), 0); err != nil {
			return fmt.Errorf("setting the extended attribute %.100q: %w", name, err)
		}
	}
	return nil
}

// wantedXattr leaves out the labels of security modules that the new system knows nothing of, and trusted.*,
// which tells how another host stored the tree.
func wantedXattr(name string) bool {
	return name == "security.capability" || strings.HasPrefix(name, "system.posix_acl_") || strings.HasPrefix(name, "user.")
}
