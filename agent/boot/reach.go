package boot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// nameWait is for a name server to answer.
const nameWait = 10 * time.Second

func hostOf(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// familyOf is the IP version of an address, 0 for a name. No server at all is one of IPv4: so is most of the world.
func familyOf(host string) int {
	a, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && a.Unmap().Is4():
		return 4
	case err == nil:
		return 6
	default:
		return 0
	}
}

// either asks for an IPv4 and an IPv6 address at once, since which one reaches a server that has a name is known only
// when the name can be looked up. It returns as soon as there is one that does; the other one is set when it comes.
func either(ctx context.Context, host string, names *resolver, four, six func(context.Context) (string, error)) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	reached := false
	defer func() {
		if !reached { // else the leases are renewed under ctx
			cancel()
		}
	}()
	type answer struct {
		family  int
		address string
		err     error
	}
	answers := make(chan answer, 2)
	go func() { a, err := four(ctx); answers <- answer{4, a, err} }()
	go func() { a, err := six(ctx); answers <- answer{6, a, err} }()
	var have []int
	var errs []error
	for range 2 {
		a := <-answers
		if a.err != nil {
			errs = append(errs, a.err)
			continue
		}
		have = append(have, a.family)
		if err := names.reaches(ctx, host, have); err != nil {
			errs = append(errs, err)
			continue
		}
		reached = true
		return a.address, nil
	}
	return "", errors.Join(errs...)
}

// resolver is the name servers that were learned, of each family the newest.
type resolver struct {
	file string // that names them to the rest of the process

	mu        sync.Mutex
	four, six []net.IP
}

// learn takes name servers from a lease.
func (r *resolver) learn(family int, servers []net.IP) {
	r.mu.Lock()
	defer r.mu.Unlock()
	servers = slices.Clone(servers[:min(len(servers), 3)])
	if family == 4 {
		r.four = servers
	} else {
		r.six = servers
	}
	var b strings.Builder
	for _, s := range slices.Concat(r.four, r.six) {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	// Who reads it meanwhile finds the old one or the new one. Without the file the server is reached by address.
	if os.MkdirAll(filepath.Dir(r.file), 0o755) == nil && os.WriteFile(r.file+".new", []byte(b.String()), 0o644) == nil {
		_ = os.Rename(r.file+".new", r.file)
	}
}

func (r *resolver) servers() []net.IP {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.four, r.six)
}

// reaches looks a server's name up, and tells whether it has an address of a family that we have one of.
func (r *resolver) reaches(ctx context.Context, host string, families []int) error {
	servers := r.servers()
	if len(servers) == 0 {
		return fmt.Errorf("looking up the server %s: DHCP names no name server; set dns in the subnet, or agent.url to an address", host)
	}
	ctx, cancel := context.WithTimeout(ctx, nameWait)
	defer cancel()
	var next atomic.Uint32
	own := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		// Not those of the file, which this process reads again no sooner than after 5 s.
		s := servers[int(next.Add(1)-1)%len(servers)]
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(s.String(), "53"))
	}}
	addrs, err := own.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return fmt.Errorf("looking up the server %s: %w", host, err)
	}
	for _, a := range addrs {
		if slices.Contains(families, familyOf(a.Unmap().String())) {
			return nil
		}
	}
	return fmt.Errorf("the server %s has no address but %s, and none of that kind was given to this machine: give the name one of the other kind, or the network an answer by DHCP for this one", host, addrs)
}
