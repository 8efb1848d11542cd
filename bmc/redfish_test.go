package bmc_test

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"socle/bmc"
	"socle/internal/secret"
	"socle/inventory"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// startRedfish serves the virtual rack's emulator in front of a machine without hardware.
func startRedfish(t *testing.T) *peer {
	p, _, _ := redfishPeer(t)
	return p
}

func redfishPeer(t *testing.T) (*peer, *redfish.Faults, *gate) { return shapedPeer(t, "generic") }

// shapedPeer is a controller of one maker's kind.
func shapedPeer(t *testing.T, name string) (*peer, *redfish.Faults, *gate) {
	shape, err := redfish.ShapeByName(name)
	if err != nil {
		t.Fatal(err)
	}
	about := redfish.Description{
		Name: "hv01", Serial: "SN-1", UUID: "6E1C0F9A-3A0B-4D1C-9D7E-0123456789AB", Manufacturer: "Socle", Model: "VR-1",
		MACs: []string{"52:54:00:00:00:01"}, BMCMAC: "52:54:00:00:01:01", UEFI: true, CPUs: 1, MemoryMiB: 2048,
	}
	vm := redfishtest.NewVM(about)
	vm.Lag = 300 * time.Millisecond
	faults := new(redfish.Faults)
	emulator := redfish.New(redfish.Options{Machine: vm, User: "admin", Password: secret.New(password), Shape: shape, Faults: faults, RestartTime: time.Second})
	g := &gate{t: t, next: emulator}
	addr := serve(t, g)
	t.Cleanup(func() {
		if g.open != 0 && !g.lenient {
			t.Errorf("%d sessions were left open", g.open)
		}
	})
	names := map[string]string{redfish.On: "on", redfish.ForceOff: "off", redfish.ForceRestart: "reset", redfish.GracefulShutdown: "soft", redfish.NMI: "nmi"}
	return &peer{
		target: bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: addr, User: "admin", Password: secret.New(password)},
		info: bmc.Info{
			Protocol: inventory.Redfish, Vendor: cmp.Or(shape.SystemMaker, "Socle"), Model: cmp.Or(shape.SystemModel, "VR-1"), Serial: "SN-1",
			UUID: strings.ToLower(about.UUID), Firmware: shape.Firmware[0].Version, MAC: about.BMCMAC,
		},
		hang:   func(*testing.T) { faults.Add(redfish.Fault{Kind: redfish.Hang}) },
		wake:   func(*testing.T) { faults.Remove(redfish.Hang) },
		ignore: func(*testing.T) { faults.Add(redfish.Fault{Kind: redfish.Ignore}) },
		done: func(*testing.T) (all []string) {
			for _, a := range vm.Actions() {
				all = append(all, names[a])
			}
			return all
		},
		boot: func(t *testing.T) string {
			device, once, _ := vm.NextBoot(t.Context())
			if !once {
				t.Errorf("boot device %s is not for once", device)
			}
			return map[string]string{redfish.DevicePXE: "pxe", redfish.DeviceDisk: "disk"}[device]
		},
		vitals: emulatorVitals(emulator, shape),
		silent: func(t *testing.T) bmc.Target {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: l.Addr().String(), User: "admin", Password: secret.New(password)}
		},
	}, faults, g
}

// serve answers over TLS on loopback until the test ends.
func serve(t testing.TB, h http.Handler) string { return serveAt(t, "127.0.0.1:0", h) }

func serveAt(t testing.TB, address string, h http.Handler) string {
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- redfish.Serve(ctx, l, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// gate counts sessions and refused logins, and does not allow a second session beside one.
type gate struct {
	t       *testing.T
	next    http.Handler
	lenient bool // sessions may be left open

	mu      sync.Mutex
	open    int
	refused int
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &statusWriter{ResponseWriter: w}
	g.next.ServeHTTP(s, r)
	if strings.HasSuffix(r.URL.Path, "/Manager.Reset") { // which ends all sessions
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open = 0
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/redfish/v1/SessionService/Sessions") {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case r.Method == http.MethodPost && s.status == http.StatusCreated:
		if g.open++; g.open > 1 {
			g.t.Errorf("%d sessions at a time", g.open)
		}
	case r.Method == http.MethodPost:
		g.refused++
	case r.Method == http.MethodDelete && s.status == http.StatusNoContent:
		g.open--
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(code int) {
	s.status = code
	s.ResponseWriter.WriteHeader(code)
}

// TestRedfishRefusedOnce: a refused login is tried once a call, or accounts get locked.
func TestRedfishRefusedOnce(t *testing.T) {
	p, _, g := redfishPeer(t)
	p.target.Password = secret.New("wrong")
	_, err := bmc.New(quick).SetPower(t.Context(), p.target, bmc.Cycle)
	mustBe(t, err, bmc.ErrAuth, "")
	if g.refused != 1 {
		t.Errorf("%d logins were tried", g.refused)
	}
}

// TestRedfishFaults: controllers that answer and do not work are told apart from those that are not there.
func TestRedfishFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault redfish.Fault
		kind  error // nil: an error of no known kind
		text  string
	}{
		{"always 401", redfish.Fault{Kind: redfish.Unauthorized}, bmc.ErrAuth, ""},
		{"409", redfish.Fault{Kind: redfish.Conflict}, nil, "HTTP 409"},
		{"no JSON", redfish.Fault{Kind: redfish.Broken}, nil, "not in Redfish"},
		{"forgets", redfish.Fault{Kind: redfish.ForgetBoot}, bmc.ErrReadBack, ""},
		{"slow", redfish.Fault{Kind: redfish.Slow, For: 50 * time.Millisecond}, nil, ""},
		{"too slow", redfish.Fault{Kind: redfish.Slow, For: 2 * time.Second}, bmc.ErrUnreachable, "not done within"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, faults, g := redfishPeer(t)
			faults.Add(c.fault)
			g.lenient = true // sessions of a broken controller may stay
			d := bmc.New(bmc.Options{WriteTimeout: 3 * time.Second, BootSettle: 500 * time.Millisecond})
			err := nextBoot(t.Context(), d, p.target, bmc.BootPXE, true)
			switch {
			case c.kind != nil:
				mustBe(t, err, c.kind, c.text)
			case c.text == "" && err != nil, c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text)):
				t.Errorf("error %v; want %q", err, c.text)
			}
		})
	}
}

// TestRedfishElsewhere: a controller that points to another host gets no login sent there.
func TestRedfishElsewhere(t *testing.T) {
	var asked sync.Map
	other := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked.Store(r.URL.Path, true) }))
	for name, h := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+other+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"link": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(`{"@odata.id":"/redfish/v1/","Links":{"Sessions":{"@odata.id":"@` + other + `/x"}},"Systems":{"@odata.id":"@` + other + `/y"}}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			to := bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: serve(t, h), User: "admin", Password: secret.New(password)}
			if _, err := bmc.New(quick).Power(t.Context(), to); err == nil || strings.Contains(err.Error(), password) || !strings.Contains(err.Error(), "another host") || errors.Is(err, bmc.ErrUnreachable) {
				t.Errorf("error %v", err)
			}
			asked.Range(func(path, _ any) bool { t.Errorf("the other host was asked for %v", path); return true })
		})
	}
}

// TestRedfishEndless: an answer without end is cut.
func TestRedfishEndless(t *testing.T) {
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"a":"`))
		junk := []byte(strings.Repeat("x", 1<<16))
		for r.Context().Err() == nil {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	}))
	to := bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: addr, User: "admin", Password: secret.New(password)}
	start := time.Now()
	_, err := bmc.New(bmc.Options{}).Power(t.Context(), to)
	if err == nil || !strings.Contains(err.Error(), "without end") || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// TestRedfishNoTLS: a web server without TLS at the address is there, and is no controller.
func TestRedfishNoTLS(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	to := bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: srv.Listener.Addr().String(), User: "admin", Password: secret.New(password)}
	_, err := bmc.New(quick).Power(t.Context(), to)
	if err == nil || errors.Is(err, bmc.ErrUnreachable) || !strings.Contains(err.Error(), "not with TLS") {
		t.Error(err)
	}
	// One with TLS that knows no Redfish cannot do it.
	to.Address = serve(t, http.NotFoundHandler())
	_, err = bmc.New(quick).Power(t.Context(), to)
	mustBe(t, err, bmc.ErrUnsupported, "knows no Redfish")
}

// TestRedfishHangsInWriting: bmclib gives gofish no context, so that only the connection can be ended.
func TestRedfishHangsInWriting(t *testing.T) {
	vm := redfishtest.NewVM(redfish.Description{Name: "hv01", Serial: "SN-1", UEFI: true})
	emulator := redfish.New(redfish.Options{Machine: vm, User: "admin", Password: secret.New(password)})
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch || strings.HasSuffix(r.URL.Path, "ComputerSystem.Reset") {
			<-r.Context().Done()
			return
		}
		emulator.ServeHTTP(w, r)
	}))
	d := bmc.New(bmc.Options{WriteTimeout: time.Second}) // reading has its usual time: the next call is to work on a busy machine, too
	to := bmc.Target{Machine: "hv01", Protocol: inventory.Redfish, Address: addr, User: "admin", Password: secret.New(password)}
	for name, call := range map[string]func() error{
		"power": func() error { _, err := d.SetPower(t.Context(), to, bmc.On); return err },
		"boot":  func() error { return nextBoot(t.Context(), d, to, bmc.BootDisk, true) },
	} {
		t.Run(name, func(t *testing.T) {
			timed(t, call, func(t *testing.T, err error) { mustBe(t, err, bmc.ErrUnreachable, "not done within 1s") })
			if _, err := d.Power(t.Context(), to); err != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}
