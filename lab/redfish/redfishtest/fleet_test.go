package redfishtest_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stmcginnis/gofish"

	"socle/internal/nettest"
	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

// TestMain moves into a namespace of its own, where all controllers may have the usual port.
func TestMain(m *testing.M) {
	nettest.Isolate("fleets of controllers")
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		panic(string(out))
	}
	os.Exit(m.Run())
}

const password = "fleet-Pa55word"

func fleet(t testing.TB, specs []redfishtest.Spec) *redfishtest.Fleet {
	t.Helper()
	f, err := redfishtest.Start(specs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// look reads a controller's system with a foreign client, in a session, and logs out.
func look(ctx context.Context, client *http.Client, m *redfishtest.Member) (serial, power string, err error) {
	c, err := gofish.ConnectContext(ctx, gofish.ClientConfig{Endpoint: "https://" + m.Address.String(), Username: "admin", Password: password, HTTPClient: client})
	if err != nil {
		return "", "", err
	}
	defer c.Logout()
	systems, err := c.Service.Systems()
	if err != nil {
		return "", "", err
	}
	return systems[0].SerialNumber, string(systems[0].PowerState), nil
}

func client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: false, MaxIdleConnsPerHost: 1, IdleConnTimeout: 100 * time.Millisecond,
	}}
}

// TestFleet: 200 controllers with addresses of their own, of which 5 % hang, 5 % refuse the password and 5 % lie.
func TestFleet(t *testing.T) {
	specs := redfishtest.Specs(200, nil, "admin", secret.New(password))
	for i := range specs {
		specs[i].Address = redfishtest.Loopback(i, 443)
		specs[i].On = i%2 == 0
		switch i % 20 {
		case 3:
			specs[i].Faults = []redfish.Fault{{Kind: redfish.Hang}}
		case 7:
			specs[i].Password = secret.New("another")
		case 11:
			specs[i].Faults = []redfish.Fault{{Kind: redfish.Lie}}
		}
	}
	f := fleet(t, specs)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	c := client()
	turn := make(chan struct{}, 16)
	for i, m := range f.Members {
		all.Go(func() {
			deadline := ctx
			if len(m.Faults) > 0 && m.Faults[0].Kind == redfish.Hang {
				var stop context.CancelFunc
				deadline, stop = context.WithTimeout(ctx, time.Second)
				defer stop()
			} else {
				turn <- struct{}{}
				defer func() { <-turn }()
			}
			serial, power, err := look(deadline, c, m)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && strings.Contains(err.Error(), "401"):
				got["401"]++
			case err != nil && deadline.Err() != nil:
				got["hang"]++
			case err != nil:
				t.Errorf("%s: %v", m.Name, err)
			case serial != m.Serial || (power == "On") != (i%2 == 0):
				t.Errorf("%s: serial %s, power %s", m.Name, serial, power)
			default:
				got["ok"]++
			}
		})
	}
	all.Wait()
	if got["ok"] != 180 || got["hang"] != 10 || got["401"] != 10 {
		t.Error(got)
	}
	for _, m := range f.Members {
		if n := m.BMC.Sessions(); n != 0 {
			t.Errorf("%s: %d sessions left", m.Name, n)
		}
	}
	t.Logf("%v; heap %d KiB a controller", got, heap()/1024/len(f.Members))
}

// heap is what is in use after the garbage is gone, in bytes.
func heap() int {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapInuse + s.StackInuse) //nolint:gosec // far from the bound
}

// TestFleetMemory: 2,000 controllers that were all asked once cost less than 64 KiB each, their listeners, certificates
// and goroutines included.
func TestFleetMemory(t *testing.T) {
	const n, limit = 2000, 64 << 10
	before := heap()
	f := fleet(t, redfishtest.Specs(n, nil, "admin", secret.New(password)))
	for _, m := range f.Members {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/redfish/v1/Systems/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("admin", password)
		w := &nowhere{header: http.Header{}}
		m.BMC.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			t.Fatalf("%s: %d", m.Name, w.status)
		}
	}
	each := (heap() - before) / n
	t.Logf("%d bytes a controller", each)
	if each > limit {
		t.Errorf("%d bytes a controller; more than %d", each, limit)
	}
}

type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(status int)      { n.status = status }

func TestFleetAddressTaken(t *testing.T) {
	specs := redfishtest.Specs(2, nil, "admin", secret.New(password))
	specs[0].Address, specs[1].Address = redfishtest.Loopback(0, 443), redfishtest.Loopback(0, 443)
	if f, err := redfishtest.Start(specs); err == nil || !strings.Contains(err.Error(), "n0002") {
		t.Errorf("%v", err)
		if f != nil {
			_ = f.Close()
		}
	}
}
