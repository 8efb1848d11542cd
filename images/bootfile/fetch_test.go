package bootfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFetch gets Debian's real packages through apt, and then again from the cache alone.
func TestFetch(t *testing.T) {
	cache := os.Getenv("SOCLE_TEST_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "socle", "packages")
	}
	dir := t.TempDir()
	m, err := Fetch(t.Context(), Options{OutDir: dir, CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	magic := map[string][]byte{"undionly.kpxe": {0xea}, "snponly.efi": []byte("MZ"), "ipxe.efi": []byte("MZ")}
	seen := map[string]bool{}
	for _, f := range m.Files {
		seen[f.Name] = true
		data, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(data)) != f.Size || f.Version == "" {
			t.Errorf("%s is not what the manifest says: %+v", f.Name, f)
		}
		if !bytes.HasPrefix(data, magic[f.Name]) {
			t.Errorf("%s begins with % x", f.Name, data[:4])
		}
	}
	for name := range magic {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, ManifestFile("")))
	if err != nil {
		t.Fatal(err)
	}
	var saved Manifest
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Files, saved.Files); diff != "" {
		t.Errorf("manifest (-returned +saved):\n%s", diff)
	}

	// Without apt in the PATH the cache must do.
	t.Setenv("PATH", "")
	offline, err := Fetch(t.Context(), Options{OutDir: t.TempDir(), CacheDir: cache})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Files, offline.Files); diff != "" {
		t.Errorf("offline (-online +offline):\n%s", diff)
	}
	if _, err := Fetch(t.Context(), Options{OutDir: t.TempDir(), CacheDir: t.TempDir()}); err == nil {
		t.Error("without apt and cache there is nothing to fetch, yet there was no error")
	} else {
		t.Log(err)
	}
}
