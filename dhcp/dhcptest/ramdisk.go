package dhcptest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/u-root/u-root/pkg/cpio"
)

// initSource is what the ramdisk of the test runs: it shows its command line and powers off.
const initSource = `package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	_ = os.Mkdir("/proc", 0o755)
	_ = syscall.Mount("proc", "/proc", "proc", 0, "")
	b, _ := os.ReadFile("/proc/cmdline")
	fmt.Printf("RAMDISK RUNS: %s\n", b)
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}
`

// Shell runs a script in a folder, ten minutes at most.
func Shell(t *testing.T, dir, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// Ramdisk gets Debian's kernel by apt, over the network of the process that runs the tests, and makes
// an initrd with a static /init. They are in the folder "ramdisk" of dir.
func Ramdisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	work := t.TempDir()
	if err := os.WriteFile(filepath.Join(work, "init.go"), []byte(initSource), 0o600); err != nil {
		t.Fatal(err)
	}
	Shell(t, work, `mkdir -p `+dir+`/ramdisk k
		deb=${SOCLE_TEST_KERNEL_DEB:-}
		if [ -z "$deb" ]; then
			name=$(apt-cache depends linux-image-amd64 | awk '/Depends:/{print $2; exit}')
			chmod 777 .
			nsenter -t `+strconv.Itoa(os.Getppid())+` -n apt-get download -q "$name"
			deb=$(ls linux-image*.deb)
		fi
		dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C k --wildcards './boot/vmlinuz-*'
		mv k/boot/vmlinuz-* `+dir+`/ramdisk/vmlinuz
		CGO_ENABLED=0 GOFLAGS=-mod=mod go build -ldflags='-s -w' -o init init.go`)
	bin, err := os.ReadFile(filepath.Join(work, "init"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "ramdisk", "initrd"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w := cpio.Newc.Writer(out)
	err = cpio.WriteRecords(w, []cpio.Record{
		cpio.Directory("dev", 0o755), cpio.CharDev("dev/console", 0o600, 5, 1), cpio.StaticFile("init", string(bin), 0o755),
	})
	if err == nil {
		err = cpio.WriteTrailer(w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
