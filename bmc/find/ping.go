package find

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// rmcpPort is the port of the Remote Management Control Protocol (IPMI 2.0 section 13.1.1).
const rmcpPort = 623

// asf is the enterprise number of the Alerting Specifications Forum.
const asf = 4542

// presencePing is an RMCP message of class ASF, type Presence Ping (IPMI 2.0 table 13-7). The tag is a fixed one: an
// answer is matched by its sender.
var presencePing = []byte{0x06, 0x00, 0xff, 0x06, 0x00, 0x00, 0x11, 0xbe, 0x80, 0x2a, 0x00, 0x00}

// pong tells whether a datagram answers a presence ping, and whether its sender speaks IPMI (table 13-8).
func pong(b []byte) (ok, ipmi bool) {
	if len(b) < 21 || b[0] != 0x06 || b[3]&0x1f != 0x06 || binary.BigEndian.Uint32(b[4:]) != asf || b[8] != 0x40 {
		return false, false
	}
	return true, b[20]&0x80 != 0
}

// ping asks all addresses, rounds times, at a pace, and returns who spoke IPMI by patience after the last question.
func (o Options) ping(ctx context.Context, addrs []netip.Addr) (map[netip.Addr]bool, error) {
	found := map[netip.Addr]bool{}
	var mu sync.Mutex
	asked := make(map[netip.Addr]bool, len(addrs))
	for _, a := range addrs {
		asked[a] = true
	}
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", ":0")
	if err != nil {
		return nil, fmt.Errorf("opening a socket for presence pings: %w", err)
	}
	done := make(chan struct{})
	go func() { // ends with the socket
		defer close(done)
		b := make([]byte, 128)
		for {
			n, from, err := conn.(*net.UDPConn).ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			who := from.Addr().Unmap().WithZone("")
			if ok, ipmi := pong(b[:n]); ok && ipmi && from.Port() == rmcpPort && asked[who] {
				mu.Lock()
				found[who] = true
				mu.Unlock()
			}
		}
	}()
	err = o.askAll(ctx, conn.(*net.UDPConn), addrs, func(a netip.Addr) bool { mu.Lock(); defer mu.Unlock(); return found[a] })
	_ = conn.Close()
	<-done
	return found, err
}

// askAll sends the pings. One that cannot be sent is one that nobody answers.
func (o Options) askAll(ctx context.Context, conn *net.UDPConn, addrs []netip.Addr, has func(netip.Addr) bool) error {
	pace := time.NewTicker(time.Second / time.Duration(o.PingRate))
	defer pace.Stop()
	for range o.Rounds {
		for _, a := range addrs {
			if has(a) {
				continue
			}
			select {
			case <-pace.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			_, _ = conn.WriteToUDPAddrPort(presencePing, netip.AddrPortFrom(a, rmcpPort))
		}
		select {
		case <-time.After(o.PingWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
