package ui

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"socle/hardware"
	"socle/inventory"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain – ü 漢":               "plain – ü 漢",
		"two\nlines\r\ttab":         "two lines  tab",
		"\x1b[31mred\x1b[0m":        "�[31mred�[0m",
		"user\u202egnp.exe":         "user�gnp.exe",
		"zero\u200bwidth":           "zero�width",
		"nul\x00":                   "nul�",
		"bad \xff\xfe utf8":         "bad � utf8",
		strings.Repeat("é", 300):    strings.Repeat("é", 200) + "…",
		"<script>alert(1)</script>": "<script>alert(1)</script>", // the template's business
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestScrub(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	now := time.Now()
	in := inventory.Machine{Name: long, Since: now, Facts: &hardware.Facts{
		Disks: make([]hardware.Disk, 5000), Problems: []string{long}, BMC: &hardware.BMC{Vendor: "a\x00b"},
		NICs: []hardware.NIC{{LLDP: []hardware.Neighbor{{PortDesc: long}}}},
	}}
	out := scrub(in)
	if len(out.Name) > 2*maxText || len(out.Facts.Disks) != maxItems || len(out.Facts.Problems[0]) > 2*maxText || len(out.Facts.NICs[0].LLDP[0].PortDesc) > 2*maxText {
		t.Error("something is longer than it may be")
	}
	if out.Facts.BMC.Vendor != "a�b" || !out.Since.Equal(now) {
		t.Errorf("vendor %q, since %v", out.Facts.BMC.Vendor, out.Since)
	}
	if len(in.Facts.Disks) != 5000 || in.Name != long {
		t.Error("the original was changed")
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a", "\xff", strings.Repeat("漢", 200), "\u202e\n\x1b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t\x00\x1b\u202e") || utf8.RuneCountInString(got) > maxText+1 {
			t.Errorf("clean(%q) = %q", s, got)
		}
	})
}
