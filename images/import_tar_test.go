package images

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImportTar has a disk made of one archive in every form that archives are published in.
func TestImportTar(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("etc"), random(3, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "tar", "-C", dir, "-cf", path("rootfs.tar"), "etc")
	run(t, "tar", "-C", dir, "--format=v7", "-cf", path("old.tar"), "etc")
	want, err := os.ReadFile(path("rootfs.tar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"gzip", "xz", "zstd"} {
		run(t, tool, "-q", "-k", path("rootfs.tar"))
	}
	web := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(web.Close)
	s := openStore(t)
	disk := path("disk.raw")
	var got []byte
	fromTar := func(_ context.Context, archive io.Reader) (Built, error) {
		var err error
		got, err = io.ReadAll(archive)
		return Built{Raw: disk, Arch: "amd64", Firmware: []string{"bios", "uefi"}, Loader: `\LOADER.EFI`}, errors.Join(err, os.WriteFile(disk, []byte("disk"), 0o644))
	}
	for _, o := range []ImportOptions{
		{Source: path("rootfs.tar")}, {Source: path("rootfs.tar.gz")}, {Source: path("rootfs.tar.xz"), Format: "tar"},
		{Source: web.URL + "/rootfs.tar.zst"}, {Source: path("old.tar"), Format: "tar"},
	} {
		t.Run(filepath.Base(o.Source), func(t *testing.T) {
			o.Name, o.Arch, o.FromTar = "mine", "amd64", fromTar
			digest, err := s.Import(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) && filepath.Base(o.Source) != "old.tar" {
				t.Errorf("the archive came as %d bytes that differ from its %d", len(got), len(want))
			}
			_, ix, err := s.Resolve("mine")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"bios", "uefi"}, ix.Firmware); diff != "" || ix.Loader != `\LOADER.EFI` || ix.Size != 4 {
				t.Errorf("index of %s: %+v", digest, ix)
			}
		})
	}
	for want, o := range map[string]ImportOptions{
		"not for arm64":          {Arch: "arm64"},
		"do not ask for another": {Loader: `\OTHER.EFI`},
		`not by "ppc"`:           {Firmware: []string{"bios", "ppc"}},
		"no room": {FromTar: func(context.Context, io.Reader) (Built, error) {
			return Built{}, errors.New("no room")
		}},
	} {
		o.Name, o.Source = "other", path("rootfs.tar")
		if o.FromTar == nil {
			o.FromTar = fromTar
		}
		if _, err := s.Import(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := os.Stat(disk); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the disk is left beside the store (%v)", err)
	}
	if left := files(t, filepath.Join(s.dir, "tmp")); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}
