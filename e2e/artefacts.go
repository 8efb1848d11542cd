package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// more is what some tests need besides. It is built before the tests begin: from their namespace nothing can be fetched.
var more []string

// Image is the recipe that the tests put on servers: Debian that calls home, and nothing more.
const Image = "minimal"

// Artefacts is what the tests need to have built.
type Artefacts struct {
	Program string // bin/socle
	Data    string // data folder with ramdisk, boot files and the image
	Runs    string // where tests keep their own
}

// artefacts says where everything is.
func artefacts() (Artefacts, error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return Artefacts{}, err
	}
	dir := os.Getenv("SOCLE_E2E_DIR")
	if dir == "" {
		if dir, err = os.UserCacheDir(); err != nil {
			return Artefacts{}, fmt.Errorf("looking for a place to keep what is built: %w: set SOCLE_E2E_DIR", err)
		}
		dir = filepath.Join(dir, "socle", "e2e")
	}
	return Artefacts{Program: filepath.Join(root, "bin", "socle"), Data: filepath.Join(dir, "artefacts"), Runs: filepath.Join(dir, "runs")}, nil
}

// build makes the programs, and of ramdisk, boot files and image what is not there yet or is out of date: two
// minutes at the first time, some seconds after that.
func (a Artefacts) build(say func(format string, args ...any)) error {
	began := time.Now()
	say("ramdisk, boot files and image %s come from %s; what is missing there is built now, which takes minutes", Image, a.Data)
	for _, argv := range [][]string{
		{"make", "-s", "-C", "..", "build"},
		append([]string{a.Program, "image", "build", "--data-dir", a.Data, "ramdisk", "boot-files", Image}, more...),
	} {
		if out, err := command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", argv, err, out)
		}
	}
	say("programs and images are ready after %s", time.Since(began).Round(time.Second))
	return nil
}

// Built is what Main has built.
func Built(t testing.TB) Artefacts {
	t.Helper()
	a, err := artefacts()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// run runs a program that has to succeed.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// KernelAndInitrd is the size in bytes of what a server fetches to boot the ramdisk.
func (a Artefacts) KernelAndInitrd(t testing.TB) int64 {
	t.Helper()
	var sum int64
	for _, name := range []string{"vmlinuz", "initrd"} {
		info, err := os.Stat(filepath.Join(a.Data, "boot", "ramdisk", name))
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

// lend gives a server's data folder the artefacts: boot files by a link, and the image store as a tree of hard
// links, so that a test can replace files in it without anybody else's noticing. On another file system it is a
// link, too.
func (a Artefacts) lend(t testing.TB, data string) {
	t.Helper()
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(a.Data, "boot"), filepath.Join(data, "boot")); err != nil {
		t.Fatal(err)
	}
	from, to := filepath.Join(a.Data, "images"), filepath.Join(data, "images")
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "tmp":
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case d.Name() == "lock":
			return nil
		}
		return os.Link(path, filepath.Join(to, rel))
	})
	if errors.Is(err, syscall.EXDEV) {
		err = errors.Join(os.RemoveAll(to), os.Symlink(from, to))
	}
	if err != nil {
		t.Fatalf("lending the image store: %v", err)
	}
}
