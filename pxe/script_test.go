package pxe

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/inventory"
)

var update = flag.Bool("update", false, "write the golden files anew")

const testBase = "http://198.18.0.1:8080"

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestScriptGoldens(t *testing.T) {
	bios := Client{MAC: "52:54:00:00:00:0A", Arch: ArchBIOS}
	uefi := Client{IPXE: true, MAC: "52:54:00:00:00:0a", Arch: ArchEFIX64}
	plan := Plan{Target: inventory.BootRamdisk, Name: "hv01", Params: []string{"socle.server=https://198.18.0.1:8443", "socle.token=t0-K_en", "quiet"}}
	for _, tc := range []struct {
		golden, script string
		c              Client
		p              Plan
	}{
		{"start.ipxe", scriptStart, Client{Arch: ArchUnknown}, Plan{}},
		{"ramdisk-bios.ipxe", scriptRamdisk, bios, plan},
		{"ramdisk-uefi.ipxe", scriptRamdisk, uefi, plan},
		{"disk-bios.ipxe", scriptDisk, bios, plan},
		{"disk-uefi.ipxe", scriptDisk, uefi, plan},
		{"nothing.ipxe", scriptNothing, bios, plan},
		{"unknown.ipxe", scriptUnknown, bios, Plan{}},
		{"unavailable.ipxe", scriptUnavailable, bios, Plan{}},
		{"anonymous.ipxe", scriptAnonymous, Client{}, Plan{}},
		{"stranger.ipxe", scriptStranger, bios, Plan{}},
	} {
		t.Run(tc.golden, func(t *testing.T) {
			s, err := newScript(testBase, tc.c, tc.p)
			if err != nil {
				t.Fatal(err)
			}
			b, err := render(tc.script, s)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tc.golden, b)
			wellFormed(t, string(b))
		})
	}
}

var (
	gotoLabel = regexp.MustCompile(`goto ([a-z_]+)`)
	download  = regexp.MustCompile(`^(kernel|initrd|chain|boot|sanboot|dhcp|imgfetch) `)
)

// wellFormed checks what must hold of every script: it begins as one, every goto has its label, every
// command that can fail says what then, and a line that the script can end on goes somewhere.
func wellFormed(t *testing.T, s string) {
	t.Helper()
	if !strings.HasPrefix(s, "#!ipxe\n") {
		t.Error("the script does not begin with #!ipxe")
	}
	for _, m := range gotoLabel.FindAllStringSubmatch(s, -1) {
		if !strings.Contains(s, "\n:"+m[1]+"\n") {
			t.Errorf("goto %s has no label", m[1])
		}
	}
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for _, l := range lines {
		if download.MatchString(l) && !strings.Contains(l, "||") {
			t.Errorf("%q does not say what happens when it fails", l)
		}
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "goto ") && last != "exit 1" {
		t.Errorf("the script can end after %q: iPXE would go on to the next boot device", last)
	}
}

func TestOnlyDiskLeavesTheScript(t *testing.T) {
	for _, name := range []string{scriptStart, scriptRamdisk, scriptNothing, scriptUnknown, scriptUnavailable, scriptAnonymous, scriptStranger} {
		s, _ := newScript(testBase, Client{Arch: ArchEFIX64}, Plan{})
		b, err := render(name, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"sanboot", "exit", "reboot"} {
			if regexp.MustCompile(`(?m)^[^#e]*\b` + word + `\b`).Match(b) {
				t.Errorf("script %s has %s: it must wait instead", name, word)
			}
		}
	}
}

var hostile = []string{
	"a b", "a\nchain http://evil/", "a\rb", "a\tb", `a"b`, "a'b", "${net0/mac}", "a||b", "a&&b", "a;b", "a`id`", "$(id)", "a\\b",
	"a#b", "a{{.Start}}", "a\x00b", "é", "", "=x", strings.Repeat("a", 2000), "a=" + strings.Repeat("b", 600), "a|b", "a>b", "a<b", "a*b", "a!b",
}

func TestHostileParamsAreRefused(t *testing.T) {
	for _, p := range hostile {
		if _, err := newScript(testBase, Client{}, Plan{Params: []string{"ok=1", p}}); err == nil {
			t.Errorf("parameter %.40q was let through", p)
		}
		if p != "" && p != "=x" && len(p) < 500 {
			_, err := newScript(testBase, Client{}, Plan{Params: []string{"socle.token=" + p + " "}})
			if err == nil {
				t.Errorf("value %.40q was let through", p)
			} else if strings.Contains(err.Error(), p) {
				t.Errorf("the error shows the value: %v", err)
			}
		}
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = "name=" + strings.Repeat("v", 50)
	}
	if _, err := newScript(testBase, Client{}, Plan{Params: many}); err == nil {
		t.Error("a command line that the kernel would cut was let through")
	}
}

func TestHostileNamesAreLeftOut(t *testing.T) {
	for _, n := range hostile {
		s, err := newScript(testBase, Client{MAC: n, Serial: n, AssetTag: n, UUID: n}, Plan{Name: n, Machine: n})
		if err != nil {
			t.Fatal(err)
		}
		if s.MAC != "" || s.Name != "" {
			t.Errorf("%.40q came in as MAC %q, name %q", n, s.MAC, s.Name)
		}
	}
}

func TestCheckBase(t *testing.T) {
	for base, ok := range map[string]bool{
		"http://198.18.0.1:8080": true, "http://198.18.0.1:8080/": true, "http://boot.example:80": true, "http://[2001:db8::1]:80": true,
		"https://198.18.0.1": false, "": false, "198.18.0.1:80": false, "http://a b": false, "http://a/b": false, "http://u:p@a": false,
		"http://a?x": false, "http://a${x}": false, "http://a\n": false,
	} {
		if _, err := checkBase(base); (err == nil) != ok {
			t.Errorf("checkBase(%q) = %v", base, err)
		}
	}
}
