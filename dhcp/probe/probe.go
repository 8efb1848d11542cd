package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// Options are how to probe.
type Options struct {
	Iface string
	// Relay makes the questions those of a relay with this address (giaddr), which must be the interface's own
	// for the answers to arrive; zero: ask directly.
	Relay netip.Addr
	Wait  time.Duration // for answers; default 5 s, of which some servers need 3 to look whether an address is free
	// Allowed are the addresses of the servers that are meant to be there.
	Allowed []netip.Addr
}

// ErrInterface says that the interface cannot be probed on.
var ErrInterface = errors.New("interface cannot be probed")

// Run asks and collects until the time is over, or ctx ends. It needs CAP_NET_RAW.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Wait <= 0 {
		o.Wait = 5 * time.Second
	}
	l, err := open(o.Iface)
	if err != nil {
		return Report{}, err
	}
	defer l.close()
	if o.Relay.IsValid() && !l.owns(o.Relay) {
		return Report{}, fmt.Errorf("%w: %s has no address %s, so that answers to a relay there would not arrive", ErrInterface, o.Iface, o.Relay)
	}
	p := &run{opt: o, link: l, asked: map[uint32]*question{}}
	return p.run(ctx)
}

// run is one probe.
type run struct {
	opt     Options
	link    *link
	asked   map[uint32]*question
	answers []Answer
	frames  []Frame
}

// question is one client that was asked as.
type question struct {
	client Client
	frame  []byte
	to     netip.Addr // of port 4011; zero: broadcast
}

func (r *run) run(ctx context.Context) (Report, error) {
	begun := time.Now()
	end := begun.Add(r.opt.Wait)
	for _, c := range Clients() {
		r.prepare(c)
	}
	if err := r.ask(); err != nil {
		return Report{}, err
	}
	again := begun.Add(r.opt.Wait / 2) // one packet may be lost
	for ctx.Err() == nil && time.Now().Before(end) {
		until := end
		if !again.IsZero() && again.Before(end) {
			until = again
		}
		frame, err := r.link.read(until)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if again.IsZero() {
				continue
			}
			again = time.Time{}
			if err := r.ask(); err != nil {
				return Report{}, err
			}
		case err != nil:
			return Report{}, fmt.Errorf("reading answers on %s: %w", r.opt.Iface, err)
		default:
			r.hear(frame)
		}
	}
	return report(r.opt, begun, r.answers, r.frames), ctx.Err()
}

// prepare makes the question of one client.
func (r *run) prepare(c Client) {
	xid := newXID()
	src, port := netip.IPv4Unspecified(), uint16(68)
	if r.opt.Relay.IsValid() {
		src, port = r.opt.Relay, 67
	}
	r.asked[xid] = &question{client: c, frame: datagram{
		from: r.link.mac, to: broadcastMAC, src: netip.AddrPortFrom(src, port), dst: netip.AddrPortFrom(broadcastIP, 67),
		payload: discover(c, xid, r.link.mac, r.opt.Relay),
	}.frame()}
}

func newXID() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.BigEndian.Uint32(b[:])
}

// ask sends all questions that are answered by anybody.
func (r *run) ask() error {
	for _, q := range r.asked {
		if q.to.IsValid() {
			continue
		}
		if err := r.send(q.frame); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) send(frame []byte) error {
	if err := r.link.write(frame); err != nil {
		return fmt.Errorf("asking on %s: %w", r.opt.Iface, err)
	}
	r.frames = append(r.frames, Frame{Time: time.Now(), Data: frame})
	return nil
}

// hear takes a frame in when it answers one of the questions.
func (r *run) hear(frame []byte) {
	d, ok := parse(frame)
	if !ok || d.dst.Port() != 68 && d.dst.Port() != 67 && d.dst.Port() != bootPort {
		return
	}
	p, err := readReply(d.payload)
	if err != nil {
		return
	}
	xid := binary.BigEndian.Uint32(p.TransactionID[:])
	q := r.asked[xid]
	if q == nil {
		return
	}
	a := newAnswer(q, d, p, frame)
	r.frames = append(r.frames, Frame{Time: a.Time, Data: frame})
	for _, old := range r.answers {
		if old.same(a) {
			return
		}
	}
	r.answers = append(r.answers, a)
	r.askBootService(q, a)
}

// askBootService asks an answerer on port 4011, as firmware does (PXE 2.1 section 2.2.4).
func (r *run) askBootService(q *question, a Answer) {
	if a.Port == bootPort || q.client.Arch == nil || q.client.HTTP || !r.link.addr.IsValid() || r.opt.Relay.IsValid() {
		return
	}
	for _, old := range r.asked {
		if old.to == a.IP && old.client.Name == q.client.Name {
			return
		}
	}
	mac, err := net.ParseMAC(a.MAC)
	if err != nil {
		return
	}
	xid := newXID()
	ask := &question{client: q.client, to: a.IP, frame: datagram{
		from: r.link.mac, to: [6]byte(mac), src: netip.AddrPortFrom(r.link.addr, 68), dst: netip.AddrPortFrom(a.IP, bootPort),
		payload: bootRequest(q.client, xid, r.link.mac, r.link.addr),
	}.frame()}
	if r.send(ask.frame) == nil {
		r.asked[xid] = ask
	}
}
