package recipe

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// A directory, unlike a disk image, stays where it was built. Beside it lies what it was built from, so that
// it is not built again while the recipe is the same.

func keptPath(o Options) string { return filepath.Join(o.OutDir, o.Name+".json") }

// kept finds the directory of an earlier build of this very recipe.
func kept(o Options) (Result, bool) {
	var r Result
	text, err := os.ReadFile(keptPath(o))
	if err != nil || json.Unmarshal(text, &r) != nil {
		return Result{}, false
	}
	digest, err := Digest(o.Name)
	if err != nil || r.Digest != digest || r.Dir != filepath.Join(o.OutDir, o.Name) {
		return Result{}, false
	}
	if st, err := os.Stat(r.Dir); err != nil || !st.IsDir() {
		return Result{}, false
	}
	r.Kept = true
	return r, true
}

// keep puts a new directory in the place of an old one and notes what it was built from. The note goes first,
// so that it never stands beside a directory of another build.
func keep(o Options, from string, r Result) error {
	if err := os.RemoveAll(keptPath(o)); err != nil {
		return err
	}
	if err := os.RemoveAll(r.Dir); err != nil {
		return err
	}
	if err := os.Rename(from, r.Dir); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("noting what %s was built from: %w", r.Dir, err)
	}
	return os.WriteFile(keptPath(o), text, 0o644) //nolint:gosec // no secret
}
