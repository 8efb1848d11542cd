//go:build e2e

package recipe

import (
	"flag"
	"log/slog"
	"os"
	"testing"
)

var (
	flagName  = flag.String("recipe", "minimal", "the recipe that TestBuild builds")
	flagOut   = flag.String("out", "", "where it goes; default a temporary directory")
	flagCache = flag.String("cache", "", "where packages are kept")
)

// TestBuild builds one recipe with the real tools and reads back what can be read without booting it; the
// boots are in package verify's end-to-end tests.
func TestBuild(t *testing.T) {
	out := *flagOut
	if out == "" {
		out = t.TempDir()
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	res, err := Build(t.Context(), Options{Name: *flagName, OutDir: out, CacheDir: *flagCache, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Packages) < 50 {
		t.Errorf("%d packages are listed", len(res.Packages))
	}
	if res.Dir != "" {
		if _, err := os.Stat(res.Dir + "/usr/bin/swift-proxy-server"); err != nil {
			t.Error(err)
		}
		return
	}
	checkGPT(t, res.Raw, res.Size)
}
