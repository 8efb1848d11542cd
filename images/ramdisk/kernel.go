package ramdisk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"socle/images/debian"
)

// maxFile bounds one file of the kernel package, against a package that is not one; the kernel itself has 8 MB.
const maxFile = 256 << 20

// kernel is what the package holds: the image in memory, the modules spooled to a temporary file, because
// all of them together are 350 MB of which a tenth is wanted, and which is known only after the last.
type kernel struct {
	version string
	image   []byte
	modules []*module
	builtin []string
	spool   *os.File
}

// unpack reads a kernel package.
func unpack(pkg debian.Package, tmpDir string) (*kernel, error) {
	spool, err := os.CreateTemp(tmpDir, ".modules-*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	// Without a name it cannot be left behind.
	if err := os.Remove(spool.Name()); err != nil {
		_ = spool.Close()
		return nil, err
	}
	k := &kernel{spool: spool}
	if err := pkg.Walk(k.take); err != nil {
		k.close()
		return nil, err
	}
	if k.version == "" || len(k.image) == 0 || len(k.modules) == 0 {
		k.close()
		return nil, fmt.Errorf("package %s holds no kernel with modules: version %q, %d bytes, %d modules",
			pkg.Name, k.version, len(k.image), len(k.modules))
	}
	return k, nil
}

// take looks at one file of the package.
func (k *kernel) take(name string, size int64, r io.Reader) error {
	if size > maxFile {
		return fmt.Errorf("%d bytes are too many for a file of a kernel package", size)
	}
	if version, ok := strings.CutPrefix(name, "/boot/vmlinuz-"); ok {
		image, err := io.ReadAll(r)
		k.version, k.image = version, image
		return err
	}
	below, ok := strings.CutPrefix(strings.TrimPrefix(name, "/usr"), "/lib/modules/")
	if !ok {
		return nil
	}
	_, file, _ := strings.Cut(below, "/")
	switch {
	case file == "modules.builtin":
		text, err := io.ReadAll(r)
		k.builtin = strings.Fields(string(text))
		return err
	case path.Ext(file) == ".ko":
		return k.takeModule(file, size, r)
	case strings.HasSuffix(file, ".ko.xz"), strings.HasSuffix(file, ".ko.zst"):
		return errors.New("the modules of this kernel are compressed, which this builder does not read yet; use Debian 12's kernel")
	}
	return nil
}

func (k *kernel) takeModule(file string, size int64, r io.Reader) error {
	ko, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	info, err := readModinfo(ko)
	if err != nil {
		return err
	}
	off, err := k.spool.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := k.spool.Write(ko); err != nil {
		return fmt.Errorf("writing to the temporary file: %w", err)
	}
	k.modules = append(k.modules, &module{path: file, info: info, off: off, size: size})
	return nil
}

// bytes returns the file of a module.
func (k *kernel) bytes(m *module) ([]byte, error) {
	ko := make([]byte, m.size)
	if _, err := k.spool.ReadAt(ko, m.off); err != nil {
		return nil, fmt.Errorf("reading module %s back: %w", m.path, err)
	}
	return ko, nil
}

func (k *kernel) close() { _ = k.spool.Close() }
