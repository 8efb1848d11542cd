package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"socle/inventory"
)

func TestFirmware(t *testing.T) {
	world, flags := rack(t)
	for _, name := range []string{"hv01", "hv02", "hv03", "st01"} {
		world.Ail(name, inventory.Condition{}, nil, nil, nil, false)
	}
	world.Ail("st02", inventory.Condition{}, nil, nil, nil, true)
	file := files(t)
	good, bad := file("good.yaml", "name: autumn\nrules: []\n"), file("bad.yaml", "name: autumn\n")
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"firmware status", 3, nil},
		{"firmware baseline show autumn", 3, nil},
		{"firmware baseline put " + bad, 2, []string{"line 1, rules"}},
		{"firmware baseline put " + good, 0, []string{"autumn", "1"}},
		{"firmware baseline list", 0, []string{"autumn", "token:admin"}},
		{"firmware baseline show autumn", 0, []string{"name: autumn\nrules: []\n"}},
		{"firmware baseline show autumn --version 7", 3, nil},
		{"firmware report hv[01-03],st01", exitBelow, []string{"older     BIOS", "not asked BMC", "3  hv[01-03]: Supermicro SYS: BIOS 3.4 is older, >= 3.8a is asked for", "1  st01: Supermicro SYS: as the baseline asks", "below the baseline: hv[01-03]"}},
		{"firmware report st01", 0, []string{"ok        BIOS"}},
		{"firmware report st01,st02", 6, []string{"st02  failed"}},
		{"firmware update hv[01-03],st01 --to autumn --wave 1,50% --dry-run", 0, []string{"wave 1 (1): hv01\n", "wave 2 (50%): hv02\n", "wave 3 (100%): hv03\n"}},
		{"firmware update st01 --to autumn", 0, []string{"nothing to do"}},
		{"firmware update hv01 --wave 0", 2, []string{"wave"}},
		{"firmware update hv[01-03],st01 --to autumn", 0, []string{"stopped: hv02 failed", "hv01     done", "the BMC failed to update BIOS", "hv03     waiting"}},
		{"firmware status", 0, []string{"autumn version 1", "1 of 1,10%,100%"}},
		{"firmware status c1 -o json", 0, []string{`"phase": "follow"`, `"state": "stopped"`}},
		{"firmware stop --end", 0, nil},
		{"firmware resume c1", 0, nil},
		{"firmware resume nobody", 3, nil},
	} {
		out, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if err != nil {
			out += err.Error()
		}
		if got := exitCode(err); got != tc.code {
			t.Errorf("%s: exit %d, want %d: %s", tc.line, got, tc.code, out)
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, out)
			}
		}
	}
	for _, want := range []string{"token:admin: update hv01,hv02,hv03", "token:admin: stop the campaign, end true", "token:admin: resume the campaign"} {
		if !slices.Contains(world.Calls(), want) {
			t.Errorf("%q is not among %q", want, world.Calls())
		}
	}
	dir := t.TempDir()
	out, err := run(t.Context(), "firmware", "add", file("bios.exe", "firmware"), "--data-dir", dir)
	if err != nil || !strings.Contains(out, "bios.exe") {
		t.Errorf("%q, %v", out, err)
	}
	if list, err := os.ReadDir(filepath.Join(dir, "firmware")); err != nil || len(list) != 1 || !strings.Contains(out, list[0].Name()) {
		t.Errorf("%v, %v: %s", list, err, out)
	}
}
