package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"socle/images"
)

// foreignPackages are those that docs/images.md tells people to put into an archive of their own.
const foreignPackages = "linux-image-amd64,initramfs-tools,zstd,systemd-sysv,cloud-init,cloud-guest-utils,netplan.io"

// Foreign is an archive of a Debian that Socle has no part in, made as the documentation says. It is made once,
// over the network of the process that started the tests, and kept.
func (a Artefacts) Foreign(t testing.TB) string {
	t.Helper()
	sum := sha256.Sum256([]byte(foreignPackages))
	path := filepath.Join(filepath.Dir(a.Data), fmt.Sprintf("foreign-%x.tar", sum[:4]))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	t.Logf("mmdebstrap makes %s, which takes minutes", path)
	tmp := path + ".new.tar" // its format goes by the name
	run(t, "nsenter", "-t", strconv.Itoa(os.Getppid()), "-n", "unshare", "--mount", "--propagation", "private",
		"mmdebstrap", "--quiet", "--variant=minbase", "--include="+foreignPackages, "bookworm", tmp)
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// ImportImage gives the server an image of a file, by the command that people use.
func (s *Server) ImportImage(t testing.TB, name, file string) {
	t.Helper()
	t.Logf("%s", run(t, s.program, "image", "import", "--data-dir", s.Data, "--name", name, file))
}

// QCow2 writes an image of the server's store as a qcow2 file, compressed as distributions publish theirs.
func (s *Server) QCow2(t testing.TB, image, file string) {
	t.Helper()
	store, err := images.Open(filepath.Join(s.Data, "images"))
	if err != nil {
		t.Fatal(err)
	}
	raw := file + ".raw"
	f, err := os.Create(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = store.Read(t.Context(), image, f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, "qemu-img", "convert", "-O", "qcow2", "-c", raw, file)
	if err := os.Remove(raw); err != nil {
		t.Error(err)
	}
}
