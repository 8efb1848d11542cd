package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, path string) *Keyring {
	t.Helper()
	k, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func seal(t *testing.T, k *Keyring, text, aad string) []byte {
	t.Helper()
	sealed, err := k.Seal(New(text), aad)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestKeyring(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k := open(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, text := range []string{"", "hunter2", "\x00\xff", strings.Repeat("x", 1<<16)} {
		sealed := seal(t, k, text, "m1")
		if text != "" && strings.Contains(string(sealed), text) {
			t.Error("what is sealed shows the text")
		}
		if string(sealed) == string(seal(t, k, text, "m1")) {
			t.Error("sealing twice gives the same bytes")
		}
		again := open(t, path)
		if got, err := again.Unseal(sealed, "m1"); err != nil || got.Reveal() != text {
			t.Errorf("unsealed %q, %v", got.Reveal(), err)
		}
		altered := append([]byte(nil), sealed...)
		altered[len(altered)-1] ^= 1
		other := open(t, filepath.Join(t.TempDir(), "other"))
		for what, try := range map[string]func() (Secret, error){
			"of another owner": func() (Secret, error) { return k.Unseal(sealed, "m2") },
			"altered":          func() (Secret, error) { return k.Unseal(altered, "m1") },
			"empty":            func() (Secret, error) { return k.Unseal(nil, "m1") },
			"of another ring":  func() (Secret, error) { return other.Unseal(sealed, "m1") },
		} {
			if got, err := try(); !errors.Is(err, ErrSealed) || !got.Empty() {
				t.Errorf("unsealing what is %s: %q, %v", what, got.Reveal(), err)
			}
		}
	}
}

func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k, other := open(t, path), open(t, path) // two processes
	old := seal(t, k, "old", "m")
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := seal(t, k, "fresh", "m")
	if string(fresh[:5]) == string(old[:5]) { // tink's prefix names the key
		t.Error("the new key is not used")
	}
	if err := other.Rotate(); err != nil { // must not lose the first rotation's key
		t.Fatal(err)
	}
	for name, ring := range map[string]*Keyring{"first": k, "second": other, "fresh": open(t, path)} {
		for text, sealed := range map[string][]byte{"old": old, "fresh": fresh, "newest": seal(t, other, "newest", "m")} {
			if got, err := ring.Unseal(sealed, "m"); err != nil || got.Reveal() != text {
				t.Errorf("%s ring: unsealing %s: %q, %v", name, text, got.Reveal(), err)
			}
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

// TestOpenRace creates one keyring many times at once: all must have the same keys.
func TestOpenRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	rings := make([]*Keyring, 8)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			k, err := Open(path)
			if err != nil {
				t.Error(err)
			}
			rings[i] = k
		})
	}
	wg.Wait()
	sealed := seal(t, rings[0], "x", "m")
	for _, k := range rings {
		if _, err := k.Unseal(sealed, "m"); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	open(t, good)
	keys, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		prepare func(path string) error
		want    string
	}{
		"readable by others": {func(p string) error { return errors.Join(os.WriteFile(p, keys, 0o600), os.Chmod(p, 0o640)) }, "chmod 600"},
		"a folder":           {func(p string) error { return os.Mkdir(p, 0o700) }, "must be a file"},
		"empty":              {func(p string) error { return os.WriteFile(p, nil, 0o600) }, "restore it from a backup"},
		"cut":                {func(p string) error { return os.WriteFile(p, keys[:len(keys)-9], 0o600) }, "restore it from a backup"},
		"no folder":          {func(string) error { return nil }, "no such file"},
	} {
		path := filepath.Join(dir, name)
		if name == "no folder" {
			path = filepath.Join(dir, "no", "folder")
		}
		if err := tt.prepare(path); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "value") {
			t.Errorf("%s: the error quotes the keys: %v", name, err)
		}
	}
}

// TestNothingPrints shows secrets and keys in all the ways in which they could slip out.
func TestNothingPrints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k := open(t, path)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Key []struct{ KeyData struct{ Value string } }
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Key) != 1 || file.Key[0].KeyData.Value == "" {
		t.Fatalf("the file has %d keys, %v", len(file.Key), err)
	}
	s := New("hunter2")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "struct", struct{ S Secret }{s}, "keys", k)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "struct", struct{ S Secret }{s}, "keys", k)
	encoded, err := json.Marshal(map[string]any{"s": s, "k": k})
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v", s, s, s, s, s, s, k, k, k) +
		fmt.Sprintf("%v %+v %#v", struct{ S Secret }{s}, []Secret{s}, map[string]Secret{"a": s})
	for _, bad := range []string{"hunter2", "68756e74657232", file.Key[0].KeyData.Value} {
		if strings.Contains(shown, bad) {
			t.Errorf("%q is shown in %s", bad, shown)
		}
	}
}
