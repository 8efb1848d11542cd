package simulate_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socle/api"
	"socle/internal/app"
	"socle/internal/config"
	"socle/internal/nettest"
	"socle/internal/pgtest"
	"socle/inventory"
	"socle/simulate"
)

func TestMain(m *testing.M) {
	nettest.Isolate("the simulated fleet")
	pgtest.Main(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bootFiles are what a server's boot folder holds; what is in them does not matter to a simulated server.
func bootFiles(t testing.TB, dir string) {
	t.Helper()
	for name, size := range map[string]int{"snponly.efi": 100_000, "ramdisk/vmlinuz": 300_000, "ramdisk/initrd": 500_000} {
		path := filepath.Join(dir, "boot", name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o644))
	}
}

// configuration serves a fleet from this namespace.
func configuration(t testing.TB, f *simulate.Fleet) config.Config {
	c := config.Default()
	c.DataDir = t.TempDir()
	host := f.Host().String()
	c.Listen, c.Boot.Listen, c.Boot.TFTP = host+":8443", host+":8080", host+":69"
	c.DHCP.Probe = false
	c.Health.Every = 0
	first, last := f.Pool()
	c.Subnets = []config.Subnet{
		{Name: "cable", Interface: simulate.CableName, Server: f.Host(), Prefix: f.Cable(), Mode: inventory.SubnetReservations},
		{Name: "fleet", Server: f.Host(), Prefix: f.Provisioning(), Gateway: f.Relay(), PoolFirst: first, PoolLast: last, LeaseTime: time.Hour},
	}
	c.Roles = []inventory.Role{{Name: "node", Image: "none", Verify: "none", Match: inventory.Conditions{MinDisks: 1}}}
	bootFiles(t, c.DataDir)
	return c
}

// serve runs a server until the test ends, and returns a client of it.
func serve(t testing.TB, c config.Config) *api.Client {
	t.Helper()
	up := make(chan string, 1)
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	nettest.Background(t, func(ctx context.Context) error {
		return app.Run(ctx, c, "test", log, func(url string) { up <- url })
	})
	var url string
	select {
	case url = <-up:
	case <-time.After(time.Minute):
		t.Fatal("the server is not up after a minute")
	}
	token, err := os.ReadFile(filepath.Join(c.DataDir, "admin-token"))
	must(t, err)
	client, err := api.NewClient(api.ClientOptions{Server: url, Token: strings.TrimSpace(string(token)), CAFile: filepath.Join(c.DataDir, "ca.crt")})
	must(t, err)
	return client
}

func start(t testing.TB, f *simulate.Fleet, o simulate.Options) *simulate.Running {
	t.Helper()
	nettest.Run(t, "ip", "link", "set", "lo", "up")
	running, err := f.Start(context.Background(), o)
	must(t, err)
	t.Cleanup(func() {
		if err := running.Close(); err != nil {
			t.Errorf("the fleet: %v", err)
		}
		if t.Failed() {
			var b bytes.Buffer
			_ = running.Stats.Summary(&b) // a buffer takes all
			t.Log(b.String())
		}
	})
	return running
}

// TestInspect takes a fleet along the whole road of inspection: imported, switched on by the BMCs, booted, looked at.
// Each server ends as what is wrong with it makes it.
func TestInspect(t *testing.T) {
	f, err := simulate.New(simulate.Spec{Servers: 24, Seed: 7, Odd: map[simulate.Oddity]int{
		simulate.MissingDIMM: 1, simulate.SwappedCables: 1, simulate.WrongFirmware: 1, simulate.NeverAppears: 1, simulate.AgentDies: 1}})
	must(t, err)
	running := start(t, f, simulate.Options{SelfTest: 20 * time.Millisecond, Kernel: 20 * time.Millisecond, Retry: time.Second, Files: simulate.FilesWhole})
	client := serve(t, configuration(t, f))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	reply, err := client.Import(ctx, bytes.NewReader(f.Manifest()), false)
	must(t, err)
	if len(reply.Added) != len(f.Servers) {
		t.Fatalf("%d servers were imported of %d", len(reply.Added), len(f.Servers))
	}
	for _, s := range f.Servers {
		_, err := client.Inspect(ctx, s.Name, api.InspectRequest{})
		must(t, err)
	}
	for _, s := range f.Servers {
		m := settled(ctx, t, client, s.Name, s.Odd)
		switch s.Odd {
		case simulate.NeverAppears:
			if m.State != string(inventory.Expected) || m.Fault == nil || m.Fault.Kind != string(inventory.FaultBMCSilent) {
				t.Errorf("%s was not delivered: it is %s, with the fault %+v", s.Name, m.State, m.Fault)
			}
		case simulate.AgentDies:
			if m.State != string(inventory.Inspecting) {
				t.Errorf("%s, whose agent died, is %s", s.Name, m.State)
			}
		default:
			seen(t, f, s, m)
		}
	}
	if n := running.Stats.Reached(simulate.FactsTaken); n != 22 {
		t.Errorf("the facts of %d servers were taken, of 22", n)
	}
}

// settled waits until a machine is where it can go no further.
func settled(ctx context.Context, t *testing.T, client *api.Client, name string, odd simulate.Oddity) api.Machine {
	t.Helper()
	for {
		m, err := client.Machine(ctx, name)
		must(t, err)
		switch odd {
		case simulate.NeverAppears:
			if m.Fault != nil {
				return m
			}
		case simulate.AgentDies:
			if m.Address != "" {
				return m
			}
		default:
			if m.State == string(inventory.Ready) && m.Facts != nil && len(m.Facts.NICs) > 1 && len(m.Facts.NICs[1].LLDP) > 0 {
				return m
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s (%s) is %s at step %s, fault %+v", name, odd, m.State, m.Step, m.Fault)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// seen compares what the server knows of a machine with what it is made of.
func seen(t *testing.T, f *simulate.Fleet, s simulate.Server, m api.Machine) {
	t.Helper()
	want := f.Facts(s.Index)
	if m.Facts.System != want.System || len(m.Facts.Memory.DIMMs) != len(want.Memory.DIMMs) || m.Facts.Memory.TotalBytes != want.Memory.TotalBytes ||
		m.Facts.Firmware != want.Firmware || m.Serial != s.Serial || m.UUID != s.UUID {
		t.Errorf("%s (%s): the server knows %+v", s.Name, s.Odd, m.Facts.System)
	}
	var modules int
	for _, d := range m.Facts.Memory.DIMMs {
		if d.SizeBytes > 0 {
			modules++
		}
	}
	if full := 8; s.Odd == simulate.MissingDIMM && modules != full-1 || s.Odd != simulate.MissingDIMM && modules != full {
		t.Errorf("%s (%s) has %d memory modules", s.Name, s.Odd, modules)
	}
	for n, nic := range m.Facts.NICs {
		planned := s.Cables[n]
		if len(nic.LLDP) != 1 {
			t.Errorf("%s: %d neighbours were heard on %s", s.Name, len(nic.LLDP), nic.Name)
			continue
		}
		as := nic.LLDP[0].SystemName == planned.Switch && nic.LLDP[0].PortID == planned.Port
		if swapped := s.Odd == simulate.SwappedCables && n == 1; as == swapped {
			t.Errorf("%s (%s): %s hears %s %s, planned is %s %s", s.Name, s.Odd, nic.Name, nic.LLDP[0].SystemName, nic.LLDP[0].PortID, planned.Switch, planned.Port)
		}
	}
}
