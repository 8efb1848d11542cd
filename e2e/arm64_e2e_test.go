//go:build e2e

package e2e

import "testing"

func init() { more = append(more, "ramdisk-arm64", "boot-files-arm64") }

// TestE2EArm64 brings a server with arm64 from power-on by its BMC to its agent's report: UEFI that enforces Secure
// Boot, shim, GRUB, kernel and ramdisk, all by TFTP. It is emulated in software on whatever host this is, and slow.
func TestE2EArm64(t *testing.T) {
	arm := UEFI("arm1", 1)
	arm.Arch, arm.SecureBoot = "arm64", true
	sc := Play(t, Spec(arm), ServerOptions{})
	m := sc.inspect(t, "arm1")
	if m, err := sc.API.Machine(t.Context(), m.Name); err != nil || m.Facts == nil || len(m.Facts.Disks) != 1 || len(m.Facts.NICs) != 1 || !m.Facts.Firmware.SecureBoot {
		t.Errorf("its facts are %+v (%v)", m.Facts, err)
	}
	for _, file := range []string{"shimaa64.efi", "grubaa64.efi", "ramdisk-arm64/vmlinuz", "ramdisk-arm64/initrd"} {
		sc.wantAsked(t, "arm1", "tftp", file)
	}
	sc.WantOnePowerOn(t, "arm1")
}
