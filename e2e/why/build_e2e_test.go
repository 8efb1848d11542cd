//go:build e2e

package why

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// artefacts is where the tests of socle/e2e keep what they build.
func artefacts() string {
	dir := os.Getenv("SOCLE_E2E_DIR")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			panic(err) // the environment of the tests is broken
		}
		dir = filepath.Join(cache, "socle", "e2e")
	}
	return filepath.Join(dir, "artefacts")
}

// build makes the ramdisk, unless it is there and up to date; it needs the network of the host.
func build() error {
	for _, argv := range [][]string{{"make", "-s", "-C", "../..", "build"}, {"../../bin/socle", "image", "build", "--data-dir", artefacts(), "ramdisk", "boot-files"}} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", argv, err, out)
		}
	}
	return nil
}
