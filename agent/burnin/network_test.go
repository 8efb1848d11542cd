package burnin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"socle/api"
	"socle/internal/netns"
	"socle/internal/nettest"
)

func TestMain(m *testing.M) {
	nettest.Isolate("the test of the network")
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// ends are two servers on a network, and a server that brings them together.
type ends struct {
	mu   sync.Mutex
	at   []string
	both chan struct{}
}

func (e *ends) link(name string) *Link { return e.linkAt(name, "127.0.0.1") }

func (e *ends) linkAt(name, address string) *Link {
	return &Link{Name: name, MAC: "02:00:00:00:00:01", Dial: (&net.Dialer{}).DialContext,
		Listen: func(ctx context.Context) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, "tcp", address+":0")
		},
		Partner: func(ctx context.Context, port int) (api.Partner, error) {
			e.mu.Lock()
			e.at = append(e.at, net.JoinHostPort(address, strconv.Itoa(port)))
			first := len(e.at) == 1
			if !first {
				close(e.both)
			}
			e.mu.Unlock()
			select {
			case <-e.both:
			case <-ctx.Done():
				return api.Partner{}, ErrNobody
			}
			if first {
				return api.Partner{Machine: "other", Token: "t"}, nil
			}
			return api.Partner{Machine: "other", Token: "t", Address: e.at[0]}, nil
		}}
}

func plan(l *Link) Plan {
	return Plan{BurnIn: api.BurnIn{Tests: []string{api.TestNetwork}, Seconds: 1, Memory: 10}, Link: l}
}

// TestNetwork has two servers test the network between them: each tells what it sent and received, alone and with both at once.
func TestNetwork(t *testing.T) {
	e := &ends{both: make(chan struct{})}
	results := make(chan api.BurnInResult, 2)
	for _, name := range []string{"eth0", "eth1"} {
		go func() {
			r, err := Run(t.Context(), plan(e.link(name)))
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	for range 2 {
		r := <-results
		got := map[string]float64{}
		for _, m := range r.Measured {
			got[m.Metric] = m.Value
			if m.Unit != "bit/s" || !strings.HasPrefix(m.Subject, "eth") || m.Part == "" || m.LowerIsBetter {
				t.Errorf("%+v", m)
			}
		}
		for _, metric := range []string{"network.send", "network.receive", "network.send.all", "network.receive.all"} {
			if got[metric] < 1e6 {
				t.Errorf("%s: %g bit/s over the loopback", metric, got[metric])
			}
		}
		if len(got) != 4 || len(r.Failures) != 0 || len(r.Notes) != 1 || r.Notes[0] != "the network was tested with other" {
			t.Errorf("%+v", r)
		}
	}
}

// TestOneIsStopped: who is stopped in the middle ends at once, and the other one does not take that for a broken cable.
func TestOneIsStopped(t *testing.T) {
	e := &ends{both: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	long := func(l *Link) Plan {
		p := plan(l)
		p.Seconds = 3600
		return p
	}
	stopped, stays := make(chan error, 1), make(chan api.BurnInResult, 1)
	near := e.link("eth0")
	dial := near.Dial
	data := make(chan struct{}, 2*(1+streams))
	seen := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err == nil {
			data <- struct{}{}
		}
		return c, err
	}
	other := e.link("eth1")
	near.Dial, other.Dial = seen, seen
	go func() {
		_, err := Run(ctx, long(near))
		stopped <- err
	}()
	go func() {
		r, err := Run(t.Context(), long(other))
		if err != nil {
			t.Error(err)
		}
		stays <- r
	}()
	for range 1 + streams { // one dials: the control, and all connections of the first part
		<-data
	}
	cancel()
	if err := <-stopped; err == nil {
		t.Error("it was stopped, and says that it ran")
	}
	if r := <-stays; len(r.Failures) != 0 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "went away") && !strings.Contains(r.Notes[0], "was not reached") {
		t.Errorf("%+v", r)
	}
}

// TestSlowDirection: on a cable that is slow in one direction, this direction is measured slow, and the other one is not.
func TestSlowDirection(t *testing.T) {
	space, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = space.Close() })
	const limit = 20e6
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "near0"}, PeerName: "far0", PeerNamespace: netlink.NsFd(space.Fd())}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	up := func(name, address string) error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr(address)
		if err != nil {
			return err
		}
		return errors.Join(netlink.AddrAdd(l, a), netlink.LinkSetUp(l))
	}
	if err := errors.Join(up("near0", "198.18.9.1/24"), space.Do(func() error { return up("far0", "198.18.9.2/24") })); err != nil {
		t.Fatal(err)
	}
	nettest.Run(t, "tc", "qdisc", "add", "dev", "near0", "root", "tbf", "rate", "20mbit", "burst", "64kb", "latency", "50ms")
	e := &ends{both: make(chan struct{})}
	near, distant := e.linkAt("near0", "198.18.9.1"), e.linkAt("far0", "198.18.9.2")
	listen, dial := distant.Listen, distant.Dial
	distant.Listen = func(ctx context.Context) (l net.Listener, err error) {
		err = space.Do(func() (err error) { l, err = listen(ctx); return err })
		return l, err
	}
	distant.Dial = func(ctx context.Context, network, address string) (c net.Conn, err error) {
		err = space.Do(func() (err error) { c, err = dial(ctx, network, address); return err })
		return c, err
	}
	results := make(chan api.BurnInResult, 1)
	go func() {
		r, err := Run(t.Context(), plan(distant))
		if err != nil {
			t.Error(err)
		}
		results <- r
	}()
	r, err := Run(t.Context(), plan(near))
	if err != nil {
		t.Fatal(err)
	}
	<-results
	got := map[string]float64{}
	for _, m := range r.Measured {
		got[m.Metric] = m.Value
	}
	if sent := got["network.send"]; sent <= 0 || sent > 1.5*limit || got["network.receive"] < 2*sent { // the burst comes on top
		t.Errorf("%v, %q, %+v", got, r.Notes, r.Failures)
	}
}

// TestNobodyComes: a server without a partner says so, and fails in nothing.
func TestNobodyComes(t *testing.T) {
	l := (&ends{}).link("eth0")
	l.Partner = func(context.Context, int) (api.Partner, error) { return api.Partner{}, ErrNobody }
	for _, link := range []*Link{l, nil} {
		r, err := Run(t.Context(), plan(link))
		if err != nil || len(r.Measured)+len(r.Failures) != 0 || len(r.Notes) != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// TestStrangersStayOut: who does not know the token is not let in, whatever it sends, and a test that is stopped ends.
func TestStrangersStayOut(t *testing.T) {
	at := make(chan int, 1)
	l := (&ends{}).link("eth0")
	l.Partner = func(ctx context.Context, port int) (api.Partner, error) {
		at <- port
		return api.Partner{Machine: "other", Token: "secret"}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, plan(l))
		ended <- err
	}()
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: <-at}).String()
	letIn := func(said []byte) bool {
		t.Helper()
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, _ = c.Write(said)
		n, _ := c.Read(make([]byte, 1))
		return n > 0
	}
	right := newHello("secret", bothWays) // of a part that has not begun: it is let in and not kept
	for !letIn(right[:]) {                // the token may not be known yet
		time.Sleep(10 * time.Millisecond)
	}
	wrong := newHello("guessed", control)
	for _, said := range [][]byte{wrong[:], []byte(strings.Repeat("x", 33)), make([]byte, 100)} {
		if letIn(said) {
			t.Errorf("%q was let in", said)
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a test that was stopped says that it ran")
	}
}
