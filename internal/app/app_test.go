package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/dhcp"
	"socle/internal/config"
	"socle/internal/pgtest"
	"socle/internal/secret"
	"socle/inventory"
	"socle/inventory/store"
	"socle/inventory/view"
	"socle/provision"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(rotatorEnv); spec != "" {
		var r rotator
		if err := errors.Join(json.Unmarshal([]byte(spec), &r), r.run()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if spec := os.Getenv(flasherEnv); spec != "" {
		var f flasher
		if err := errors.Join(json.Unmarshal([]byte(spec), &f), f.run()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// serve runs a server on loopback until the test or the returned function ends it.
func serve(t *testing.T, c config.Config) (*api.Client, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	up := make(chan string, 1)
	go func() {
		ended <- Run(ctx, c, "test", slog.New(slog.DiscardHandler), func(url string) { up <- url })
	}()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case <-up:
	case err := <-ended:
		t.Fatalf("starting: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("not up after a minute")
	}
	token, err := os.ReadFile(filepath.Join(c.DataDir, "admin-token"))
	must(t, err)
	client, err := api.NewClient(api.ClientOptions{Server: "https://" + c.Listen, Token: strings.TrimSpace(string(token)), CAFile: filepath.Join(c.DataDir, "ca.crt")})
	must(t, err)
	return client, stop
}

const plan = "name,serial,rack,u,bmc_protocol,bmc_address,bmc_user,bmc_password\nn1,S1,r1,4,redfish,127.0.0.1:1,root,hunter2-the-password\n"

// TestServe is the server as a newcomer starts it: no configuration but where, on each database.
func TestServe(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			c := config.Default()
			c.DataDir, c.Listen, c.Database.URL = t.TempDir(), freeAddr(t), url(t)
			client, stop := serve(t, c)
			ctx := t.Context()
			for file, mode := range map[string]os.FileMode{"admin-token": 0o600, "keyring": 0o600} {
				st, err := os.Stat(filepath.Join(c.DataDir, file))
				must(t, err)
				if st.Mode().Perm() != mode {
					t.Errorf("%s has mode %v", file, st.Mode())
				}
			}
			_, err := client.Import(ctx, strings.NewReader("name,serial,u\nx,y,1\n"), false)
			var p *api.Problem
			if !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity || len(p.Errors) == 0 {
				t.Errorf("bad manifest: %v", err)
			}
			reply, err := client.Import(ctx, strings.NewReader(plan), false)
			must(t, err)
			if len(reply.Added) != 1 {
				t.Errorf("imported %+v", reply)
			}
			stop()
			before, err := os.ReadFile(filepath.Join(c.DataDir, "admin-token"))
			must(t, err)
			client, stop = serve(t, c)
			after, err := os.ReadFile(filepath.Join(c.DataDir, "admin-token"))
			must(t, err)
			if string(before) != string(after) {
				t.Error("a second start made another token")
			}
			machines, err := client.Machines(ctx, "", "")
			must(t, err)
			if len(machines) != 1 || machines[0].Name != "n1" || machines[0].State != "expected" {
				t.Errorf("after the restart: %+v", machines)
			}
			_, err = client.BuildOut(ctx)
			must(t, err)
			awaitFault(t, client, string(inventory.FaultBMCSilent))
			stop()
			noSecretOnDisk(t, c.DataDir, "hunter2-the-password")
		})
	}
}

func awaitFault(t *testing.T, client *api.Client, kind string) {
	t.Helper()
	var m api.Machine
	for range 300 {
		var err error
		m, err = client.Machine(t.Context(), "n1")
		must(t, err)
		if m.Fault != nil && m.Fault.Kind == kind && m.Fault.Remedy != "" {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatalf("no fault %s: %+v", kind, m.Fault)
}

// noSecretOnDisk looks for a password in every file that the server wrote.
func noSecretOnDisk(t *testing.T, dir, text string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), text) {
			t.Errorf("%s holds a password in clear", path)
		}
		return err
	}))
}

func TestEveryRoadIsTaken(t *testing.T) {
	c := config.Default()
	c.DataDir, c.Listen, c.Boot.Listen, c.Boot.TFTP, c.Services = t.TempDir(), freeAddr(t), freeAddr(t), "127.0.0.1:0", config.Services()
	k, err := open(t.Context(), c, "test", slog.New(slog.DiscardHandler))
	must(t, err)
	defer k.close()
	tasks, err := k.tasks(t.Context())
	must(t, err)
	var names []string
	for _, task := range tasks {
		names = append(names, task.Name)
	}
	if got := strings.Join(names, ", "); got != "evidence, view of the inventory, boots that were tried, workers, health, assessment, consoles, API, boot HTTP, TFTP" {
		t.Errorf("tasks without a subnet: %s", got)
	}
}

func TestAPortInUseIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	c := config.Default()
	c.DataDir, c.Listen, c.Services = t.TempDir(), l.Addr().String(), []string{"api"}
	err = Run(t.Context(), c, "test", slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "listening for the API (listen)") {
		t.Errorf("got %v", err)
	}
}

func TestOneServerAFolder(t *testing.T) {
	c := config.Default()
	c.DataDir, c.Listen = t.TempDir(), freeAddr(t)
	_, stop := serve(t, c)
	second := c
	second.Listen = freeAddr(t)
	err := Run(t.Context(), second, "test", slog.New(slog.DiscardHandler), nil)
	if err == nil || !strings.Contains(err.Error(), "another socle serve works in") {
		t.Errorf("a second server on one SQLite: %v", err)
	}
	stop()
	_, stop = serve(t, second)
	stop()
}

func TestFailureOfABMC(t *testing.T) {
	for _, tc := range []struct {
		err   error
		kind  inventory.FaultKind
		retry bool
	}{
		{bmc.ErrAuth, inventory.FaultBMCAuth, false},
		{bmc.ErrUnreachable, inventory.FaultBMCSilent, true},
		{bmc.ErrBusy, inventory.FaultBMCSilent, true},
		{bmc.ErrReadBack, inventory.FaultBMC, true},
		{bmc.ErrUnsupported, inventory.FaultBMC, false},
		{errors.New("HTTP 409"), inventory.FaultBMC, true},
	} {
		var f *provision.Failure
		if err := failure(fmt.Errorf("asking: %w", tc.err)); !errors.As(err, &f) || f.Kind != tc.kind || f.Retry != tc.retry || f.Remedy == "" || f.Dropped != errors.Is(tc.err, bmc.ErrReadBack) {
			t.Errorf("%v became %+v", tc.err, f)
		}
	}
	if failure(nil) != nil {
		t.Error("no error became one")
	}
}

func TestMetricsCountDHCP(t *testing.T) {
	c := config.Default()
	c.DataDir = t.TempDir()
	c.Subnets = []config.Subnet{{Name: "prov", Interface: "none0", Server: netip.MustParseAddr("198.18.0.1"), Prefix: netip.MustParsePrefix("198.18.0.0/24"),
		PoolFirst: netip.MustParseAddr("198.18.0.10"), PoolLast: netip.MustParseAddr("198.18.0.20")}}
	k, err := open(t.Context(), c, "test", slog.New(slog.DiscardHandler))
	must(t, err)
	defer k.close()
	scrape := func() string {
		w := httptest.NewRecorder()
		k.metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	if page := scrape(); strings.Contains(page, "socle_dhcp_") {
		t.Errorf("DHCP does not run, and is counted:\n%s", page)
	}
	_, err = k.dhcp4Tasks()
	must(t, err)
	page := scrape()
	for _, want := range []string{"socle_dhcp_received_total 0", `socle_dhcp_dropped_total{reason="overload-discover"} 0`, "socle_dhcp_leases 0"} {
		if !strings.Contains(page, want) {
			t.Errorf("metrics lack %q:\n%s", want, page)
		}
	}
}

func TestMetricsCountMachines(t *testing.T) {
	c := config.Default()
	c.DataDir = t.TempDir()
	k, err := open(t.Context(), c, "test", slog.New(slog.DiscardHandler))
	must(t, err)
	defer k.close()
	_, _, err = k.store.Recognise(t.Context(), inventory.Identity{Serial: "S"}, "test")
	must(t, err)
	w := httptest.NewRecorder()
	k.metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`socle_machines{state="discovered"} 1`, `socle_machines{state="active"} 0`, "socle_machines_held 1"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics lack %q:\n%s", want, w.Body.String())
		}
	}
}

func TestViewFollowsTheInventory(t *testing.T) {
	keys, err := secret.Open(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "db"), Keys: keys})
	must(t, err)
	defer s.Close()
	v, err := view.New(t.Context(), s, slog.New(slog.DiscardHandler), nil)
	must(t, err)
	const mac = "52:54:00:00:00:01"
	if h, ok := (hosts{v, nil}).Host(mac); ok {
		t.Errorf("an empty inventory knows %+v", h)
	}
	m, _, err := s.Recognise(t.Context(), inventory.Identity{Serial: "S", NICMACs: []string{mac}}, "test")
	must(t, err)
	must(t, v.Refresh(t.Context()))
	if h, ok := (hosts{v, nil}).Host(mac); !ok || h != (dhcp.Host{Machine: m.ID, Name: m.Name, Stray: true, Boot: inventory.BootRamdisk}) {
		t.Errorf("got %+v, %v", h, ok)
	}
}

func TestViewOfMachines(t *testing.T) {
	addr := netip.MustParseAddr("198.18.0.9")
	machine := func(id, uuid, mac string, s inventory.State) inventory.Machine {
		return inventory.Machine{ID: id, State: s, InPlan: true, Address: addr, Identity: inventory.Identity{UUID: uuid, NICMACs: []string{mac}}}
	}
	list := fleetOf{machine("m1", "u1", "52:54:00:00:00:01", inventory.Active), machine("m2", "same", "52:54:00:00:00:02", inventory.Ready),
		machine("m3", "same", "52:54:00:00:00:03", inventory.Ready), machine("m4", "u4", "52:54:00:00:00:04", inventory.Retired)}
	all, err := view.New(t.Context(), list, slog.New(slog.DiscardHandler), nil)
	must(t, err)
	boots := &tries{}
	boots.all.Store(&map[string]inventory.NetBoot{"52:54:00:00:00:02": {Came: inventory.PathDrivers}})
	v := hosts{all, boots}
	if n := v.NetBoot("52:54:00:00:00:02"); n.Came != inventory.PathDrivers {
		t.Errorf("a machine that was tried: %+v", n)
	}
	if h, ok := v.HostByUUID("u1"); !ok || h != (dhcp.Host{Machine: "m1", Addr: addr}) {
		t.Errorf("by UUID: %+v, %v", h, ok)
	}
	if mac, ok := v.Reserved(addr); !ok || mac != "52:54:00:00:00:01" {
		t.Errorf("the address of the active machine is reserved for %q", mac)
	}
	if h, _ := v.Host("52:54:00:00:00:02"); h.Machine != "m2" || h.Addr.IsValid() {
		t.Errorf("a machine that is not active: %+v", h)
	}
	for _, u := range []string{"same", "u4", ""} {
		if h, ok := v.HostByUUID(u); ok {
			t.Errorf("UUID %q is %+v", u, h)
		}
	}
}

// fleetOf is an inventory that never changes.
type fleetOf []inventory.Machine

func (f fleetOf) Sketches(context.Context, int64) (all []inventory.Sketch, last int64, err error) {
	for i := range f {
		all = append(all, f[i].Sketch())
	}
	return all, 1, nil
}
func (fleetOf) Subscribe() (<-chan struct{}, func())               { return nil, func() {} }
func (fleetOf) Sighted(context.Context, []string, time.Time) error { return nil }
