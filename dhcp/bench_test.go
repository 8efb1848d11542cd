package dhcp

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"socle/dhcp/dhcptest"
	"socle/inventory"
)

// wire makes the bytes of a request as a PXE client sends it.
func wire(b *testing.B, kind dhcpv4.MessageType, mac net.HardwareAddr, mods ...dhcpv4.Modifier) []byte {
	b.Helper()
	p, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(kind), opt(93, 0, 7), opt(97, make([]byte, 17)...),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00007:UNDI:003016"))}, mods...)...)
	if err != nil {
		b.Fatal(err)
	}
	return p.ToBytes()
}

func bigSubnet() []inventory.Subnet {
	return []inventory.Subnet{{Name: "prov", Interface: "prov0", Prefix: netip.MustParsePrefix("198.18.0.0/16"),
		PoolFirst: ip("198.18.1.0"), PoolLast: ip("198.18.254.255"), LeaseTime: time.Hour}}
}

// BenchmarkHandler is the whole way of a packet but the socket and the store: read, decide, render, with
// 10,000 machines in the book.
func BenchmarkHandler(b *testing.B) {
	s, err := New(Options{Subnets: bigSubnet(), View: hosts{}, Leases: &dhcptest.Leases{}, BootURL: "http://198.18.0.1:8080"})
	if err != nil {
		b.Fatal(err)
	}
	mac := func(i int) net.HardwareAddr {
		return binary.BigEndian.AppendUint32([]byte{0x52, 0x54}, uint32(i))
	}
	const machines = 10000
	packets := make([][]byte, machines)
	for i := range packets {
		packets[i] = wire(b, discover, mac(i+1))
	}
	b.ReportAllocs()
	i := 0
	x := &exchange{port: newPort(loopback(b), 0, onProv)}
	for b.Loop() {
		x.data = packets[i%machines]
		if s.read(x); x.req == nil {
			b.Fatal("not read")
		}
		if x.out = s.decide(x.req, onProv); x.out.reply == nil {
			b.Fatal(x.out.why)
		}
		x.render()
		i++
	}
}

// slow is a store that takes 2 ms a transaction, as a disk or a database in the room does.
type slow struct{ dhcptest.Leases }

func (s *slow) SaveLeases(ctx context.Context, l []inventory.Lease) ([]inventory.Lease, error) {
	time.Sleep(2 * time.Millisecond)
	return s.Leases.SaveLeases(ctx, l)
}

// BenchmarkGroupCommit sends REQUESTs of 64 clients that each wait for their ACK, over a store of 2 ms a
// transaction: without group commit it could answer 500 a second.
func BenchmarkGroupCommit(b *testing.B) {
	store := &slow{}
	acked := make(chan struct{}, 4096)
	s, err := New(Options{Subnets: bigSubnet(), View: hosts{}, Leases: store, BootURL: "http://198.18.0.1:8080", Recorder: counting(acked)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.store(ctx) })
	wg.Go(s.work)
	p := newPort(loopback(b), 0, onProv)
	window := make(chan struct{}, 64)
	go func() {
		for {
			select {
			case <-acked:
				<-window
			case <-ctx.Done():
				return
			}
		}
	}()
	var packets [][]byte
	for i := range 5000 {
		a := address(number(ip("198.18.1.0")) + uint32(i))
		packets = append(packets, wire(b, req, net.HardwareAddr{0x52, 0x54, 0, 0, byte(i >> 8), byte(i)},
			dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(198, 18, 0, 1))), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(a.AsSlice()))))
	}
	i := 0
	for b.Loop() {
		window <- struct{}{}
		s.queue.push(p, []arrival{{data: packets[i%len(packets)], kind: req}})
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leases/s")
	cancel()
	s.queue.close()
	wg.Wait()
}

type counting chan struct{}

func (c counting) Record(inventory.Evidence) { c <- struct{}{} }

// loopback is a socket whose sends fail fast: the benchmark is not of the kernel.
func loopback(b *testing.B) *net.UDPConn {
	b.Helper()
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		b.Fatal(fmt.Errorf("opening a socket: %w", err))
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}
