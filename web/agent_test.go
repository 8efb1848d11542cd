package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socle/api"
	"socle/web/webtest"
)

// TestAgentRoad goes the way of one boot.
func TestAgentRoad(t *testing.T) {
	world, srv := start(t)
	post := func(path, token, body string, want int) string {
		t.Helper()
		res, text := call(t, http.MethodPost, srv.URL+path, token, body)
		if res.StatusCode != want {
			t.Fatalf("POST %s: %d %s, want %d", path, res.StatusCode, text, want)
		}
		return text
	}
	post(api.PathSession, "", `{"token":"no such token"}`, http.StatusUnauthorized)
	reply := post(api.PathSession, "", `{"token":"`+webtest.BootToken+`","serial":"S1","boot_id":"b","from_the_future":1}`, http.StatusOK)
	if !strings.Contains(reply, webtest.AgentToken) {
		t.Fatalf("no token in %s", reply)
	}
	post(api.PathFacts, webtest.AgentToken, `{"facts":{"system":{"serial":"S1"}}}`, http.StatusNoContent)
	post(api.PathLinks, webtest.AgentToken, `{"links":[{"nic":"eth0","mac":"a","up":true,"lldp":[{"chassis_id":"c","port_id":"7","system_name":"leaf"}]}]}`, http.StatusNoContent)
	post(api.PathLinks, webtest.AgentToken, `{"links":"`+strings.Repeat("x", 300<<10)+`"}`, http.StatusRequestEntityTooLarge)
	next := srv.URL + api.PathNextOrder
	if res, _ := call(t, http.MethodGet, next+"?wait=10ms", webtest.AgentToken, ""); res.StatusCode != http.StatusNoContent {
		t.Errorf("without an order: %d", res.StatusCode)
	}
	go func() {
		time.Sleep(50 * time.Millisecond) // the order comes while the agent waits
		world.Give(api.Order{ID: "o9", Kind: api.OrderReboot, Serial: "S1", Session: "session-1"})
	}()
	if res, body := call(t, http.MethodGet, next+"?wait=20s", webtest.AgentToken, ""); res.StatusCode != 200 || !strings.Contains(body, `"id":"o9"`) {
		t.Errorf("with an order: %d %s", res.StatusCode, body)
	}
	post(fmt.Sprintf(api.PathReport, "o9"), webtest.AgentToken, `{"seq":1,"state":"done","time":"2026-11-23T12:00:00Z"}`, http.StatusNoContent)
	if got := post(fmt.Sprintf(api.PathPartner, "o9")+"?wait=1s", webtest.AgentToken, `{"port":4711}`, http.StatusOK); !strings.Contains(got, `"address":"127.0.0.1:4711"`) {
		t.Errorf("the partner: %s", got)
	}
	post(fmt.Sprintf(api.PathPartner, "alone"), webtest.AgentToken, `{"port":4711}`, http.StatusNoContent)
	post(fmt.Sprintf(api.PathPartner, "o9")+"?wait=long", webtest.AgentToken, `{"port":4711}`, http.StatusBadRequest)
	post(fmt.Sprintf(api.PathPartner, "o9"), "", `{"port":4711}`, http.StatusUnauthorized)
	post(fmt.Sprintf(api.PathPhoneHome, webtest.HomeToken), "", "pub_key_rsa=&instance_id=i", http.StatusNoContent)
	post(fmt.Sprintf(api.PathPhoneHome, "guessed"), "", "", http.StatusUnauthorized)
	want := []string{"agent session S1 from 127.0.0.1", "agent facts session-1 S1", "agent links session-1 eth0 hears leaf 7", "agent report session-1 o9 1 done", "phone-home from 127.0.0.1"}
	if diff := cmp.Diff(want, world.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestAgentBounds(t *testing.T) {
	_, srv := start(t)
	big := `{"facts":{"kernel":"` + strings.Repeat("x", 9<<20) + `"}}`
	for _, tc := range []struct {
		name, path, token, body string
		status                  int
	}{
		{"facts", api.PathFacts, webtest.AgentToken, big, http.StatusRequestEntityTooLarge},
		{"session", api.PathSession, "", `{"token":"` + strings.Repeat("x", 65<<10) + `"}`, http.StatusRequestEntityTooLarge},
		{"trailing", api.PathSession, "", `{} {}`, http.StatusBadRequest},
		{"no JSON", fmt.Sprintf(api.PathReport, "o1"), webtest.AgentToken, `seq=1`, http.StatusBadRequest},
		{"admin is no agent", api.PathFacts, webtest.AdminToken, `{}`, http.StatusUnauthorized},
	} {
		res, body := call(t, http.MethodPost, srv.URL+tc.path, tc.token, tc.body)
		if p := problem(t, res, body); p.Status != tc.status {
			t.Errorf("%s: %+v, want %d", tc.name, p, tc.status)
		}
	}
	if res, _ := call(t, http.MethodGet, srv.URL+api.PathMachines, webtest.AgentToken, ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("an agent's token opens the API: %d", res.StatusCode)
	}
}

func TestChunks(t *testing.T) {
	world, srv := start(t)
	content := []byte("the frame of a chunk, as it is stored")
	name, err := world.AddChunk(content)
	if err != nil {
		t.Fatal(err)
	}
	target := srv.URL + fmt.Sprintf(api.PathChunk, name)
	res, body := call(t, http.MethodGet, target, webtest.AgentToken, "")
	if res.StatusCode != 200 || body != string(content) || res.Header.Get("ETag") != `"`+name+`"` || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("whole: %d %q %v", res.StatusCode, body, res.Header)
	}
	res, body = call(t, http.MethodGet, target, webtest.AgentToken, "", "Range", "bytes=4-8")
	if res.StatusCode != http.StatusPartialContent || body != "frame" {
		t.Errorf("range: %d %q", res.StatusCode, body)
	}
	if res, _ = call(t, http.MethodGet, target, webtest.AgentToken, "", "If-None-Match", `"`+name+`"`); res.StatusCode != http.StatusNotModified {
		t.Errorf("known: %d", res.StatusCode)
	}
	if res, _ = call(t, http.MethodHead, target, webtest.AgentToken, ""); res.StatusCode != 200 || res.ContentLength != int64(len(content)) {
		t.Errorf("head: %d, %d bytes", res.StatusCode, res.ContentLength)
	}
	if err := os.WriteFile(world.Dir+"/secret", []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, status := range map[string]int{
		strings.Repeat("0", 64): http.StatusNotFound, "secret": http.StatusBadRequest, "..%2fsecret": http.StatusBadRequest, strings.ToUpper(name): http.StatusBadRequest,
	} {
		res, body := call(t, http.MethodGet, srv.URL+fmt.Sprintf(api.PathChunk, path), webtest.AgentToken, "")
		if p := problem(t, res, body); p.Status != status {
			t.Errorf("chunk %s: %+v, want %d", path, p, status)
		}
	}
}

func TestIndex(t *testing.T) {
	world, srv := start(t)
	index := []byte(`{"name":"storage","size":1}`)
	digest := world.AddIndex(index, api.Image{Name: "storage"})
	_, body := call(t, http.MethodGet, srv.URL+fmt.Sprintf(api.PathIndex, digest), webtest.AgentToken, "")
	sum := sha256.Sum256([]byte(body))
	if "sha256:"+hex.EncodeToString(sum[:]) != digest {
		t.Errorf("the index came as %q, whose digest is another", body)
	}
}
