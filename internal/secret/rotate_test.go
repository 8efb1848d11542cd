package secret

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestRetire renews a ring while another process uses it: that one seals with the new key at once, and no key that was
// retired opens anything.
func TestRetire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k, other := open(t, path), open(t, path)
	before, err := k.Keys()
	if err != nil || len(before) != 1 {
		t.Fatalf("%v, %v", before, err)
	}
	old := seal(t, k, "old", "m")
	if !k.Current(old) || k.Current(nil) || k.Current([]byte("no seal")) {
		t.Error("what the present key has sealed is not told from the rest")
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	ids, err := other.Keys()
	if err != nil || len(ids) != 2 || ids[0] == before[0] || ids[1] != before[0] {
		t.Errorf("after a rotation: %v, before %v, %v", ids, before, err)
	}
	if fresh := seal(t, other, "fresh", "m"); !k.Current(fresh) || k.Current(old) {
		t.Error("another process seals with the old key")
	}
	if err := other.Retire(); err != nil {
		t.Fatal(err)
	}
	if left, err := k.Keys(); err != nil || !slices.Equal(left, ids[:1]) {
		t.Errorf("after retiring: %v, %v", left, err)
	}
	if _, err := open(t, path).Unseal(old, "m"); !errors.Is(err, ErrSealed) {
		t.Errorf("unsealing with a retired key: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Seal(New("x"), "m"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("sealing with a ring whose file is gone: %v", err)
	}
}
