package dhcp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/sys/unix"

	"socle/internal/nettest"
	"socle/inventory"
)

// listenIn opens a UDP socket in the network namespace of a process.
func listenIn(t testing.TB, pid string, addr *net.UDPAddr) *net.UDPConn {
	t.Helper()
	type result struct {
		c   *net.UDPConn
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ns, err := os.Open("/proc/" + pid + "/ns/net")
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			_ = ns.Close()
		}
		if err != nil {
			done <- result{nil, err}
			return
		}
		c, err := net.ListenUDP("udp4", addr)
		done <- result{c, err}
	}()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { _ = r.c.Close() })
	return r.c
}

// TestARackPowersOnAtOnce sends the requests of 2,000 machines through a relay within a moment; each gets an
// address of its own, stored, without asking more than a few times.
func TestARackPowersOnAtOnce(t *testing.T) {
	const machines = 2000
	pid, client := namespace(t)
	nettest.Run(t, "ip", "link", "add", "prov0", "type", "veth", "peer", "name", "cli0", "netns", pid)
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "prov0").Run() })
	nettest.Run(t, "ip", "addr", "add", "198.18.0.1/16", "dev", "prov0")
	nettest.Run(t, "ip", "link", "set", "prov0", "up")
	client("ip", "addr", "add", "198.18.0.2/16", "dev", "cli0")
	client("ip", "link", "set", "cli0", "up")
	store := &slow{}
	s := serve(t, Options{Subnets: []inventory.Subnet{{Name: "prov", Interface: "prov0", Prefix: netip.MustParsePrefix("198.18.0.0/16"),
		PoolFirst: ip("198.18.1.0"), PoolLast: ip("198.18.16.255")}}, View: hosts{}, Leases: store, BootURL: "http://198.18.0.1:8080"})
	conn := listenIn(t, pid, &net.UDPAddr{IP: net.IPv4(198, 18, 0, 2), Port: 67})
	_ = conn.SetReadBuffer(8 << 20)

	var mu sync.Mutex
	waiting := make([]chan *dhcpv4.DHCPv4, machines)
	for i := range waiting {
		waiting[i] = make(chan *dhcpv4.DHCPv4, 4)
	}
	go func() {
		buf := make([]byte, 2048)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			p, err := dhcpv4.FromBytes(buf[:n])
			if err != nil {
				t.Error(err)
				continue
			}
			hw := p.ClientHWAddr
			select {
			case waiting[int(hw[4])<<8|int(hw[5])] <- p:
			default:
			}
		}
	}()
	given, resent := map[string]string{}, atomic.Int64{}
	began := time.Now()
	var wg sync.WaitGroup
	for i := range machines {
		mac := fmt.Sprintf("52:54:00:00:%02x:%02x", i>>8, i&0xff)
		ask := func(want dhcpv4.MessageType, kind dhcpv4.MessageType, mods ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
			b := packet(t, kind, mac, append(mods, giaddr("198.18.0.2"))...).packet.ToBytes()
			for range 10 {
				if _, err := conn.WriteToUDP(b, &net.UDPAddr{IP: net.IPv4(198, 18, 0, 1), Port: 67}); err != nil {
					t.Error(err)
				}
				select {
				case p := <-waiting[i]:
					if p.MessageType() == want {
						return p
					}
				case <-time.After(time.Second):
					resent.Add(1)
				}
			}
			t.Errorf("%s got no %s", mac, want)
			return nil
		}
		wg.Go(func() {
			offer := ask(dhcpv4.MessageTypeOffer, discover)
			if offer == nil {
				return
			}
			ack := ask(dhcpv4.MessageTypeAck, req, wants(offer.YourIPAddr.String()), server("198.18.0.1"))
			if ack == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if other, twice := given[ack.YourIPAddr.String()]; twice {
				t.Errorf("%s was given to %s and %s", ack.YourIPAddr, other, mac)
			}
			given[ack.YourIPAddr.String()] = mac
			if l, ok := store.Lease(ack.YourIPAddr.String()); !ok || l.MAC != mac {
				t.Errorf("%s has an ACK and no stored lease: %+v", mac, l)
			}
		})
	}
	wg.Wait()
	t.Logf("%d machines in %s, %d packets sent again, %d store transactions, %+v", len(given), time.Since(began).Round(time.Millisecond), resent.Load(), store.Calls(), s.Stats())
	if len(given) != machines {
		t.Errorf("%d of %d machines have an address", len(given), machines)
	}
	if store.Calls() > machines/2 {
		t.Errorf("%d transactions for %d leases: they were not stored together", store.Calls(), machines)
	}
}
