package app

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"socle/api"
	"socle/internal/config"
)

// TestWithoutBMC: a server whose power is switched by a webhook, from the manifest to the history: its secret stays
// inside, its power is switched and compared, and what it cannot do is said.
func TestWithoutBMC(t *testing.T) {
	var on atomic.Bool
	hook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			var order struct{ Action string }
			if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			on.Store(order.Action == "on")
		}
		_, _ = fmt.Fprintf(w, `{"power": %q}`, map[bool]string{true: "on", false: "off"}[on.Load()])
	}))
	defer hook.Close()
	c := config.Default()
	c.DataDir, c.Listen = t.TempDir(), freeAddr(t)
	c.Power.WebhookCA = filepath.Join(c.DataDir, "webhook-ca.crt")
	must(t, os.WriteFile(c.Power.WebhookCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.Certificate().Raw}), 0o600))
	client, stop := serve(t, c)
	defer stop()
	ctx := t.Context()
	_, err := client.Import(ctx, strings.NewReader("name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\n"+
		"hv01,SN-1,r1,1,webhook,"+hook.URL+"/{machine},,sh4red-secret\n"), false)
	must(t, err)
	for _, step := range [][2]string{{"status", "off"}, {"on", "on"}, {"cycle", "on"}, {"status", "on"}, {"off", "off"}} {
		if got, err := client.Power(ctx, "hv01", step[0]); err != nil || got != step[1] {
			t.Errorf("%s: %q, %v", step[0], got, err)
		}
	}
	_, err = client.Sensors(ctx, "hv01")
	if err == nil || !strings.Contains(err.Error(), "the server has no BMC") {
		t.Errorf("sensors: %v", err)
	}
	if _, err := client.Rotate(ctx, "hv01", api.RotateRequest{}); err == nil || !strings.Contains(err.Error(), "hv01 has no BMC") {
		t.Errorf("rotate: %v", err)
	}
	m, err := client.PowerPolicy(ctx, "hv01", "restore")
	must(t, err)
	if m.Wish == nil || m.Wish.Power != "off" || m.Wish.Policy != "restore" || !strings.HasPrefix(m.Wish.Actor, "token:") {
		t.Errorf("%+v", m.Wish)
	}
	events, err := client.Events(ctx, api.EventQuery{Machine: "hv01", Limit: 100})
	must(t, err)
	text, err := json.Marshal(events)
	must(t, err)
	if strings.Contains(string(text), "sh4red") || !slices.ContainsFunc(events.Events, func(e api.Event) bool { return e.Reason == "power cycle ordered" }) {
		t.Errorf("%s", text)
	}
}
