package dhcp

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/internal/nettest"
	"socle/internal/pgtest"
	"socle/inventory"
	"socle/inventory/store"
)

// childURL is the database of a server that runs as a process of its own, so that it can be killed.
const childURL = "SOCLE_DHCP_TEST_CHILD"

// newReplica is the server of one of the two: attached to a link of its own, where relays reach it; it serves the
// subnet "far". Both begin their search for a free address at the same place, so that they get into each
// other's way, and hear of each other late.
func newReplica(url, link string, n byte) (*Server, error) {
	st, err := store.Open(context.Background(), store.Options{URL: url})
	if err != nil {
		return nil, err
	}
	s, err := New(Options{Subnets: []inventory.Subnet{
		{Name: "link", Interface: link, Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, n, 0}), 24), Mode: inventory.SubnetReservations},
		{Name: "far", Prefix: netip.MustParsePrefix("198.18.0.0/16"), PoolFirst: ip("198.18.1.0"), PoolLast: ip("198.18.5.255")},
	}, View: hosts{}, Leases: st, BootURL: "http://10.0.0.1:8080", OfferTime: time.Second, SyncEvery: 2 * time.Second,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err == nil {
		s.h.book.salt = 0
	}
	return s, err
}

// serveAsChild is the whole life of the second server.
func serveAsChild(url string) {
	s, err := newReplica(url, "two0", 2)
	if err == nil {
		err = s.Serve(context.Background())
	}
	fmt.Fprintln(os.Stderr, "the second server ended:", err)
	os.Exit(1)
}

// relayed is a relay that sends what clients say to both servers, and gives each client its answers.
type relayed struct {
	t     *testing.T
	conns [2]*net.UDPConn
	mu    sync.Mutex
	want  map[dhcpv4.TransactionID]chan *dhcpv4.DHCPv4
}

func (r *relayed) listen(conn *net.UDPConn) {
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		p, err := dhcpv4.FromBytes(buf[:n])
		if err != nil {
			r.t.Error(err)
			continue
		}
		r.mu.Lock()
		c := r.want[p.TransactionID]
		r.mu.Unlock()
		select {
		case c <- p:
		default: // nobody waits for it
		}
	}
}

// ask sends a message to both servers and returns the first answer of a kind; of a NAK, nil at once.
func (r *relayed) ask(mac string, kind, want dhcpv4.MessageType, patience time.Duration, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	return r.tell(r.conns[:], mac, kind, want, patience, mods...)
}

// tell is ask for the servers behind some of the connections.
func (r *relayed) tell(conns []*net.UDPConn, mac string, kind, want dhcpv4.MessageType, patience time.Duration, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	hw, err := net.ParseMAC(mac)
	if err != nil {
		r.t.Error(err)
		return nil
	}
	c := make(chan *dhcpv4.DHCPv4, 4)
	var id dhcpv4.TransactionID
	for i, conn := range conns {
		at := conn.LocalAddr().(*net.UDPAddr).IP.To4() // the relay's; the server is at .1 of its network
		far := opt(82, 5, 4, 198, 18, 0, 0)            // link selection (RFC 3527)
		p, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(hw), dhcpv4.WithMessageType(kind), giaddr(at.String()), far}, mods...)...)
		if err != nil {
			r.t.Error(err)
			return nil
		}
		if i == 0 {
			id = p.TransactionID
			r.mu.Lock()
			r.want[id] = c
			r.mu.Unlock()
			defer func() { r.mu.Lock(); delete(r.want, id); r.mu.Unlock() }()
		}
		p.TransactionID = id
		if _, err := conn.WriteToUDP(p.ToBytes(), &net.UDPAddr{IP: net.IPv4(at[0], at[1], at[2], 1), Port: 67}); err != nil && !strings.Contains(err.Error(), "refused") {
			r.t.Error(err)
		}
	}
	if want == dhcpv4.MessageTypeNone {
		return nil
	}
	for limit := time.After(patience); ; {
		select {
		case p := <-c:
			switch p.MessageType() {
			case want:
				return p
			case dhcpv4.MessageTypeNak:
				return nil
			}
		case <-limit:
			return nil
		}
	}
}

// ledger knows who has which address, as the clients see it.
type ledger struct {
	mu     sync.Mutex
	holder map[string]string
	naks   int
}

// take notes an ACK; nobody else may have the address.
func (l *ledger) take(t *testing.T, addr, mac string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, held := l.holder[addr]; held && other != mac {
		t.Errorf("%s was acknowledged to %s while %s has it", addr, mac, other)
	}
	l.holder[addr] = mac
}

func (l *ledger) giveBack(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.holder, addr)
}

// boot gets an address as a client does: again and again until it has one. It returns the server's too.
func (l *ledger) boot(r *relayed, mac string) (addr, from string) {
	for range 40 {
		offer := r.ask(mac, discover, dhcpv4.MessageTypeOffer, 500*time.Millisecond)
		if offer == nil {
			continue
		}
		from := offer.ServerIdentifier().String()
		if ack := r.ask(mac, req, dhcpv4.MessageTypeAck, time.Second, wants(offer.YourIPAddr.String()), server(from)); ack != nil {
			l.take(r.t, ack.YourIPAddr.String(), mac)
			return ack.YourIPAddr.String(), from
		}
		l.mu.Lock()
		l.naks++
		l.mu.Unlock()
	}
	r.t.Errorf("%s got no address", mac)
	return "", ""
}

// TestTwoServersOneOfThemKilled runs two servers over one PostgreSQL for the same subnet, one of them as a
// process that is killed in the middle. A thousand clients boot and half of them leave again; no address is
// ever acknowledged to two of them, and who got a lease from the killed server keeps it with the other one.
func TestTwoServersOneOfThemKilled(t *testing.T) {
	pid, client := namespace(t)
	for n, name := range []string{"one", "two"} {
		nettest.Run(t, "ip", "link", "add", name+"0", "type", "veth", "peer", "name", name+"1", "netns", pid)
		t.Cleanup(func() { _ = exec.Command("ip", "link", "del", name+"0").Run() })
		nettest.Run(t, "ip", "addr", "add", fmt.Sprintf("10.0.%d.1/24", n+1), "dev", name+"0")
		nettest.Run(t, "ip", "link", "set", name+"0", "up")
		client("ip", "addr", "add", fmt.Sprintf("10.0.%d.2/24", n+1), "dev", name+"1")
		client("ip", "link", "set", name+"1", "up")
	}
	url := pgtest.URL(t)
	one, err := newReplica(url, "one0", 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- one.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	two := exec.Command("/proc/self/exe")
	two.Env = append(os.Environ(), childURL+"="+url)
	runtime.LockOSThread() // Pdeathsig follows the thread
	defer runtime.UnlockOSThread()
	two.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := two.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := two.Start(); err != nil {
		t.Fatal(err)
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for sc := bufio.NewScanner(said); sc.Scan(); {
			t.Log("second server:", sc.Text())
		}
	}()
	kill := sync.OnceFunc(func() { _ = two.Process.Kill(); <-heard; _ = two.Wait() })
	t.Cleanup(kill)

	r := &relayed{t: t, want: map[dhcpv4.TransactionID]chan *dhcpv4.DHCPv4{}}
	for i := range r.conns {
		r.conns[i] = listenIn(t, pid, &net.UDPAddr{IP: net.IPv4(10, 0, byte(i+1), 2), Port: 67})
		_ = r.conns[i].SetReadBuffer(4 << 20)
		go r.listen(r.conns[i])
	}
	contest(t, r)

	l := &ledger{holder: map[string]string{}}
	const wave, crowd = 500, 64
	ofTwo := sync.Map{} // addresses by MAC that the second server gave
	boot := func(first int, leave bool) {
		var wg sync.WaitGroup
		room := make(chan struct{}, crowd)
		for i := range wave {
			if room <- struct{}{}; first > 0 && i == wave/3 {
				kill() // while others are in the middle of their exchanges
			}
			wg.Go(func() {
				defer func() { <-room }()
				mac := fmt.Sprintf("52:54:00:00:%02x:%02x", (first+i)>>8, (first+i)&255)
				addr, from := l.boot(r, mac)
				switch {
				case leave && i%2 == 0 && addr != "":
					l.giveBack(addr)
					r.ask(mac, dhcpv4.MessageTypeRelease, dhcpv4.MessageTypeNone, 0, ciaddr(addr), server(from))
				case from == "10.0.2.1":
					ofTwo.Store(mac, addr)
				}
			})
		}
		wg.Wait()
	}
	boot(0, true)
	boot(wave, false)
	n := 0
	ofTwo.Range(func(mac, addr any) bool {
		n++
		var ack *dhcpv4.DHCPv4
		for try := 0; try < 10 && ack == nil; try++ {
			ack = r.ask(mac.(string), req, dhcpv4.MessageTypeAck, time.Second, ciaddr(addr.(string)))
		}
		if ack == nil || ack.YourIPAddr.String() != addr {
			t.Errorf("%s cannot renew %s, which the killed server gave it", mac, addr)
		} else {
			l.take(t, addr.(string), mac.(string))
		}
		return n < 100
	})
	st := one.Stats()
	t.Logf("%d addresses are held, %d were of the killed server, %d tries again, first server: %+v", len(l.holder), n, l.naks, st)
	if n == 0 || st.Answered == 0 {
		t.Error("one of the servers gave nothing: nothing was proved")
	}
}

// contest waits until each server answers, and has each of them give an address of which the other one has not
// heard yet that it is given out: the database says so, and no client gets it.
func contest(t *testing.T, r *relayed) {
	t.Helper()
	for n := range r.conns {
		mine, other := r.conns[n:n+1], r.conns[1-n:2-n]
		won := false
		for i := 0; i < 120 && !won; i++ {
			first, second := fmt.Sprintf("52:54:00:ff:%02x:%02x", n, i), fmt.Sprintf("52:54:00:fe:%02x:%02x", n, i)
			offer := r.tell(other, first, discover, dhcpv4.MessageTypeOffer, 500*time.Millisecond)
			if offer == nil {
				continue // it does not run yet
			}
			addr := offer.YourIPAddr.String()
			again := r.tell(mine, second, discover, dhcpv4.MessageTypeOffer, 500*time.Millisecond, wants(addr))
			if again == nil || again.YourIPAddr.String() != addr {
				continue // not yet, or it has had the news
			}
			if r.tell(other, first, req, dhcpv4.MessageTypeAck, time.Second, wants(addr), server(offer.ServerIdentifier().String())) == nil {
				continue
			}
			if r.tell(mine, second, req, dhcpv4.MessageTypeAck, time.Second, wants(addr), server(again.ServerIdentifier().String())) != nil {
				t.Fatalf("both servers gave %s", addr)
			}
			won = true
		}
		if !won {
			t.Fatalf("server %d never wanted an address that the other one gave", n+1)
		}
	}
}
