package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/ipv4"
)

// dhcpLoad is the load of many clients behind one relay: one goroutine, one socket, as few system calls as
// can be, so that the two cores are the server's.
type dhcpLoad struct {
	known    bool // the known hosts in turn; else a new MAC for each exchange
	inFlight int
	rate     int           // exchanges begun a second; 0: as fast as they are answered
	most     int           // exchanges, 0: no limit
	anyAddr  bool          // whether any address will do for a known host
	patience time.Duration // after which a packet counts as lost, default 1 s
}

// client is one exchange under way.
type client struct {
	mac    [6]byte
	want   netip.Addr // what it must get, when that is known
	begun  time.Time
	sent   time.Time
	serial uint32 // of the exchange: the upper part of its transaction ID
	state  byte   // 0: idle, else the message type that it waits for
	packet []byte
}

const (
	discovered, offered, requested, acked, refused = 1, 2, 3, 5, 6 // message types (RFC 2132 section 9.6)
	slots                                          = 1 << 8        // clients are told apart by the lowest octet of their transaction ID
)

// generator is a load while it runs.
type generator struct {
	dhcpLoad
	conn    *net.UDPConn
	batch   *ipv4.PacketConn
	clients []client
	out     []ipv4.Message
	server  *net.UDPAddr
	next    int // host, or MAC
	serial  uint32
	begun   int
	given   map[netip.Addr][6]byte // to whom, of the fresh leases
	start   time.Time
	result  result
}

// run loads for about d. An answer with a wrong address, one that lacks what each client needs, and an address given
// twice are errors; a NAK counts as lost.
func (l dhcpLoad) run(ctx context.Context, _ *bed, d time.Duration) (result, error) {
	if l.patience == 0 {
		l.patience = time.Second
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(clientAddr), Port: 67})
	if err != nil {
		return result{}, fmt.Errorf("opening the relay's socket: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadBuffer(4 << 20) // less is no failure
	g := generator{dhcpLoad: l, given: map[netip.Addr][6]byte{}, conn: conn, batch: ipv4.NewPacketConn(conn), clients: make([]client, min(l.inFlight, slots)),
		server: &net.UDPAddr{IP: net.ParseIP(serverAddr), Port: 67}, next: rand.IntN(1 << 30), serial: rand.Uint32() >> 8, start: time.Now()} //nolint:gosec // no secret
	return g.drive(ctx, g.start.Add(d))
}

func (g *generator) drive(ctx context.Context, end time.Time) (result, error) {
	messages := make([]ipv4.Message, 64)
	for i := range messages {
		messages[i].Buffers = [][]byte{make([]byte, 1500)}
	}
	for {
		now := time.Now()
		busy := g.move(now, now.Before(end))
		if err := g.flush(); err != nil {
			return g.result, err
		}
		if ctx.Err() != nil {
			return g.result, ctx.Err()
		}
		if !busy && !now.Before(end) || !busy && g.most > 0 && g.begun >= g.most {
			g.result.elapsed = min(now.Sub(g.start), max(end.Sub(g.start), time.Millisecond))
			return g.result, nil
		}
		wait := 20 * time.Millisecond
		if g.rate > 0 {
			wait = time.Millisecond
		}
		if err := g.conn.SetReadDeadline(now.Add(wait)); err != nil {
			return g.result, err
		}
		n, err := g.batch.ReadBatch(messages, 0)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !isRefused(err) {
			return g.result, err
		}
		now = time.Now()
		for _, m := range messages[:max(n, 0)] {
			if err := g.receive(m.Buffers[0][:m.N], now, now.Before(end)); err != nil {
				return g.result, err
			}
		}
	}
}

// isRefused tells of an ICMP message: nobody listens yet.
func isRefused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// move begins exchanges where there is room, and gives up what waits too long. It tells whether any is under way.
func (g *generator) move(now time.Time, more bool) (busy bool) {
	for i := range g.clients {
		c := &g.clients[i]
		if c.state != 0 && now.Sub(c.sent) > g.patience {
			c.state = 0
			g.result.lost++
		}
		if c.state == 0 && more && g.due(now) {
			g.begin(i, now)
		}
		busy = busy || c.state != 0
	}
	return busy
}

func (g *generator) due(now time.Time) bool {
	if g.most > 0 && g.begun >= g.most {
		return false
	}
	return g.rate == 0 || float64(g.begun) < now.Sub(g.start).Seconds()*float64(g.rate)
}

func (g *generator) begin(i int, now time.Time) {
	c := &g.clients[i]
	g.begun++
	g.serial++
	if g.known {
		c.mac, c.want = knownHost(g.next % knownHosts)
		if g.anyAddr {
			c.want = netip.Addr{}
		}
	} else {
		c.mac, c.want = [6]byte{2, 0, byte(g.next >> 24), byte(g.next >> 16), byte(g.next >> 8), byte(g.next)}, netip.Addr{}
	}
	g.next++
	c.begun, c.serial = now, g.serial
	g.say(i, now, discovered, nil)
}

// say sends a message of a client; offer is what it answers to.
func (g *generator) say(i int, now time.Time, kind byte, offer []byte) {
	c := &g.clients[i]
	b := c.packet
	if b == nil {
		b = make([]byte, 512)
	}
	clear(b)
	b[0], b[1], b[2], b[3] = 1, 1, 6, 1
	binary.BigEndian.PutUint32(b[4:], c.serial<<8|uint32(i)) //nolint:gosec // fewer than slots
	copy(b[24:], net.ParseIP(clientAddr).To4())
	copy(b[28:], c.mac[:])
	copy(b[236:], []byte{99, 130, 83, 99, 53, 1, kind, 57, 2, 5, 192, 93, 2, 0, 7, 94, 3, 1, 3, 16,
		55, 12, 1, 2, 3, 6, 12, 15, 43, 54, 60, 66, 67, 97, 60, 32})
	at := 236 + 36
	at += copy(b[at:], "PXEClient:Arch:00007:UNDI:003016")
	at += copy(b[at:], []byte{97, 17, 0})
	at += 10 + copy(b[at+10:], c.mac[:])
	if kind == requested {
		at += copy(b[at:], []byte{50, 4})
		at += copy(b[at:], offer[16:20])
		at += copy(b[at:], []byte{54, 4})
		at += copy(b[at:], option(offer, 54))
	}
	b[at] = 255
	c.packet, c.sent, c.state = b, now, kind+1
	if kind == requested {
		c.state = acked
	}
	g.out = append(g.out, ipv4.Message{Buffers: [][]byte{b[:at+1]}, Addr: g.server})
}

func (g *generator) flush() error {
	for len(g.out) > 0 {
		n, err := g.batch.WriteBatch(g.out, 0)
		if err != nil && !isRefused(err) {
			return err
		}
		g.out = g.out[max(n, 1):]
	}
	g.out = g.out[:0]
	return nil
}

func (g *generator) receive(b []byte, now time.Time, more bool) error {
	if len(b) < 240 || b[0] != 2 {
		return fmt.Errorf("an answer of %d octets is no reply", len(b))
	}
	id := binary.BigEndian.Uint32(b[4:])
	i := int(id % slots)
	kind := option(b, 53)
	if i >= len(g.clients) || g.clients[i].serial<<8 != id&^(slots-1) || len(kind) != 1 {
		return nil // too late
	}
	c := &g.clients[i]
	if kind[0] == refused { // dnsmasq offers one address to two clients at a time, and says so to the second
		c.state = 0
		g.result.lost++
		return nil
	}
	if c.state != kind[0] {
		return nil // twice
	}
	addr := netip.AddrFrom4([4]byte(b[16:20]))
	if [6]byte(b[28:34]) != c.mac || addr.IsUnspecified() || c.want.IsValid() && addr != c.want {
		return fmt.Errorf("%x was given %s, it should be %s", c.mac, addr, c.want)
	}
	if err := complete(b); err != nil {
		return fmt.Errorf("the answer to %x: %w", c.mac, err)
	}
	if kind[0] == offered {
		g.say(i, now, requested, b)
		return nil
	}
	if !c.want.IsValid() {
		if other, ok := g.given[addr]; ok && other != c.mac {
			return fmt.Errorf("%s was given to %x and to %x", addr, other, c.mac)
		}
		g.given[addr] = c.mac
	}
	c.state = 0
	g.result.times = append(g.result.times, now.Sub(c.begun))
	g.result.done++
	if more && g.due(now) {
		g.begin(i, now)
	}
	return nil
}

// complete tells what an OFFER or ACK lacks that each client needs.
func complete(b []byte) error {
	if id := option(b, 54); !bytes.Equal(id, net.ParseIP(serverAddr).To4()) {
		return fmt.Errorf("its server identifier is %v", id)
	}
	if t := option(b, 51); len(t) != 4 || binary.BigEndian.Uint32(t) == 0 {
		return fmt.Errorf("its lease time is %v", t)
	}
	if m := option(b, 1); !bytes.Equal(m, net.ParseIP(dhcpMask).To4()) {
		return fmt.Errorf("its subnet mask is %v", m)
	}
	return nil
}

// option finds an option's value.
func option(b []byte, code byte) []byte {
	for i := 240; i+1 < len(b) && b[i] != 255; {
		if b[i] == 0 {
			i++
			continue
		}
		end := i + 2 + int(b[i+1])
		if end > len(b) {
			return nil
		}
		if b[i] == code {
			return b[i+2 : end]
		}
		i = end
	}
	return nil
}
