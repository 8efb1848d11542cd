//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"socle/api"
)

// TestE2EArm64 brings a server with arm64 from power-on by its BMC to its agent's report: UEFI, shim, GRUB, kernel
// and ramdisk, all by TFTP. It is emulated in software on whatever host this is, and slow.
func TestE2EArm64(t *testing.T) {
	a := Built(t)
	run(t, a.Program, "image", "build", "--data-dir", a.Data, "ramdisk-arm64", "boot-files-arm64")
	arm := UEFI("arm1", 1)
	arm.Arch = "arm64"
	sc := Play(t, Spec(arm), ServerOptions{})
	sc.Do(t, "machine", "inspect", "arm1")
	m := sc.Await(t, "arm1", 15*time.Minute, "is inspected", func(m api.Machine) bool { return m.State == "ready" })
	if m, err := sc.API.Machine(t.Context(), m.Name); err != nil || m.Facts == nil || len(m.Facts.Disks) != 1 || len(m.Facts.NICs) != 1 {
		t.Errorf("its facts are %+v (%v)", m.Facts, err)
	}
	lines, err := sc.API.Evidence(t.Context(), "arm1", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shimaa64.efi", "grubaa64.efi", "ramdisk-arm64/vmlinuz", "ramdisk-arm64/initrd"} {
		if !slices.ContainsFunc(lines, func(e api.Evidence) bool { return e.Source == "tftp" && strings.Contains(e.Asked, want) }) {
			t.Errorf("it never fetched %s by TFTP; evidence: %+v", want, lines)
		}
	}
	sc.WantOnePowerOn(t, "arm1")
}
