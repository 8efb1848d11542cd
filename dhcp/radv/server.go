package radv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"socle/inventory"
)

// Options are what a server needs.
type Options struct {
	Subnets []inventory.Subnet6 // those with Advertise are told of, the others are not
	Log     *slog.Logger        // nil: silent
	// Recheck is how often a missing interface is looked for and a present one is compared (default 2 s).
	Recheck time.Duration
}

// Server sends router advertisements.
type Server struct {
	opt     Options
	subnets map[string][]inventory.Subnet6 // by interface
}

// New makes a server for the subnets that want advertisements; without any it has nothing to do.
func New(opt Options) *Server {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Recheck <= 0 {
		opt.Recheck = 2 * time.Second
	}
	s := &Server{opt: opt, subnets: map[string][]inventory.Subnet6{}}
	for _, n := range opt.Subnets {
		if n.Advertise {
			s.subnets[n.Interface] = append(s.subnets[n.Interface], n)
		}
	}
	return s
}

// Interfaces are those on which it advertises.
func (s *Server) Interfaces() []string {
	var names []string
	for name := range s.subnets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Serve advertises until ctx ends. Missing interfaces are waited for; without the right to open raw sockets it
// returns at once.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for name, subnets := range s.subnets {
		g.Go(func() error { return s.attend(ctx, name, subnets) })
	}
	g.Go(func() error { <-ctx.Done(); return nil }) // without interfaces it only waits
	return g.Wait()
}

// attend keeps an interface advertised: it opens the socket when the interface is there, and again when the
// interface was made anew.
func (s *Server) attend(ctx context.Context, name string, subnets []inventory.Subnet6) error {
	told := false
	for ctx.Err() == nil {
		l, err := open(ctx, name, subnets)
		if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
			return fmt.Errorf("opening a socket for router advertisements on %s: root, or CAP_NET_RAW, is needed: %w", name, err)
		}
		if err != nil {
			if !told {
				s.opt.Log.Warn("router advertisements wait for their interface", "interface", name, "err", err)
			}
			told = true
			sleep(ctx, s.opt.Recheck)
			continue
		}
		told = false
		s.opt.Log.Info("router advertisements are sent", "interface", name, "subnets", len(subnets))
		err = l.serve(ctx, s.opt.Recheck)
		_ = l.conn.Close()
		if ctx.Err() == nil {
			s.opt.Log.Warn("router advertisements open their socket again", "interface", name, "reason", err)
			sleep(ctx, s.opt.Recheck)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// link is one interface that is advertised on.
type link struct {
	conn    *ipv6.PacketConn
	ifc     *net.Interface
	subnets []inventory.Subnet6
	sent    int
	last    time.Time
}

// open makes the socket by hand: package net and ndp name the interface by a zone, which Go remembers for a minute,
// also when the interface was made anew under the same name.
func open(ctx context.Context, name string, subnets []inventory.Subnet6) (*link, error) {
	ifc, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("looking for interface %s: %w", name, err)
	}
	addrs, err := ifc.Addrs()
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", name, err)
	}
	if !slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast()
	}) {
		return nil, fmt.Errorf("interface %s has no link-local address: is it up, and IPv6 on?", name)
	}
	lc := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var opt error
		err := raw.Control(func(fd uintptr) { opt = unix.BindToDevice(int(fd), name) })
		return errors.Join(err, opt)
	}}
	conn, err := lc.ListenPacket(ctx, "ip6:ipv6-icmp", "::")
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", name, err)
	}
	l := &link{conn: ipv6.NewPacketConn(conn), ifc: ifc, subnets: subnets}
	var f ipv6.ICMPFilter
	f.SetAll(true)
	f.Accept(ipv6.ICMPTypeRouterSolicitation)
	err = errors.Join(l.conn.SetICMPFilter(&f), l.conn.SetControlMessage(ipv6.FlagHopLimit, true),
		l.conn.SetMulticastHopLimit(solicitationLimit), l.conn.SetChecksum(true, 2), l.conn.JoinGroup(ifc, &net.IPAddr{IP: allRouters}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the socket on %s: %w", name, err), conn.Close())
	}
	return l, nil
}

var errChanged = errors.New("the interface changed")

// serve sends an advertisement now, then unasked from time to time, and soon after each solicitation: the
// solicitations that come meanwhile are answered by the same one, since it goes to everybody.
func (l *link) serve(ctx context.Context, recheck time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	asked := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() { defer close(ended); cancel(l.listen(ctx, asked, recheck)) }()
	defer func() { cancel(nil); <-ended }()
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), context.Canceled) { // the process ends
				_ = l.send(true) // nobody is left to be told of a failure
			}
			return context.Cause(ctx)
		case <-asked:
			next.Reset(l.answerIn(time.Now(), rand.N(500*time.Millisecond)))
			continue
		case <-next.C:
		}
		if err := l.send(false); err != nil {
			return err
		}
		next.Reset(l.pause())
	}
}

// answerIn is when a solicitation is answered: after the delay that keeps routers from speaking all at once
// (RFC 4861 section 6.2.6), and never sooner after the last advertisement than minDelay.
func (l *link) answerIn(now time.Time, delay time.Duration) time.Duration {
	return max(delay, l.last.Add(minDelay).Sub(now))
}

// pause is how long to wait for the next advertisement that nobody asks for.
func (l *link) pause() time.Duration {
	d := minInterval + rand.N(maxInterval-minInterval)
	if l.sent < initialCount {
		d = min(d, initialInterval)
	}
	return d
}

func (l *link) send(last bool) error {
	l.last = time.Now()
	l.sent++
	b, err := ndp.MarshalMessage(advertisement(l.subnets, l.ifc.HardwareAddr, last))
	if err == nil {
		_, err = l.conn.WriteTo(b, &ipv6.ControlMessage{IfIndex: l.ifc.Index}, &net.IPAddr{IP: allNodes})
	}
	if err != nil {
		return fmt.Errorf("sending a router advertisement on %s: %w", l.ifc.Name, err)
	}
	return nil
}

// listen reports solicitations until the socket fails or the interface is another one.
func (l *link) listen(ctx context.Context, asked chan<- struct{}, recheck time.Duration) error {
	buf := make([]byte, 1500)
	for {
		if err := l.conn.SetReadDeadline(time.Now().Add(recheck)); err != nil {
			return err
		}
		if ctx.Err() != nil { // the deadline of the stop may just have been overwritten
			return context.Cause(ctx)
		}
		n, cm, from, err := l.conn.ReadFrom(buf)
		var t net.Error
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && errors.As(err, &t) && t.Timeout():
			if ifc, err := net.InterfaceByName(l.ifc.Name); err != nil || ifc.Index != l.ifc.Index {
				return errChanged
			}
			continue
		case err != nil:
			return fmt.Errorf("reading router solicitations: %w", err)
		}
		if !solicits(buf[:n], cm, from) {
			continue
		}
		select {
		case asked <- struct{}{}:
		default:
		}
	}
}

// solicits checks a router solicitation (RFC 4861 section 6.1.1). Its options are not read: the answer goes to
// all.
func solicits(b []byte, cm *ipv6.ControlMessage, src net.Addr) bool {
	addr, ok := src.(*net.IPAddr)
	if !ok {
		return false
	}
	return len(b) >= 8 && b[0] == byte(ipv6.ICMPTypeRouterSolicitation) && b[1] == 0 && cm != nil && cm.HopLimit == solicitationLimit &&
		(addr.IP.IsLinkLocalUnicast() || addr.IP.IsUnspecified())
}
