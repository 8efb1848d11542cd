package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNetBox imports from files, folders and a NetBox, and exports.
func TestNetBox(t *testing.T) {
	world, flags := rack(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	box := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Token abc" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"count":0,"next":null,"previous":null,"results":[]}`))
	}))
	t.Cleanup(box.Close)
	ca := write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: box.Certificate().Raw})))
	token, other, two, out := write("token", "abc\n"), write("other", "xyz\n"), write("two", "a b\n"), filepath.Join(dir, "out")
	file := write("devices.csv", "name,role,manufacturer,device_type,site\n")
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"netbox import", exitUsage, []string{"name files or folders"}},
		{"netbox import x --url https://netbox", exitUsage, []string{"one of both"}},
		{"netbox import " + filepath.Join(dir, "gone"), 1, []string{"no such file"}},
		{"netbox import " + file + " --dry-run --role Server=server", 0, []string{"devices.csv  m1", "changed (dry run)", "u 4 → 7", "nothing is kept here", "0 added, 0 changed, 0 same (dry run)"}},
		{"netbox import --url http://netbox --url-token-file " + token, exitUsage, []string{"https only"}},
		{"netbox import --url " + box.URL + " --url-token-file " + two + " --url-ca-file " + ca, 1, []string{"one word"}},
		{"netbox import --url " + box.URL + " --url-token-file " + token, 1, []string{"certificate"}},
		{"netbox import --url " + box.URL + " --url-token-file " + token + " --url-ca-file " + token, 1, []string{"no certificate in PEM"}},
		{"netbox import --url " + box.URL + " --url-token-file " + other + " --url-ca-file " + ca, 1, []string{"403", "the token must be"}},
		{"netbox import --url " + box.URL + " --url-token-file " + token + " --url-ca-file " + ca + " -o json", 0, []string{`"from": "devices-0001.json"`}},
		{"netbox export " + out, 0, []string{"01-manufacturers.csv\n02-sites.csv\n", "10-devices.csv\n"}},
		{"netbox export " + out, 1, []string{"exists"}},
		{"netbox export " + out + ".zip --before-4.2", 0, nil},
		{"netbox import " + out + " " + out + ".zip", 0, []string{"10-devices.csv", "11-interfaces.csv"}},
	} {
		got, err := run(t.Context(), append(strings.Fields(tc.line), flags...)...)
		if code := exitCode(err); code != tc.code {
			t.Errorf("%s: exit %d, want %d: %v", tc.line, code, tc.code, err)
		}
		if err != nil {
			got += err.Error()
		}
		for _, want := range tc.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", tc.line, want, got)
			}
		}
	}
	if all := strings.Join(world.Calls(), "\n"); !strings.Contains(all, "imports devices.csv of NetBox, dry run true, roles [Server=server]") || strings.Contains(all, "abc") {
		t.Error(all)
	}
}
