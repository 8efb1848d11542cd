package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/internal/depot"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
	"socle/provision"
)

// hall is a fleet of controllers, firmware for them, an inventory that knows them all as ready, and an engine.
type hall struct {
	t        *testing.T
	url      string // of the database
	ring     string // file of its keys
	files    string // folder of the firmware, and where it is served
	filesURL string
	fleet    *redfishtest.Fleet
	store    *store.Store
	engine   *provision.Engine
	desk     baselines
	ahead    atomic.Int64 // how far the engine's clock is ahead
	fetched  sync.Map     // name of a file → *atomic.Int64: how often it was fetched
}

// tolerant are bounds for a loaded machine.
var tolerant = bmc.Options{Burst: 100_000, AwayTime: 400 * time.Millisecond, OffTime: time.Millisecond, ResetTimeout: time.Minute, ReadTimeout: time.Minute, VitalsTimeout: time.Minute}

const hallPassword = "first-Pass.w0rd"

func newHall(t *testing.T, url string, specs []redfishtest.Spec) *hall {
	t.Helper()
	h := &hall{t: t, url: url, ring: filepath.Join(t.TempDir(), "keys"), files: filepath.Join(t.TempDir(), "firmware")}
	for i := range specs {
		specs[i].WorkTime, specs[i].RestartTime = 20*time.Millisecond, 100*time.Millisecond
	}
	var err error
	h.fleet, err = redfishtest.Start(specs)
	must(t, err)
	keys, err := secret.Open(h.ring)
	must(t, err)
	h.store, err = store.Open(t.Context(), store.Options{URL: url, Keys: keys})
	must(t, err)
	dir, err := depot.Open(h.files)
	must(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc(depot.Pattern, func(w http.ResponseWriter, r *http.Request) {
		n, _ := h.fetched.LoadOrStore(r.PathValue("name"), new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		dir.ServeHTTP(w, r)
	})
	srv := httptest.NewServer(mux)
	h.filesURL = srv.URL
	t.Cleanup(func() {
		srv.Close()
		must(t, errors.Join(h.fleet.Close(), h.store.Close()))
	})
	var planned []store.Planned
	for i, m := range h.fleet.Members {
		planned = append(planned, store.Planned{Planned: inventory.Planned{Line: i + 2, Name: m.Name, Identity: inventory.Identity{Serial: m.Serial},
			BMC: inventory.BMC{Protocol: inventory.Redfish, Address: m.Address.String(), User: "admin"}, Place: inventory.Place{Rack: "r01", U: i + 1}}, Password: secret.New(hallPassword)})
	}
	_, err = h.store.Import(t.Context(), planned, "test", false)
	must(t, err)
	for _, m := range h.fleet.Members {
		h.change(m.Name, func(m *inventory.Machine) { m.State = inventory.Ready })
	}
	b := &bmcs{driver: bmc.New(tolerant), logins: h.store}
	h.engine = h.newEngine(&updates{bmcs: b, files: dir, url: srv.URL})
	h.desk = baselines{&desk{store: h.store, bmcs: b, now: time.Now}, h.store}
	h.baseline(dir)
	return h
}

func (h *hall) newEngine(u *updates) *provision.Engine {
	h.t.Helper()
	key, err := h.store.Key(h.t.Context(), "boot-tokens")
	must(h.t, err)
	e, err := provision.New(h.t.Context(), provision.Options{Store: h.store, BMC: u.bmcs, Updates: u, BootKey: key,
		Now: func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }, UpdateLimits: provision.UpdateLimits{Poll: 20 * time.Millisecond}})
	must(h.t, err)
	return e
}

// baseline puts one that wants a BIOS, which needs a boot, and a BMC, which restarts.
func (h *hall) baseline(dir *depot.Dir) {
	h.t.Helper()
	text := "name: autumn\nrules:\n"
	for _, r := range []struct{ id, component, version, needs string }{{"BIOS", "BIOS", "99.1", "reboot"}, {"BMC", "BMC", "99.2", "bmc-restart"}} {
		digest, _, err := dir.Add(bytes.NewReader(redfish.FirmwareImage(r.id, r.version)))
		must(h.t, err)
		text += fmt.Sprintf("  - {model: \"*\", component: %s, at_least: %s, file: %s.bin, sha256: %s, needs: %s}\n", r.component, r.version, r.id, digest, r.needs)
	}
	_, err := h.desk.PutBaseline(h.t.Context(), "test", []byte(text))
	must(h.t, err)
}

// run runs the engine until the test ends.
func (h *hall) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.engine.Run(ctx) }()
	h.t.Cleanup(func() { cancel(); must(h.t, <-ended) })
}

func (h *hall) change(name string, fn func(*inventory.Machine)) {
	h.t.Helper()
	m := h.machine(name)
	_, err := h.store.Change(h.t.Context(), m.ID, "test", func(m *inventory.Machine) (inventory.Note, error) {
		fn(m)
		return inventory.Note{Kind: "test", Reason: "as the test wants it"}, nil
	})
	must(h.t, err)
}

func (h *hall) machine(name string) inventory.Machine {
	h.t.Helper()
	m, err := h.store.Machine(h.t.Context(), name)
	must(h.t, err)
	return m
}

// await waits until the newest campaign is as wanted.
func (h *hall) await(what string, want func(c *inventory.Campaign) bool) inventory.Campaign {
	h.t.Helper()
	changes, stop := h.store.Subscribe()
	defer stop()
	limit := time.After(2 * time.Minute)
	for {
		c, err := h.store.Campaign(h.t.Context(), "")
		must(h.t, err)
		if want(&c) {
			return c
		}
		select {
		case <-changes:
		case <-time.After(time.Second): // another process changed it
		case <-limit:
			h.t.Fatalf("waiting until %s: %+v", what, c)
		}
	}
}

// update is a machine's part of a campaign.
func part(c *inventory.Campaign, name string) *inventory.Update {
	i := slices.IndexFunc(c.Updates, func(u inventory.Update) bool { return u.Name == name })
	return &c.Updates[i]
}

// orders tells how often a controller was told to update: it numbers its tasks.
func orders(u *inventory.Update) (n int) {
	for _, i := range u.Items {
		var one int
		_, _ = fmt.Sscanf(path.Base(i.Task), "%d", &one)
		n = max(n, one)
	}
	return n
}

// The twelve controllers: what is the matter with some of them.
const (
	held, off, refusing, active, newest = "n0002", "n0003", "n0004", "n0005", "n0008"
	lying, hanging, failing             = "n0009", "n0010", "n0012"
)

// twelve are controllers of three shapes.
func twelve(t *testing.T) []redfishtest.Spec {
	specs := redfishtest.Specs(12, nil, "admin", secret.New(hallPassword))
	for i := range specs {
		s := &specs[i]
		shape, err := redfish.ShapeByName([]string{"generic", "idrac9", "ilo5"}[i%3])
		must(t, err)
		s.Shape, s.On, s.Model = shape, s.Name != off, "VR-1"
		upload := redfish.Fault{Methods: []string{http.MethodPost}, Path: "/redfish/v1/UpdateService/**"}
		switch s.Name {
		case refusing:
			s.Password = secret.New("another-Pass.w0rd")
		case newest:
			s.Shape.Firmware = []redfish.Firmware{{ID: "BIOS", Name: "BIOS", Version: "99.1"}, {ID: "BMC", Name: "BMC", Version: "100"}}
		case lying:
			upload.Kind = redfish.Ignore
		case hanging:
			upload.Kind = redfish.StuckWork
		case failing:
			upload.Kind = redfish.FailWork
		}
		if upload.Kind != "" {
			s.Faults = []redfish.Fault{upload}
		}
	}
	return specs
}

// TestCampaign brings twelve controllers to a baseline. Those that are held, off, active or refuse the login are skipped;
// one that fails stops it, one that lies and one that hangs are found out; then it goes on to its end.
func TestCampaign(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "socle.db") },
		"postgres": pgtest.URL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, url(t), twelve(t))
			h.change(held, func(m *inventory.Machine) { m.Hold = &inventory.Hold{Reason: "mine", Actor: "eva"} })
			h.change(active, func(m *inventory.Machine) { m.State = inventory.Active })
			report(h)
			h.run()
			var names []string
			for _, m := range h.fleet.Members {
				names = append(names, m.Name)
			}
			_, err := h.engine.UpdateFirmware(t.Context(), "test", api.UpdateRequest{Baseline: "autumn", Machines: names, Waves: "1", Parallel: 6})
			must(t, err)
			if _, err := h.engine.UpdateFirmware(t.Context(), "test", api.UpdateRequest{Baseline: "autumn", Machines: names}); err == nil {
				t.Error("a second campaign beside the first was taken")
			}
			stopped(h)
			goesOn(h)
		})
	}
}

func report(h *hall) {
	h.t.Helper()
	r, err := h.desk.FirmwareReport(h.t.Context(), "n0001", "")
	if err != nil || !r.Below() || r.Model != "VR-1" || r.Findings[0].Asks != ">= 99.1" || r.Findings[0].State != "older" {
		h.t.Errorf("%+v, %v", r, err)
	}
	if r, err := h.desk.FirmwareReport(h.t.Context(), newest, "autumn"); err != nil || r.Below() {
		h.t.Errorf("%+v, %v", r, err)
	}
}

// stopped waits for the failures of the first run and looks at what they left.
func stopped(h *hall) {
	t := h.t
	h.await("the sick ones are found out", func(c *inventory.Campaign) bool {
		lie, hang := part(c, lying), part(c, hanging)
		return !c.Running() && part(c, failing).State == inventory.UpdateFailed && c.Count(inventory.UpdateWorking) == 2 &&
			len(lie.Items) > 0 && lie.Items[0].Phase == inventory.PhaseVerify && len(hang.Items) > 0 && hang.Items[0].Phase == inventory.PhaseFollow
	})
	h.ahead.Add(int64(2 * time.Hour)) // nobody waits longer for either
	c := h.await("nothing is under way", func(c *inventory.Campaign) bool { return c.Count(inventory.UpdateWorking) == 0 })
	for name, want := range map[string]string{
		held: "skipped held by eva", off: "skipped it is not on", refusing: "skipped refuses the login", active: "skipped --active", newest: "unneeded nothing is below",
		failing: "failed An error occurred internal", lying: "failed still runs", hanging: "failed is not over after",
	} {
		state, reason, _ := strings.Cut(want, " ")
		if u := part(&c, name); string(u.State) != state || !strings.Contains(u.Reason, reason) {
			t.Errorf("%s: %+v, want %s", name, u, want)
		}
	}
	if !strings.Contains(c.Reason, "failed") || c.Stopped.IsZero() || !c.Ended.IsZero() {
		t.Errorf("%+v", c)
	}
	first := h.fleet.Members[0]
	if part(&c, first.Name).State != inventory.UpdateDone || part(&c, first.Name).Wave != 0 || first.BMC.FirmwareVersion("BIOS") != "99.1" || first.BMC.FirmwareVersion("BMC") != "99.2" {
		t.Errorf("the first wave: %+v", part(&c, first.Name))
	}
	for _, u := range c.Updates {
		hold := h.machine(u.Name).Hold
		if mine := hold != nil && hold.Actor == inventory.ActorFirmware; mine != (u.State == inventory.UpdateFailed) {
			t.Errorf("%s is %s and its hold is %+v", u.Name, u.State, hold)
		}
	}
}

// goesOn takes away what is the matter and lets the campaign go on to its end.
func goesOn(h *hall) {
	t := h.t
	for _, m := range h.fleet.Members {
		m.BMC.Faults().Clear()
	}
	c, err := h.engine.ResumeCampaign(t.Context(), "test", "") // the newest
	must(t, err)
	if !c.Running() {
		t.Errorf("it does not go on: %+v", c)
	}
	// The task that hangs is still there, and is waited for before another update is ordered.
	h.await("only the one that hangs is left", func(c *inventory.Campaign) bool {
		u := part(c, hanging)
		return c.Count(inventory.UpdateWorking) == 1 && c.Count(inventory.UpdateWaiting) == 0 && len(u.Items) > 0 && u.Items[0].Adopted
	})
	h.ahead.Add(int64(2 * time.Hour))
	c = h.await("it is over", func(c *inventory.Campaign) bool { return !c.Open() })
	for i, m := range h.fleet.Members {
		left := slices.Contains([]string{held, off, refusing, active, newest}, m.Name)
		if done := c.Updates[i].State == inventory.UpdateDone; done == left {
			t.Errorf("in the end %+v", c.Updates[i])
		}
		switch n := orders(&c.Updates[i]); {
		case left && m.BMC.FirmwareVersion("BIOS") == "99.1" && m.Name != newest:
			t.Errorf("%s was updated", m.Name)
		case !left && (m.BMC.FirmwareVersion("BIOS") != "99.1" || m.BMC.FirmwareVersion("BMC") != "99.2"):
			t.Errorf("%s runs BIOS %s, BMC %s", m.Name, m.BMC.FirmwareVersion("BIOS"), m.BMC.FirmwareVersion("BMC"))
		case !left && m.Faults == nil && n != 2:
			t.Errorf("%s was told to update %d times", m.Name, n)
		}
		if hold := h.machine(m.Name).Hold; (hold != nil) != (m.Name == held) {
			t.Errorf("%s: hold %+v", m.Name, hold)
		}
	}
	var p *api.Problem
	if _, err := h.engine.StopCampaign(t.Context(), "test", c.ID, true); !errors.As(err, &p) || p.Status != http.StatusConflict {
		t.Errorf("stopping what is over: %v", err)
	}
	r, err := h.desk.FirmwareReport(t.Context(), lying, "autumn")
	if err != nil || r.Below() {
		t.Errorf("%+v, %v", r, err)
	}
}
