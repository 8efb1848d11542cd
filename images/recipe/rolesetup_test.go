package recipe

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// python runs a script with a program of the image loaded as module m.
func python(t *testing.T, program, script string, args ...string) (string, error) {
	t.Helper()
	const load = `
import importlib.machinery, importlib.util, sys
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("m", sys.argv[1])
m = importlib.util.module_from_spec(importlib.util.spec_from_loader("m", loader))
loader.exec_module(m)
`
	args = append([]string{"-c", load + script, "overlay/base/usr/lib/socle/" + program}, args...)
	out, err := exec.CommandContext(t.Context(), "python3", args...).CombinedOutput()
	return string(out), err
}

// TestDataDiskFileSystems lets role-setup meet data disks, as files, with the real blkid and mkfs.xfs.
func TestDataDiskFileSystems(t *testing.T) {
	const script = `
import subprocess
m.PARTLABELS = sys.argv[2] + "/socle-"
m.SETTLE = ["true"]
m.file_system({"label": "d1", "serial": "SN1"})
print(m.content(m.PARTLABELS + "d1")["LABEL"])
`
	tests := map[string]struct {
		prepare []string
		after   []string // arguments that follow the disk
		want    string   // of the output; of the error when refused
		refused bool
	}{
		"blank":                   {nil, nil, "d1", false},
		"ours":                    {[]string{"mkfs.xfs", "-q", "-L", "d1"}, nil, "d1", false},
		"another label":           {[]string{"mkfs.xfs", "-q", "-L", "d7"}, nil, "LABEL=d7", true},
		"somebody's file system":  {[]string{"mke2fs", "-q", "-t", "ext4"}, nil, "TYPE=ext4", true},
		"somebody's swap":         {[]string{"mkswap"}, nil, "TYPE=swap", true},
		"a disk that is no blank": {[]string{"parted", "-s"}, []string{"mklabel", "gpt"}, "PTTYPE=gpt", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			disk := filepath.Join(dir, "socle-d1")
			if err := os.WriteFile(disk, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(disk, 320<<20); err != nil {
				t.Fatal(err)
			}
			if tt.prepare != nil {
				if out, err := exec.Command(tt.prepare[0], append(append(tt.prepare[1:], disk), tt.after...)...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %v: %s", tt.prepare, err, out)
				}
			}
			before := written(t, disk)
			out, err := python(t, "role-setup", script, dir)
			if (err != nil) != tt.refused || !strings.Contains(out, tt.want) {
				t.Errorf("refused %v (want %v): %s", err != nil, tt.refused, out)
			}
			if tt.prepare != nil && written(t, disk) != before {
				t.Error("a disk with something on it was written to")
			}
		})
	}
}

// written is when a file was last written to.
func written(t *testing.T, path string) time.Time {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.ModTime()
}

// TestPhoneHome lets phone-home meet a server that is down, then starting, then well.
func TestPhoneHome(t *testing.T) {
	dir := t.TempDir()
	answers := []int{http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusNoContent}
	var bodies []map[string]any
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b map[string]any
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Error(err)
		}
		w.WriteHeader(answers[min(len(bodies), len(answers)-1)])
		bodies = append(bodies, b)
	}))
	defer srv.Close()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", pemOf(srv.Certificate()))
	write("phone-home.json", `{"url": "`+srv.URL+`/agent/v1/phone-home/tok", "ca": "`+ca+`"}`)
	write("role-status.json", `{"role": "storage", "state": "failed", "message": "data disk d1 \"x\""}`)
	const script = `
import os
d = sys.argv[2]
m.CONFIG, m.STATUS, m.DONE = d + "/phone-home.json", d + "/role-status.json", d + "/done"
m.time.sleep = lambda s: print("sleeps", s)
sync, posted = os.sync, m.json.dumps
m.os.sync = lambda: (print("syncs"), sync())
m.json.dumps = lambda v: (print("reports"), posted(v))[1]
m.main()
`
	began := time.Now()
	out, err := python(t, "phone-home", script, dir)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(bodies) != 3 || strings.Count(out, "sleeps") != 2 {
		t.Fatalf("%d calls: %s", len(bodies), out)
	}
	b := bodies[2]
	if b["state"] != "failed" || b["message"] != `data disk d1 "x"` || b["role"] != "storage" || b["hostname"] == "" {
		t.Errorf("the call says %v", b)
	}
	if _, err := os.Stat(filepath.Join(dir, "done")); err != nil {
		t.Error(err)
	}
	if strings.Count(out, "syncs\nreports\n") != 3 || !strings.HasSuffix(out, "syncs\n") {
		t.Errorf("what a first boot wrote is not on the disk before each call, and the call itself after it: %s", out)
	}
	if strings.Contains(out, "tok") {
		t.Errorf("the token is in the log: %s", out)
	}
	t.Logf("%v", time.Since(began))
}
