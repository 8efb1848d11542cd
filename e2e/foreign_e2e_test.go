//go:build e2e

package e2e

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/lab"
)

// TestE2EForeignImages deploys Debians that Socle has not made: from a tar archive and from a qcow2 file, which
// cloud-init brings to call home, and from an archive without cloud-init, which cannot, and whose fault says so.
func TestE2EForeignImages(t *testing.T) {
	of := func(s lab.Server, product string) lab.Server { s.Product = product; return s }
	role := func(name, product string) map[string]any {
		return map[string]any{"name": name, "image": name, "verify": "none", "priority": 30, "match": map[string]any{"product": product}}
	}
	sc := Play(t, Spec(of(BIOS("fromtar", 1), "Tar"), of(UEFI("fromqcow", 2), "QCow"), of(BIOS("mute", 3), "Mute")), ServerOptions{
		Roles:  []map[string]any{role("my-tar", "Tar"), role("my-qcow2", "QCow"), role("my-mute", "Mute")},
		Limits: map[string]string{"phone_home": "40m", "boot": "15m"},
	})
	archive := Built(t).Foreign(t)
	bare, qcow := filepath.Join(sc.Dir, "bare.tar"), filepath.Join(sc.Dir, "disk.qcow2")
	without(t, archive, "cloud", bare)
	sc.ImportImage(t, "my-tar", archive)
	sc.ImportImage(t, "my-mute", bare)
	sc.QCow2(t, "my-tar", qcow)
	sc.ImportImage(t, "my-qcow2", qcow)

	sc.Do(t, "buildout")
	sc.Active(t, 40*time.Minute, "fromtar", "fromqcow")
	for _, name := range []string{"fromtar", "fromqcow"} {
		sc.WantOnePowerOn(t, name)
		sc.WantOneImage(t, name)
	}
	sc.Await(t, "mute", 20*time.Minute, "waits for the deployed system", func(m api.Machine) bool { return m.Step == "phone-home" })
	Until(t, 10*time.Minute, "mute boots its disk", func() bool { return strings.Contains(sc.Console("mute"), " login:") })
	sc.Limit(t, map[string]string{"phone_home": "5s"}) // it has had its time
	m := sc.Faulty(t, 2*time.Minute, "mute", "no-phone-home", "has not called", "my-mute was imported", "cloud-init", "NoCloud", "console")
	if m.State != "ready" {
		t.Errorf("mute is %s, want ready", m.State)
	}
}

// without copies an archive less the files whose name contains a word.
func without(t testing.TB, from, word, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	r, w := tar.NewReader(in), tar.NewWriter(out)
	left := 0
	for {
		var h *tar.Header
		if h, err = r.Next(); err != nil {
			break
		}
		if strings.Contains(h.Name, word) || h.Typeflag == tar.TypeLink && strings.Contains(h.Linkname, word) {
			left++
			continue
		}
		if err = w.WriteHeader(h); err != nil {
			break
		}
		if _, err = io.Copy(w, r); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatalf("copying %s: %v", from, err)
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil || left == 0 {
		t.Fatalf("copying %s without %d files called %q: %v", from, left, word, err)
	}
}
