package why

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"socle/api"
)

// TestTLSAndSessions is a boot up to the agent's session, with curl in the agent's place; the agent itself is in
// TestAgentE2E. At each step the whole server says what is wrong.
func TestTLSAndSessions(t *testing.T) {
	h := newHouse(t, "")
	c := h.plug(nic)
	c.dhcp(asHTTP)
	c.try("curl -sS -m 20 '" + secureURL + "/boot/machine.efi'")
	h.wantVerdict("hv01", "https-distrusted", soon, "unknown certificate authority")

	c.dhcp(asIPXE)
	c.get("/boot/start.ipxe")
	c.get(script + "&serial=SN-1")
	text, err := os.ReadFile(filepath.Join(c.dir, "got"))
	h.must(err)
	token := regexp.MustCompile(api.ParamToken + `=(\S+)`).FindStringSubmatch(string(text))
	if token == nil {
		t.Fatalf("the script has no token:\n%s", text)
	}
	c.dhcp(asAgent)
	h.wantVerdict("hv01", "agent-mute", soon, "198.18.0.")
	c.try("curl -sS -m 20 https://" + own + ":8443" + api.PathSession)
	h.wantVerdict("hv01", "agent-distrusts", soon, "unknown certificate authority")

	session := func(token, serial string) {
		t.Helper()
		body, err := json.Marshal(api.SessionRequest{Token: token, BootID: "b1", Serial: serial, NICMACs: []string{nic}, Version: "curl", Arch: "amd64"})
		h.must(err)
		h.must(os.WriteFile(filepath.Join(c.dir, "session"), body, 0o600))
		c.sh("curl -sS -m 20 --cacert '" + filepath.Join(h.data, "ca.crt") + "' -H 'Content-Type: application/json' -d @session https://" + own + ":8443" + api.PathSession)
	}
	session("invented", "SN-1")
	h.wantVerdict("hv01", "agent-refused", soon, "token")
	session(token[1], "SN-9")
	h.wantVerdict("hv01", "agent-refused", soon, "SN-9")
	session(token[1], "SN-1")
	h.wantVerdict("hv01", "agent-speaks", soon)
}
