//go:build e2e

package ramdisk

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"
)

// TestAgainstDepmodE2E unpacks the ramdisk, lets depmod (package kmod) index its modules, and compares.
func TestAgainstDepmodE2E(t *testing.T) {
	rd, err := Build(t.Context(), Options{OutDir: t.TempDir(), AgentBinary: testAgent(t, "0"), CacheDir: packageCache(t)})
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules", rd.KernelVersion)
	ours := unpackModules(t, rd, root, dir)
	if out, err := exec.Command("depmod", "-b", root, rd.KernelVersion).CombinedOutput(); err != nil {
		t.Fatalf("depmod: %v\n%s", err, out)
	}
	for _, name := range []string{"modules.dep", "modules.alias", "modules.softdep"} {
		theirs, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(lines(name, string(theirs)), lines(name, ours[name])); diff != "" {
			t.Errorf("%s (-depmod +ours):\n%s", name, diff)
		}
	}
}

// lines are those of an index in an order of their own. Of modules.dep the order of what may be loaded in
// any order differs, so each line's names are sorted too; TestBootE2E shows that ours can be loaded.
func lines(name, text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name == "modules.dep" {
			words := strings.Fields(line)
			slices.Sort(words[1:])
			line = strings.Join(words, " ")
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// unpackModules writes the modules to root and returns the indexes.
func unpackModules(t *testing.T, rd Ramdisk, root, dir string) map[string]string {
	t.Helper()
	packed, err := os.ReadFile(rd.Initrd)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	raw, err := z.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	records, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	indexes := map[string]string{}
	for _, r := range records {
		path := filepath.Join(root, r.Name)
		if !strings.HasPrefix(path, dir) || r.FileSize == 0 {
			continue
		}
		data := make([]byte, r.FileSize)
		if _, err := r.ReadAt(data, 0); err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(path) != ".ko" {
			indexes[filepath.Base(path)] = string(data)
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return indexes
}
