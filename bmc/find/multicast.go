package find

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
)

// Service is a Redfish service that told of itself.
type Service struct {
	At   netip.AddrPort // of who told: nobody speaks for others
	UUID string         // of the service, lower case; empty when it did not say
	By   string         // "ssdp" or "mdns"
}

// mostServices is how many services one question may bring: more are not listened to.
const mostServices = 4096

// question is one way to ask everybody on a network.
type question struct {
	by     string
	group  netip.AddrPort
	ttl    int
	packet []byte
	// answer reads what somebody says; the port is where its service is.
	answer func(b []byte) (port uint16, uuid string, ok bool)
}

// Ask asks everybody on a network, by SSDP and by mDNS as wanted, for Redfish services, and calls found for each that
// answers, once. It sends each question Rounds times, and listens AskWait after each; nothing is sent to anybody else.
// iface is an interface's name; empty: all that are up and can multicast, but the loopback.
func Ask(ctx context.Context, iface string, ssdp, mdns bool, o Options, found func(Service)) error {
	o = o.withDefaults()
	from, err := sources(iface)
	if err != nil {
		return err
	}
	var questions []question
	if ssdp {
		questions = append(questions, ssdpQuestion)
	}
	if mdns {
		q, err := mdnsQuestion()
		if err != nil {
			return err
		}
		questions = append(questions, q)
	}
	seen := map[netip.AddrPort]bool{}
	answers, failures := make(chan Service), make(chan error)
	n := 0
	for _, src := range from {
		for _, q := range questions {
			n++
			go func() { failures <- o.ask(ctx, src, q, answers) }() // ends after its rounds, or with ctx
		}
	}
	for n > 0 {
		select {
		case s := <-answers:
			if !seen[s.At] && len(seen) < mostServices {
				seen[s.At] = true
				found(s)
			}
		case one := <-failures:
			n--
			err = errors.Join(err, one)
		}
	}
	return err
}

// source is where questions go out: an interface, by an address of its own, so that those of that network can answer.
type source struct {
	iface net.Interface
	addr  netip.Addr
}

// sources are one for each IPv4 network of an interface, or of all that can multicast.
func sources(name string) ([]source, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the interfaces: %w", err)
	}
	const wanted = net.FlagUp | net.FlagMulticast
	var from []source
	for _, f := range all {
		if name != "" && f.Name != name || name == "" && (f.Flags&wanted != wanted || f.Flags&net.FlagLoopback != 0) {
			continue
		}
		addrs, err := f.Addrs()
		if err != nil {
			return nil, fmt.Errorf("listing the addresses of %s: %w", f.Name, err)
		}
		networks := map[netip.Prefix]bool{}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil || !p.Addr().Is4() || networks[p.Masked()] {
				continue
			}
			networks[p.Masked()] = true
			from = append(from, source{f, p.Addr()})
		}
	}
	if len(from) == 0 && name != "" {
		return nil, fmt.Errorf("there is no interface %q with an IPv4 address to ask on", name)
	}
	if len(from) == 0 {
		return nil, errors.New("no interface is up that has an IPv4 address and can multicast: name one")
	}
	return from, nil
}

// ask asks one question on one network, and passes on who answers.
func (o Options) ask(ctx context.Context, from source, q question, answers chan<- Service) error {
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", netip.AddrPortFrom(from.addr, 0).String())
	if err != nil {
		return fmt.Errorf("opening a socket for %s: %w", q.by, err)
	}
	done := make(chan struct{})
	go func() { // ends with the socket
		defer close(done)
		listen(ctx, conn.(*net.UDPConn), q, answers)
	}()
	defer func() { _ = conn.Close(); <-done }()
	p := ipv4.NewPacketConn(conn)
	if err := errors.Join(p.SetMulticastInterface(&from.iface), p.SetMulticastTTL(q.ttl)); err != nil {
		return fmt.Errorf("asking by %s on %s: %w", q.by, from.iface.Name, err)
	}
	for range o.Rounds {
		if _, err := conn.WriteTo(q.packet, net.UDPAddrFromAddrPort(q.group)); err != nil {
			return fmt.Errorf("asking by %s on %s: %w", q.by, from.iface.Name, err)
		}
		select {
		case <-time.After(o.AskWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// listen reads answers until the socket is closed.
func listen(ctx context.Context, conn *net.UDPConn, q question, answers chan<- Service) {
	b := make([]byte, 9000)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		port, uuid, ok := q.answer(b[:n])
		if !ok {
			continue
		}
		select {
		case answers <- Service{At: netip.AddrPortFrom(from.Addr().Unmap(), port), UUID: uuid, By: q.by}:
		case <-ctx.Done():
			return
		}
	}
}
