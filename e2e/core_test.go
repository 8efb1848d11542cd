package e2e

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"socle/api"
	"socle/lab"
)

// mebi is 1 MiB.
const mebi = 1 << 20

// TestCoreFromManifestToActive is the main job: the manifest of two servers, one of each firmware and BMC protocol,
// is imported, and they are found, booted, inspected, matched, deployed and call home from their own disks. A third
// one that nobody announced is switched on beside them, and has to be seen, held and left alone.
func TestCoreFromManifestToActive(t *testing.T) {
	a := Built(t)
	if size := a.KernelAndInitrd(t); size >= 40*1000*1000 {
		t.Errorf("kernel and initrd have %d bytes, more than 40 MB", size)
	} else {
		t.Logf("kernel and initrd have %d bytes", size)
	}
	store, stray := UEFI("uefi1", 2), UEFI("alien", 9)
	store.Disks = append(store.Disks, lab.Disk{Serial: "UEFI1-D1", SizeMiB: 1 << 10, Transport: "sata"})
	stray.Stray = true
	dir := Dir(t, a)
	spec := Spec(BIOS("bios1", 1), store, stray)
	r := RackUp(t, a, dir, spec)
	t.Cleanup(func() {
		if t.Failed() {
			r.tell(t)
		}
	})
	s := Serve(t, a, r, dir, ServerOptions{})
	sc := &Scene{Rack: r, Server: s, Dir: dir}

	wantTokens(t, s)
	sc.Import(t, spec)
	s.Do(t, "buildout")
	r.Power(t, "alien", lab.PowerOn)
	held := s.awaitStray(t, "E2E-ALIEN")
	wantRefused(t, s, held)
	s.Active(t, 20*time.Minute, "bios1", "uefi1")

	for _, name := range []string{"bios1", "uefi1"} {
		r.WantOnePowerOn(t, name)
		s.WantOneImage(t, name)
		wantBooted(t, s, a, name)
	}
	if len(s.Orders(t, "uefi1", api.OrderPrepareDisk)) != 1 || !strings.Contains(string(r.Head(t, "uefi1", 1, mebi)), wide("socle-d1")) {
		t.Error("the data disk of uefi1 has no partition called socle-d1")
	}
	if got := r.PowerActions(t, "alien"); len(got) > 0 {
		t.Errorf("the BMC of the stray server was asked for %v", got)
	}
	if !r.Untouched(t, "alien", 0) {
		t.Error("something was written to the disk of the stray server")
	}
	wantNoBootToken(t, s, held)
	s.Stop(t)
}

// awaitStray waits until a server that is in no manifest is seen, looked at and held.
func (s *Server) awaitStray(t *testing.T, serial string) api.Machine {
	t.Helper()
	m := s.Await(t, serial, 12*time.Minute, "is inspected and held", func(m api.Machine) bool {
		return m.State == "discovered" && m.Hold != nil && m.FactsAt != nil
	})
	if m.InPlan || !strings.Contains(m.Hold.Reason, "manifest") || m.Intent != "" {
		t.Errorf("the stray server is %+v, held %+v", m, m.Hold)
	}
	return m
}

// wantRefused tries to deploy what must not be deployed.
func wantRefused(t *testing.T, s *Server, stray api.Machine) {
	t.Helper()
	for _, tc := range []struct {
		why string
		cmd []string
	}{
		{"with another machine's serial", []string{"machine", "deploy", "bios1", "--serial", "E2E-UEFI1"}},
		{"while it is held", []string{"machine", "deploy", stray.Name, "--serial", stray.Serial}},
		{"in a build-out, in no manifest", []string{"buildout", stray.Name}},
	} {
		if out, code := s.CLI(t, tc.cmd...); code != 5 {
			t.Errorf("deploying %s ended with code %d, want 5:\n%s", tc.why, code, out)
		}
	}
	if now, err := s.API.Machine(t.Context(), stray.Name); err != nil || now.Intent != "" || now.State != "discovered" {
		t.Errorf("the stray server is now %+v (%v)", now, err)
	}
}

// wantBooted wants evidence that a machine fetched kernel and initrd over the network, whole, exactly once.
func wantBooted(t *testing.T, s *Server, a Artefacts, name string) {
	t.Helper()
	lines, err := s.API.Evidence(t.Context(), name, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, e := range lines {
		if e.Source == "http" && (strings.Contains(e.Asked, "vmlinuz") || strings.Contains(e.Asked, "initrd")) {
			sum += e.Bytes
		}
	}
	if want := a.KernelAndInitrd(t); sum != want {
		t.Errorf("%s fetched %d bytes of kernel and initrd, which have %d; evidence: %+v", name, sum, want, lines)
	}
}

// wide is a text in UTF-16, as GPT writes the names of partitions (UEFI 2.10, 5.3.3).
func wide(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// ask makes one request with a token, and returns its answer's status and text.
func ask(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // what is tested here is what strangers can do
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, mebi))
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// wantTokens wants nothing read or changed without the admin token, which only its owner can read.
func wantTokens(t *testing.T, s *Server) {
	t.Helper()
	info, err := os.Stat(filepath.Join(s.Data, "admin-token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the admin token's file: %v %v, want mode 0600", info.Mode(), err)
	}
	token, err := s.Token()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz", api.PathOpenAPI} {
		if code, text := ask(t, http.MethodGet, s.URL+path, "", ""); code != http.StatusOK {
			t.Errorf("GET %s without a token: %d %s", path, code, text)
		}
	}
	for _, bad := range []string{"", "guessed", token + "x", strings.ToUpper(token)} {
		for _, req := range [][2]string{
			{http.MethodGet, api.PathMachines}, {http.MethodGet, api.PathEvents}, {http.MethodGet, api.PathStream}, {http.MethodPost, api.PathManifests},
			{http.MethodPost, api.PathBuildOut}, {http.MethodPost, api.PathMachines + "/bios1/power"}, {http.MethodPost, api.PathMachines + "/bios1/deploy"},
			{http.MethodPost, api.PathMachines + "/bios1/release"}, {http.MethodGet, api.PathNextOrder}, {http.MethodPost, api.PathFacts},
		} {
			if code, text := ask(t, req[0], s.URL+req[1], bad, "{}"); code != http.StatusUnauthorized {
				t.Errorf("%s %s with the token %q: %d %s", req[0], req[1], bad, code, text)
			}
		}
	}
	if code, _ := ask(t, http.MethodGet, s.URL+api.PathFacts, token, ""); code == http.StatusOK {
		t.Error("a person's token is taken from an agent")
	}
	wrong := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(wrong, []byte("guessed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := s.CLI(t, "buildout", "--token-file", wrong); code != 4 {
		t.Errorf("a build-out with a wrong token ended with code %d, want 4:\n%s", code, out)
	}
}

// wantNoBootToken asks for another server's boot script, with its boot token, as anybody on the network can.
func wantNoBootToken(t *testing.T, s *Server, m api.Machine) {
	t.Helper()
	code, script := ask(t, http.MethodGet, s.Boot+"/boot/script.ipxe?mac="+m.NICMACs[0]+"&uuid="+m.UUID+"&arch=x86_64&platform=efi&serial="+m.Serial+"&asset=", "", "")
	if code != http.StatusOK || !strings.HasPrefix(script, "#!ipxe") || strings.Contains(script, api.ParamToken) {
		t.Errorf("a stranger asked for the boot script of %s and got: %d %s", m.Name, code, script)
	}
	list, err := s.API.Machines(t.Context(), "", "")
	text, merr := json.Marshal(list)
	if err != nil || merr != nil || strings.Contains(string(text), "-secret") {
		t.Errorf("the BMCs' passwords are shown: %s (%v %v)", text, err, merr)
	}
}
