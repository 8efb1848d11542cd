//go:build e2e

package recipe

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

var (
	flagName  = flag.String("recipe", "minimal", "the recipe that TestBuildE2E builds")
	flagOut   = flag.String("out", "", "where it goes; default a temporary directory")
	flagCache = flag.String("cache", "", "where packages are kept")
)

// TestBuildE2E builds one recipe with the real tools and reads back what can be read without booting it; the
// boots are in package verify's end-to-end tests.
func TestBuildE2E(t *testing.T) {
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

// TestBuildCancelledE2E stops a build in the middle: nothing may be left but downloaded packages.
func TestBuildCancelledE2E(t *testing.T) {
	out := t.TempDir()
	stop := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 12*time.Second, stop)
	defer cancel()
	_, err := Build(ctx, Options{Name: "minimal", OutDir: out, CacheDir: *flagCache})
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want the cause of the stop", err)
	}
	left, err := os.ReadDir(out)
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), out) {
		t.Errorf("mounts are left (%v):\n%s", err, mounts)
	}
}
