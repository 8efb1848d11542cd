package images

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
)

func TestBuild(t *testing.T) {
	s := openStore(t)
	raw := filepath.Join(t.TempDir(), "disk.raw")
	runs := 0
	r := Recipe{Name: "hypervisor", Digest: "one", Build: func(context.Context) (Built, error) {
		runs++
		err := os.WriteFile(raw, random(uint64(runs), ChunkSize), 0o644)
		return Built{Raw: raw, Arch: "amd64", Firmware: []string{"bios", "uefi"}, Packages: map[string]string{"libvirt": "9"}}, err
	}}
	build := func(r Recipe, again, wantFresh bool, wantRuns int) string {
		t.Helper()
		digest, fresh, err := s.Build(t.Context(), r, again)
		if err != nil {
			t.Fatal(err)
		}
		if fresh != wantFresh || runs != wantRuns {
			t.Errorf("fresh is %v after %d runs, want %v after %d", fresh, runs, wantFresh, wantRuns)
		}
		if _, err := os.Stat(raw); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the raw disk is still there: %v", err)
		}
		return digest
	}
	first := build(r, false, true, 1)
	if second := build(r, false, false, 1); second != first {
		t.Errorf("an unchanged recipe gave another image: %s, %s", first, second)
	}
	_, ix, err := s.Resolve("hypervisor")
	if err != nil {
		t.Fatal(err)
	}
	want := &api.RecipeInfo{Name: "hypervisor", Digest: "one", Packages: map[string]string{"libvirt": "9"}}
	if diff := cmp.Diff(want, ix.Recipe); diff != "" {
		t.Errorf("recipe in the index (-want +got):\n%s", diff)
	}
	build(r, true, true, 2)
	r.Digest = "two"
	build(r, false, true, 3)
	_, ix, err = s.Resolve("hypervisor")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.chunkPath(ix.Chunks[0].SHA256)); err != nil {
		t.Fatal(err)
	}
	build(r, false, true, 4) // a store with a hole is filled again

	broken := errors.New("no network")
	r.Build = func(context.Context) (Built, error) { return Built{}, broken }
	if _, _, err := s.Build(t.Context(), r, true); !errors.Is(err, broken) {
		t.Errorf("error %v, want the recipe's", err)
	}
}
