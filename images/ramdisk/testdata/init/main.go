// Command init stands in for the agent in the boot test: as process 1 of the ramdisk it loads modules in the
// order that modules.dep gives, says on the console which network and block devices came of it, and powers off.
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(); err != nil {
		fmt.Println("RAMDISK-TEST failed:", err)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

func run() error {
	for dir, fs := range map[string]string{"/proc": "proc", "/sys": "sysfs", "/dev": "devtmpfs"} {
		if err := unix.Mount(fs, dir, fs, 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", dir, err)
		}
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return err
	}
	release := unix.ByteSliceToString(uts.Release[:])
	base := filepath.Join("/lib/modules", release)
	order, err := readDep(filepath.Join(base, "modules.dep"))
	if err != nil {
		return err
	}
	for _, m := range []string{
		"drivers/virtio/virtio_pci", "drivers/net/virtio_net", "drivers/block/virtio_blk", "drivers/ata/ahci",
		"drivers/scsi/sd_mod", "crypto/crc32c_generic", "fs/ext4/ext4", "fs/fat/vfat", "drivers/char/ipmi/ipmi_devintf",
	} {
		if err := load(base, order, "kernel/"+m+".ko"); err != nil {
			return err
		}
	}
	for range 50 {
		if len(list("/sys/class/net/e*")) > 0 && len(list("/sys/block/vd*")) > 0 && len(list("/sys/block/sd*")) > 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Printf("RAMDISK-TEST kernel=%s net=%v virtio=%v sata=%v\n", release,
		list("/sys/class/net/e*"), list("/sys/block/vd*"), list("/sys/block/sd*"))
	return nil
}

// readDep maps each module to what is loaded before it, the first to load first.
func readDep(path string) (map[string][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	order := map[string][]string{}
	for scan := bufio.NewScanner(f); scan.Scan(); {
		name, deps, _ := strings.Cut(scan.Text(), ":")
		order[name] = nil
		for _, d := range strings.Fields(deps) {
			order[name] = append([]string{d}, order[name]...)
		}
	}
	return order, nil
}

func load(base string, order map[string][]string, module string) error {
	deps, ok := order[module]
	if !ok {
		return fmt.Errorf("%s is not in modules.dep", module)
	}
	for _, m := range append(deps, module) {
		f, err := os.Open(filepath.Join(base, m))
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		_ = f.Close()
		if err != nil && err != unix.EEXIST {
			return fmt.Errorf("loading %s for %s: %w", m, module, err)
		}
	}
	return nil
}

func list(glob string) []string {
	paths, _ := filepath.Glob(glob)
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	return paths
}
