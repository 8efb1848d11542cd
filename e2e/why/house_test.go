package why

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"socle/api"
	"socle/internal/app"
	"socle/internal/config"
)

// bmcPort is where ipmi_sim listens; on 9 nobody does.
const bmcPort, nobody = "9623", "9"

// house is a room with all of Socle in it, database and API as well, as `socle serve` runs it.
type house struct {
	*room
	api  *api.Client
	data string
}

// newHouse builds one whose manifest names hv01, with the card nic and the BMC of startBMC, and hv02, which nobody
// has ever seen. Its boot files are those of a folder, when one is given.
func newHouse(t *testing.T, bootFiles string) *house {
	t.Helper()
	h := &house{room: &room{t: t, files: t.TempDir()}, data: t.TempDir()}
	network(t)
	if bootFiles != "" {
		h.must(os.Symlink(bootFiles, filepath.Join(h.data, "boot")))
	}
	c := config.Default()
	c.DataDir, c.Listen, c.Boot.Listen, c.Boot.TFTP, c.Boot.TLS, c.DHCP.Probe = h.data, own+":8443", own+":8080", own+":69", own+":8444", false
	c.Subnets = []config.Subnet{{Name: "prov", Interface: "prov0", Server: netip.MustParseAddr(own), Prefix: netip.MustParsePrefix("198.18.0.0/24"),
		PoolFirst: netip.MustParseAddr("198.18.0.100"), PoolLast: netip.MustParseAddr("198.18.0.200"), LeaseTime: time.Hour}}
	log, err := os.Create(filepath.Join(h.files, "serve.log"))
	h.must(err)
	t.Cleanup(func() { _ = log.Close() })
	up, failed := make(chan struct{}), make(chan error, 1)
	h.run(func(ctx context.Context) error {
		err := app.Run(ctx, c, "test", slog.New(slog.NewTextHandler(io.Writer(log), nil)), func(string) { close(up) })
		failed <- err
		return err
	})
	select {
	case <-up:
	case err := <-failed:
		t.Fatalf("the server does not start: %v", err)
	}
	token, err := os.ReadFile(filepath.Join(h.data, "admin-token"))
	h.must(err)
	h.api, err = api.NewClient(api.ClientOptions{Server: "https://" + own + ":8443", Token: strings.TrimSpace(string(token)), CAFile: filepath.Join(h.data, "ca.crt")})
	h.must(err)
	manifest := "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password,nic_macs\n" +
		"hv01,SN-1,R1,1,ipmi,127.0.0.1:" + bmcPort + ",admin,socle-room," + nic + "\n" +
		"hv02,SN-2,R1,2,ipmi,127.0.0.1:" + nobody + ",admin,socle-room," + nic2 + "\n"
	_, err = h.api.Import(t.Context(), strings.NewReader(manifest), false)
	h.must(err)
	return h
}

// wantVerdict waits until the server's verdict on a machine is the wanted one, which must say all of the texts.
func (h *house) wantVerdict(name, id string, limit time.Duration, texts ...string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond) // evidence is no event: the server writes it in batches
	defer tick.Stop()
	for {
		w, err := h.api.Why(h.t.Context(), name)
		h.must(err)
		var b strings.Builder
		for _, s := range w.Story {
			fmt.Fprintf(&b, "%s  %s (%d)\n", s.Time.Format(time.TimeOnly), s.Text, s.Times)
		}
		fmt.Fprintf(&b, "%s: %s (%s)\nCheck: %s.", w.Verdict.Standing, w.Verdict.What, w.Verdict.ID, w.Verdict.Check)
		if w.Verdict.ID == id && hasAll(w.Verdict.What, texts) {
			h.t.Log(b.String())
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			h.logs()
			h.t.Fatalf("the verdict on %s is %s, want %s with %q:\n%s", name, w.Verdict.ID, id, texts, b.String())
		}
	}
}

const lanConf = `name "hv01"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ` + bmcPort + `
    priv_limit admin
    allowed_auths_callback md2 md5
    allowed_auths_user md2 md5
    allowed_auths_operator md2 md5
    allowed_auths_admin md2 md5
    guid 6e1c0f9a3a0b4d1c9d7e0123456789ab
  endlan
  chassis_control "./chassis"
  startnow false
  user 1 false "" "socle-room" callback 1 md5
  user 2 true "admin" "socle-room" admin 10 md2 md5
`

const chassis = `#!/bin/sh
op=$1; shift
case "$op" in
get) for n in "$@"; do printf '%s:%s\n' "$n" "$(cat "$n")"; done ;;
set) while [ $# -gt 1 ]; do echo "$2" >"$1"; shift 2; done ;;
esac
`

// startBMC runs ipmi_sim as the BMC of hv01, which is switched off.
func (h *house) startBMC() {
	h.t.Helper()
	dir := h.t.TempDir()
	for name, text := range map[string]string{"lan.conf": lanConf, "chassis": chassis, "power": "0\n", "boot": "none\n", "reset": "0\n", "shutdown": "0\n",
		"commands": "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nsel_enable 0x20 1000 0x0a\nmc_enable 0x20\n"} {
		h.must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700)) //nolint:gosec // one of them is executed
	}
	h.must(os.Mkdir(filepath.Join(dir, "state"), 0o700))
	sim := exec.Command("ipmi_sim", "-n", "-c", "lan.conf", "-f", "commands", "-s", "state")
	sim.Dir, sim.SysProcAttr = dir, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	h.must(sim.Start())
	h.t.Cleanup(func() { _ = sim.Process.Kill(); _ = sim.Wait() })
}

// awaitBMC reads the power by the BMC of hv01 until it answers.
func (h *house) awaitBMC() {
	h.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond) // ipmi_sim does not say when it listens
	defer tick.Stop()
	for late := time.After(soon); ; {
		_, err := h.api.Power(h.t.Context(), "hv01", "status")
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			h.t.Fatalf("the BMC does not answer: %v", err)
		}
	}
}

// TestPower: one machine was never switched on, another one is switched on and off by its BMC, and says nothing.
func TestPower(t *testing.T) {
	h := newHouse(t, "")
	h.startBMC()
	h.wantVerdict("hv02", "never-seen", soon)
	power := func(action string) {
		t.Helper()
		_, err := h.api.Power(t.Context(), "hv01", action)
		h.must(err)
	}
	h.awaitBMC()
	h.wantVerdict("hv01", "power-off", soon, "said at")
	power("on")
	h.wantVerdict("hv01", "silent", soon, "has sent nothing since")
	power("off")
	h.wantVerdict("hv01", "power-off", soon, "taken away")
}
