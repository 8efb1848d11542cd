package pxe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"socle/inventory"
)

const grubAsks = "grub/machine-x86_64/01-52:54:00:00:00:0a/u-11223344-5566-7788-99AA-bbccddeeff00/s-"

var guest = netip.MustParseAddr("198.18.0.100")

// grub reads one file as GRUB does by TFTP.
func grub(t *testing.T, opt HTTPOptions, name string) (string, error) {
	t.Helper()
	opt.BootURL = testBase
	if opt.Files == nil {
		opt.Files = files{}
	}
	resolve, err := NewGRUB(opt)
	if err != nil {
		t.Fatal(err)
	}
	f, size, err := resolve(t.Context(), guest, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || int64(len(b)) != size {
		t.Errorf("%s has %d bytes, %d were announced: %v", name, len(b), size, err)
	}
	return string(b), nil
}

func TestGRUBAnswers(t *testing.T) {
	ramdisk := planner{plan: Plan{Target: inventory.BootRamdisk, Name: "hv01", Params: []string{"socle.server=https://198.18.0.1:8443", "socle.token=t0-K_en"}}}
	const mac = "52:54:00:00:00:0a"
	for _, tc := range []struct {
		golden, name string
		p            planner
		holder       string
	}{
		{"start.cfg", "grub/grub.cfg", planner{}, mac},
		{"start.cfg", "grub/x86_64-efi/grub.cfg", planner{}, mac},
		{"start.cfg", "grub/arm64-efi/grub.cfg", planner{}, mac},
		{"ramdisk.cfg", grubAsks + "SN1", ramdisk, mac},
		{"ramdisk-arm64.cfg", strings.Replace(grubAsks, "x86_64", "arm64", 1) + "SN1", ramdisk, mac},
		{"disk.cfg", grubAsks + "SN1", planner{plan: Plan{Target: inventory.BootDisk, Name: "hv01"}}, mac},
		{"nothing.cfg", grubAsks + "SN1", planner{plan: Plan{Name: "hv01"}}, mac},
		{"unknown.cfg", grubAsks + "SN1", planner{err: fmt.Errorf("looking: %w", ErrUnknown)}, mac},
		{"unavailable.cfg", grubAsks + "SN1", planner{err: errors.New("connection refused")}, mac},
		{"unavailable.cfg", grubAsks + "SN1", planner{plan: Plan{Target: inventory.BootRamdisk, Params: []string{"a'; reboot"}}}, mac},
		{"stranger.cfg", grubAsks + "SN1", ramdisk, "52:54:00:00:00:0b"},
		{"stranger.cfg", grubAsks + "SN1", ramdisk, ""},
		{"anonymous.cfg", "grub/machine-x86_64/01-nonsense/u-/s-", ramdisk, mac},
		{"anonymous.cfg", "grub/machine-x86_64/", ramdisk, mac},
	} {
		rec := &recorder{}
		got, err := grub(t, HTTPOptions{Planner: tc.p, Recorder: rec, RequireLease: true,
			Holder: func(netip.Addr) (string, bool) { return tc.holder, tc.holder != "" }}, tc.name)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, tc.golden, []byte(got))
		if want := strings.TrimSuffix(strings.TrimSuffix(tc.golden, ".cfg"), "-arm64"); want != "start" && !rec.has("tftp", "GRUB script", "script "+want) {
			t.Errorf("%s: no evidence: %+v", tc.golden, rec.list())
		}
	}
}

// TestGRUBReadsItsConfigurations has GRUB's own parser read them.
func TestGRUBReadsItsConfigurations(t *testing.T) {
	all, err := filepath.Glob("testdata/*.cfg")
	if err != nil || len(all) < 8 {
		t.Fatalf("%v %v", all, err)
	}
	for _, file := range all {
		if out, err := exec.CommandContext(t.Context(), "grub-script-check", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

func TestGRUBServesNothingElse(t *testing.T) {
	have := files{"ramdisk/vmlinuz": []byte("kernel"), "ramdisk/initrd": []byte("initrd"), "grubx64.efi": []byte("grub"),
		"manifest.json": []byte("{}"), "ramdisk/ramdisk.json": []byte("{}")}
	opt := HTTPOptions{Planner: planner{}, Files: have}
	for _, name := range []string{"ramdisk/vmlinuz", "ramdisk/initrd", "grubx64.efi"} {
		if got, err := grub(t, opt, name); err != nil || got != string(have[name]) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "manifest.json", "ramdisk/ramdisk.json", "ramdisk/../manifest.json", "../secret", "grub/", "grub/grub.cfg/", "grub/x86_64-efi/fs.lst", "/etc/passwd"} {
		if _, err := grub(t, opt, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, want not found", name, err)
		}
	}
}

func TestGRUBClient(t *testing.T) {
	const uuid = "11223344-5566-7788-99aa-bbccddeeff00"
	for _, tc := range []struct{ name, mac, uuid, serial string }{
		{grubAsks + "SN1", "52:54:00:00:00:0a", uuid, "SN1"},
		{grubAsks + `SN "1'/&|;${x}`, "52:54:00:00:00:0a", uuid, `SN "1'/&|;${x}`},
		{grubAsks + "\x1b[2J", "52:54:00:00:00:0a", uuid, ""},
		{grubAsks + strings.Repeat("x", maxText+1), "52:54:00:00:00:0a", uuid, ""},
		{"grub/machine-x86_64/01-52:54:00:00:00:0a/u-/s-SN1", "52:54:00:00:00:0a", "", "SN1"},
		{"grub/machine-x86_64/01-52:54:00:00:00:0a/u-x/y", "52:54:00:00:00:0a", "", ""},
		{"grub/machine-x86_64/52:54:00:00:00:0a/u-/s-SN1", "", "", ""},
		{"grub/machine-x86_64/01-../u-/s-SN1", "", "", "SN1"},
		{grubAsks + strings.Repeat("x", maxQuery), "", "", ""},
	} {
		c := grubTrees[0].client(guest, tc.name)
		if c.MAC != tc.mac || c.UUID != tc.uuid || c.Serial != tc.serial || c.Addr != guest {
			t.Errorf("%.100q: %+v", tc.name, c)
		}
	}
}

// FuzzGRUBName looks for a name that brings anything but a checked form into a configuration.
func FuzzGRUBName(f *testing.F) {
	f.Add(grubAsks + "SN1")
	f.Add("grub/machine-x86_64/01-52:54:00:00:00:0a/u-/s-'; reboot; '")
	f.Add("grub/machine-x86_64//u/s")
	f.Fuzz(func(t *testing.T, name string) {
		c := grubTrees[0].client(guest, name)
		if c.MAC != "" && inventory.NormalizeMAC(c.MAC) != c.MAC || c.UUID != "" && !okUUID(c.UUID) || text(c.Serial) != c.Serial {
			t.Errorf("%q: %+v", name, c)
		}
	})
}
