package probe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"socle/hardware"
)

// TestCollect compares everything that is seen of a recorded server with testdata/server.json.
func TestCollect(t *testing.T) {
	r := tree(t, "testdata/server.tree")
	dmi := filepath.Join(r.Sys, "firmware/dmi/tables")
	if err := os.MkdirAll(dmi, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dmi, "DMI"), sampleTable(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(r.Collect(t.Context()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := "testdata/server.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("facts (-golden +got):\n%s", diff)
	}
}

// TestNothingThere: a machine that shows nothing gives problems, not a crash.
func TestNothingThere(t *testing.T) {
	dir := t.TempDir()
	f := Root{Sys: dir, Proc: dir, Dev: dir}.Collect(t.Context())
	if len(f.Problems) != 3 || f.Firmware.Mode != "bios" || f.BMC != nil || f.TPM != nil {
		t.Errorf("facts of nothing: %+v", f)
	}
}

func TestSerial(t *testing.T) {
	for _, tc := range []struct {
		system hardware.System
		want   string
	}{
		{hardware.System{Serial: "S1", ChassisSerial: "C1"}, "S1"},
		{hardware.System{Serial: "To Be Filled By O.E.M.", ChassisSerial: "C1"}, "C1"},
		{hardware.System{Serial: " 0123456789 ", ChassisSerial: "Default string", BoardSerial: "B1"}, "B1"},
		{hardware.System{Serial: "None"}, ""},
	} {
		if got := Serial(tc.system); got != tc.want {
			t.Errorf("%+v: serial %q, want %q", tc.system, got, tc.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", strings.Repeat("ü", 300), "a\x00b\xff\x1b[2J", strings.Repeat(" ", 5000), "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := Clean(s)
		if len(c) > maxText || !utf8.ValidString(c) || strings.ContainsAny(c, "\x00\n\r\x1b") {
			t.Errorf("%q became %q", s, c)
		}
		if again := Clean(c); again != c {
			t.Errorf("cleaning twice: %q, then %q", c, again)
		}
	})
}

func TestContents(t *testing.T) {
	at := func(offset int, magic string) []byte {
		return append(make([]byte, offset), magic+strings.Repeat("\x00", 16)...)
	}
	for want, head := range map[string][]byte{
		"empty": make([]byte, 8192), "unknown": at(700, "x"), "gpt": append(at(510, "\x55\xaaEFI PART"), make([]byte, 512)...), "mbr": at(510, "\x55\xaa"),
		"ext4": at(0x438, "\x53\xef"), "xfs": at(0, "XFSB"), "luks": at(0, "LUKS\xba\xbe"), "lvm": at(512, "LABELONE"),
		"md": at(4096, "\xfc\x4e\x2b\xa9"), "btrfs": at(0x10040, "_BHRfS_M"), "iso9660": at(0x8001, "CD001"), "swap": at(4086, "SWAPSPACE2"),
		"ceph": at(0, "bluestore block device\n"),
	} {
		if got := classify(head); got != want {
			t.Errorf("classified as %q, want %q", got, want)
		}
	}
}

func TestATAText(t *testing.T) {
	if got := ataText([]byte("  BAFEDCYZ  ")); got != "ABEFCDZY" {
		t.Errorf("ATA text %q", got)
	}
}
