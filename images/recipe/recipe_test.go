package recipe

import (
	"strings"
	"testing"
)

func TestBuildRefusesUnknownRecipe(t *testing.T) {
	_, err := Build(t.Context(), Options{Name: "windows", OutDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "controller, hypervisor, minimal, storage") {
		t.Errorf("got %v: want the names that there are", err)
	}
}

func TestDigests(t *testing.T) {
	seen := map[string]string{}
	for _, name := range Names() {
		d, err := Digest(name)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Digest(name)
		if err != nil || again != d {
			t.Errorf("%s has the digests %s and %s (%v)", name, d, again, err)
		}
		if other, ok := seen[d]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[d] = name
	}
}

// TestOverlays makes sure that programs keep their mode, which embedding loses.
func TestOverlays(t *testing.T) {
	files, err := overlayFiles([]string{"base", "hypervisor", "storage"})
	if err != nil {
		t.Fatal(err)
	}
	programs := 0
	for _, f := range files {
		if strings.HasPrefix(string(f.data), "#!") != (f.mode == 0o755) {
			t.Errorf("%s has mode %v", f.path, f.mode)
		}
		if f.mode == 0o755 {
			programs++
		}
	}
	if programs < 3 {
		t.Errorf("%d programs among %d files", programs, len(files))
	}
}
