package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"socle/api"
	"socle/bmc"
	"socle/bmc/find"
	"socle/internal/crowd"
	"socle/internal/secret"
	"socle/inventory"
)

// finder looks for controllers and says whose they are.
type finder struct {
	store interface {
		Roster(ctx context.Context) ([]inventory.Machine, error) // by name, without facts
		Leases(ctx context.Context) ([]inventory.Lease, error)
		Append(ctx context.Context, e inventory.Event) error
	}
	driver *bmc.Driver
	bounds find.Options
}

// How many controllers are logged into at a time; slow ones give their places on (package crowd).
const (
	scanLogins = 16
	scanMost   = 256
	scanSlow   = 2 * time.Second
)

// Scan implements web.Finder.
func (f *finder) Scan(ctx context.Context, actor string, r api.ScanRequest) (func(context.Context, func(api.Controller)) (int, error), error) {
	if (r.User == "") != (r.Password == "") {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "a user without a password, or a password without a user: give both or neither")
	}
	machines, err := f.store.Roster(ctx)
	if err != nil {
		return nil, err
	}
	where, err := f.targets(ctx, r, machines)
	if err != nil {
		return nil, err
	}
	if err := f.store.Append(ctx, inventory.Event{Time: time.Now(), Actor: actor, Kind: "bmc", Reason: scanReason(r, len(where.addrs))}); err != nil {
		return nil, err
	}
	known := index(machines)
	return func(ctx context.Context, each func(api.Controller)) (int, error) {
		bounds, err := f.callOut(ctx, r, where)
		if err != nil {
			return 0, err
		}
		var mu sync.Mutex
		var all sync.WaitGroup
		lane := crowd.New(scanLogins, scanMost, scanSlow)
		err = find.Scan(ctx, where.addrs, bounds, func(at find.Found) {
			c := shown(at)
			c.FoundBy = where.by[at.Addr]
			if c.Machine = known.byAddress[at.Addr.String()]; c.Machine != "" {
				c.MatchedBy = "address"
			} else if c.Machine = known.byMAC[where.macs[at.Addr]]; c.Machine != "" {
				c.MatchedBy = "mac"
			}
			all.Go(func() {
				if r.User != "" {
					leave, err := lane.Enter(ctx)
					if err != nil {
						return
					}
					defer leave()
					f.ask(ctx, &c, r, known)
				}
				mu.Lock()
				defer mu.Unlock()
				each(c)
			})
		})
		all.Wait()
		return len(where.addrs), err
	}, nil
}

// targets are the addresses to look at, and what led there; nothing if somebody named them.
type targets struct {
	addrs []netip.Addr
	by    map[netip.Addr]string
	macs  map[netip.Addr]string // of leases
}

// add adds an address that nobody named.
func (p *targets) add(a netip.Addr, by string) {
	if _, has := p.by[a]; has || len(p.addrs) >= find.MaxAddresses {
		return
	}
	p.addrs = append(p.addrs, a)
	p.by[a] = by
}

// targets are the addresses that a request names, and those of leases.
func (f *finder) targets(ctx context.Context, r api.ScanRequest, machines []inventory.Machine) (*targets, error) {
	p := &targets{by: map[netip.Addr]string{}, macs: map[netip.Addr]string{}}
	var err error
	if r.Addresses != "" || !r.Leases && !r.SSDP && !r.MDNS {
		if p.addrs, err = find.Addresses(r.Addresses); err != nil {
			return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
		}
		for _, a := range p.addrs {
			p.by[a] = ""
		}
	}
	if !r.Leases {
		return p, nil
	}
	leases, err := f.store.Leases(ctx)
	if err != nil {
		return nil, err
	}
	cards := map[string]bool{} // of known servers: what has their leases is no controller
	for _, m := range machines {
		for _, mac := range m.Identity.NICMACs {
			cards[mac] = true
		}
	}
	for _, l := range leases {
		if !cards[l.MAC] && l.Expires.After(time.Now()) {
			p.add(l.Addr, "lease")
			p.macs[l.Addr] = l.MAC
		}
	}
	return p, nil
}

// callOut asks everybody on the networks, if that is wanted, and adds who answers.
func (f *finder) callOut(ctx context.Context, r api.ScanRequest, p *targets) (find.Options, error) {
	bounds := f.bounds
	if !r.SSDP && !r.MDNS {
		return bounds, nil
	}
	bounds.Ports = map[netip.Addr]uint16{}
	err := find.Ask(ctx, r.Interface, r.SSDP, r.MDNS, f.bounds, func(s find.Service) {
		bounds.Ports[s.At.Addr()] = s.At.Port()
		p.add(s.At.Addr(), s.By)
	})
	if err != nil && ctx.Err() == nil {
		err = api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	}
	return bounds, err
}

// scanReason says in the history where somebody looks.
func scanReason(r api.ScanRequest, addresses int) string {
	reason := fmt.Sprintf("looks for BMCs at %d addresses: %s", addresses, r.Addresses)
	for _, also := range []struct {
		does bool
		what string
	}{{r.Leases, "leases"}, {r.SSDP, "SSDP"}, {r.MDNS, "mDNS"}} {
		if also.does {
			reason = strings.TrimSuffix(reason, ": ") + ", " + also.what
		}
	}
	if r.User != "" {
		reason += ", with logins as " + r.User
	}
	return reason
}

func shown(at find.Found) api.Controller {
	c := api.Controller{Address: at.Addr.String(), IPMI: at.IPMI}
	if r := at.Redfish; r != nil {
		if at.Port != find.RedfishPort {
			c.Address = netip.AddrPortFrom(at.Addr, at.Port).String()
		}
		c.Redfish, c.Vendor, c.Model, c.Fingerprint = r.Version, r.Vendor, r.Product, r.Fingerprint
		if c.Redfish == "" {
			c.Redfish = "1"
		}
	}
	return c
}

// ask logs in and asks whose the controller is.
func (f *finder) ask(ctx context.Context, c *api.Controller, r api.ScanRequest, known byWhat) {
	t := bmc.Target{Machine: c.Address, Protocol: inventory.IPMI, Address: c.Address, User: r.User, Password: secret.New(r.Password)}
	if c.Redfish != "" {
		t.Protocol = inventory.Redfish
		t.Trust.Certificates = []string{c.Fingerprint}
	}
	// Where a BMC of ours should be, only that one gets the password; anywhere else it is who answered the scan.
	if had := known.trust[c.Machine]; len(had.Certificates()) > 0 || had.Signed {
		t.Trust = bmc.Trust{Certificates: had.Certificates(), Signed: had.Signed}
	}
	i, err := f.driver.Probe(ctx, t)
	if err != nil {
		c.Problem = err.Error()
		return
	}
	c.Vendor, c.Model, c.Serial, c.Firmware = i.Vendor, i.Model, i.Serial, i.Firmware
	for _, k := range []struct{ by, machine string }{{"serial", known.bySerial[strings.ToLower(i.Serial)]}, {"mac", known.byMAC[i.MAC]}} {
		if k.machine != "" { // what it says itself counts for more than where it is
			c.Machine, c.MatchedBy = k.machine, k.by
			return
		}
	}
}

// byWhat are the names of machines by what a controller may be known by.
type byWhat struct {
	byAddress, bySerial, byMAC map[string]string

	trust map[string]inventory.Trust // by name
}

func index(machines []inventory.Machine) byWhat {
	x := byWhat{map[string]string{}, map[string]string{}, map[string]string{}, map[string]inventory.Trust{}}
	for _, m := range machines {
		x.trust[m.Name] = m.BMC.Trust
		host := m.BMC.Address
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			x.byAddress[a.String()] = m.Name
		}
		if s := strings.ToLower(m.Serial()); s != "" {
			x.bySerial[s] = m.Name
		}
		for _, mac := range []string{inventory.NormalizeMAC(m.BMC.MAC), m.Identity.BMCMAC} {
			if mac != "" {
				x.byMAC[mac] = m.Name
			}
		}
	}
	return x
}
