package find

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	ipmibmc "github.com/bougou/go-ipmi/pkg/bmc"
	"github.com/bougou/go-ipmi/pkg/hal/mock"
	"github.com/bougou/go-ipmi/pkg/server"
	"github.com/bougou/go-ipmi/pkg/transport/udp"

	"socle/internal/nettest"
	"socle/internal/secret"
	"socle/lab/redfish"
	"socle/lab/redfish/redfishtest"
)

func TestMain(m *testing.M) {
	nettest.Isolate("the search for controllers")
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		panic(string(out))
	}
	os.Exit(m.Run())
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"198.18.1.7": "198.18.1.7", "198.18.1.0/30": "198.18.1.1 198.18.1.2", "198.18.1.6/31": "198.18.1.6 198.18.1.7", "198.18.1.9/32": "198.18.1.9",
		"198.18.1.254-198.18.2.1":         "198.18.1.254 198.18.1.255 198.18.2.0 198.18.2.1",
		"198.18.1.3, 198.18.1.1/29":       "198.18.1.3 198.18.1.1 198.18.1.2 198.18.1.4 198.18.1.5 198.18.1.6",
		"fd00::1-fd00::3":                 "fd00::1 fd00::2 fd00::3",
		"fd00::/126":                      "fd00:: fd00::1 fd00::2 fd00::3",
		"255.255.255.254-255.255.255.255": "255.255.255.254 255.255.255.255",
	} {
		got, err := Addresses(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		var words []string
		for _, a := range got {
			words = append(words, a.String())
		}
		if strings.Join(words, " ") != want {
			t.Errorf("%s: %s; want %s", text, words, want)
		}
	}
	for text, want := range map[string]string{
		"": "no addresses", "10.0.0.0/8": "in parts", "fd00::/64": "in parts", "bmc01": "no address", "10.0.0.9-10.0.0.1": "must follow",
		"10.0.0.1-fd00::1": "must follow", "10.0.0.0/33": "no network", "10.0.0.0/16,10.1.0.0/16": "in parts",
	} {
		if _, err := Addresses(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func FuzzAddresses(f *testing.F) {
	f.Add("198.18.1.0/24,198.18.2.1-198.18.2.9 fd00::1")
	f.Add("0.0.0.0/0")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := Addresses(text); err == nil && (len(got) == 0 || len(got) > MaxAddresses) {
			t.Errorf("%q: %d addresses", text, len(got))
		}
	})
}

func FuzzPong(f *testing.F) {
	f.Add([]byte{0x06, 0x00, 0xff, 0x06, 0x00, 0x00, 0x11, 0xbe, 0x40, 0x2a, 0x00, 0x10, 0, 0, 0x11, 0xbe, 0, 0, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0})
	f.Add(presencePing)
	f.Fuzz(func(t *testing.T, b []byte) {
		if ok, ipmi := pong(b); ipmi && !ok {
			t.Error("IPMI without a pong")
		}
	})
}

func FuzzRoot(f *testing.F) {
	f.Add([]byte(`{"@odata.type":"#ServiceRoot.v1_5_0.ServiceRoot","RedfishVersion":"1.6.0","Vendor":"HPE","Product":"ProLiant","UUID":"AB"}`))
	f.Add([]byte(`{"@odata.type":"#ServiceRoot.1.0.0.ServiceRoot","Oem":{"Hp":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, ok := readRoot(text)
		for _, s := range []string{r.Vendor, r.Product, r.UUID, r.Name, r.Version} {
			if !utf8.ValidString(s) || len(s) > maxWord || !ok && s != "" || strings.ContainsAny(s, "\n\x1b") {
				t.Errorf("%q", s)
			}
		}
	})
}

// TestScan looks for controllers among a thousand addresses: some have Redfish, some IPMI, some answer with something
// else, some accept a connection and are silent for ever, and most are not there, with or without saying so.
func TestScan(t *testing.T) {
	want := map[netip.Addr]string{}
	specs := redfishtest.Specs(40, nil, "admin", secret.New("s3cret-Pa55"))
	for i := range specs {
		specs[i].Address = redfishtest.Loopback(i*20, 443)
		if i%10 == 9 {
			specs[i].Faults = []redfish.Fault{{Kind: redfish.Hang}}
			continue
		}
		want[specs[i].Address.Addr()] = "redfish"
	}
	fleet, err := redfishtest.Start(specs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fleet.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range 15 {
		addr := redfishtest.Loopback(i*30, 0).Addr()
		serveIPMI(t, addr)
		if want[addr] == "" {
			want[addr] = "ipmi"
		} else {
			want[addr] = "redfish+ipmi"
		}
	}
	serveSim(t, netip.MustParseAddr("127.1.3.77"))
	want[netip.MustParseAddr("127.1.3.77")] = "ipmi"
	serveSomethingElse(t, "127.1.3.78:443")
	// A quarter of the addresses is behind a firewall that drops what comes.
	for _, line := range []string{"add table ip scan", "add chain ip scan in { type filter hook input priority 0; }", "add rule ip scan in ip daddr 127.1.2.0/24 tcp dport 443 ip saddr != 127.1.2.0/24 counter drop"} {
		if out, err := exec.CommandContext(t.Context(), "nft", line).CombinedOutput(); err != nil {
			t.Fatalf("nft %s: %v: %s", line, err, out)
		}
	}
	for a := range want {
		if netip.MustParsePrefix("127.1.2.0/24").Contains(a) && strings.HasPrefix(want[a], "redfish") {
			want[a] = strings.TrimPrefix(strings.TrimPrefix(want[a], "redfish"), "+")
		}
	}
	addrs, err := Addresses("127.1.0.0/22")
	if err != nil {
		t.Fatal(err)
	}
	stop, most := watchHeap()
	start := time.Now()
	got := map[netip.Addr]string{}
	err = Scan(t.Context(), addrs, Options{}, func(f Found) {
		var words []string
		if f.Redfish != nil {
			words = append(words, "redfish")
			if f.Redfish.Vendor != "Socle" || f.Redfish.Version == "" || len(f.Redfish.Fingerprint) != 64 {
				t.Errorf("%s: %+v", f.Addr, *f.Redfish)
			}
		}
		if f.IPMI {
			words = append(words, "ipmi")
		}
		got[f.Addr] = strings.Join(words, "+")
	})
	took := time.Since(start)
	stop()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if got[a] != want[a] {
			t.Errorf("%s: found %q, there is %q", a, got[a], want[a])
		}
	}
	t.Logf("%d addresses with %d controllers in %v, the heap grew by %d MiB at most, theirs in this process included", len(addrs), len(got), took.Round(100*time.Millisecond), most()>>20)
	for _, m := range fleet.Members {
		if n := len(m.BMC.Requests()); n > 1 {
			t.Errorf("%s was asked %d times", m.Name, n)
		}
	}
}

// watchHeap looks at the heap until stop is called.
func watchHeap() (stop func(), most func() uint64) {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var grown atomic.Uint64
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&now)
			if now.HeapInuse > before.HeapInuse {
				grown.Store(max(grown.Load(), now.HeapInuse-before.HeapInuse))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-done }, grown.Load
}

// serveIPMI is go-ipmi's own controller.
func serveIPMI(t *testing.T, addr netip.Addr) {
	conn, err := udp.Listen(netip.AddrPortFrom(addr, rmcpPort).String())
	if err != nil {
		t.Fatal(err)
	}
	srv := server.NewServer(ipmibmc.New(ipmibmc.DeviceInfo{IPMIVersion: 0x20}, [16]byte{}, mock.New()), conn)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ctx) }()
	t.Cleanup(func() { cancel(); _ = srv.Close(); _ = conn.Close(); <-done })
}

// serveSim runs ipmi_sim of Debian's openipmi.
func serveSim(t *testing.T, addr netip.Addr) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"lan.conf": `name "sim"
set_working_mc 0x20
  startlan 1
    addr ` + addr.String() + ` 623
    priv_limit admin
    allowed_auths_admin md5
    guid 9a0f1c6e0b3a1c4d9d7e0123456789ab
  endlan
`,
		"commands": "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("ipmi_sim", "-n", "-c", filepath.Join(dir, "lan.conf"), "-f", filepath.Join(dir, "commands"), "-s", dir)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting ipmi_sim (Debian package openipmi): %v", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// serveSomethingElse speaks TLS to nobody: it answers a hello with a greeting.
func serveSomethingElse(t *testing.T, addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 something else\r\n"))
			_ = c.Close()
		}
	}()
}

// TestScanStops: who is no longer wanted to look stops looking.
func TestScanStops(t *testing.T) {
	addrs, err := Addresses("127.9.0.0/20")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	err = Scan(ctx, addrs, Options{}, func(Found) { t.Error("found something") })
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	if !slices.IsSortedFunc(addrs, netip.Addr.Compare) {
		t.Error("the list of the caller was changed")
	}
}
