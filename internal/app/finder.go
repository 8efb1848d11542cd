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

	"golang.org/x/sync/errgroup"

	"socle/api"
	"socle/bmc"
	"socle/bmc/find"
	"socle/internal/secret"
	"socle/inventory"
)

// finder looks for controllers and says whose they are.
type finder struct {
	store interface {
		Machines(ctx context.Context) ([]inventory.Machine, error)
		Append(ctx context.Context, e inventory.Event) error
	}
	driver *bmc.Driver
	bounds find.Options
}

// scanLogins is how many controllers are logged into at a time.
const scanLogins = 16

// Scan implements web.Finder.
func (f *finder) Scan(ctx context.Context, actor string, r api.ScanRequest) (func(context.Context, func(api.Controller)) (int, error), error) {
	addrs, err := find.Addresses(r.Addresses)
	if err != nil {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, err.Error())
	}
	if (r.User == "") != (r.Password == "") {
		return nil, api.NewProblem(http.StatusUnprocessableEntity, api.ErrInvalid, "a user without a password, or a password without a user: give both or neither")
	}
	machines, err := f.store.Machines(ctx)
	if err != nil {
		return nil, err
	}
	reason := fmt.Sprintf("looks for BMCs at %d addresses: %s", len(addrs), r.Addresses)
	if r.User != "" {
		reason += ", with logins as " + r.User
	}
	if err := f.store.Append(ctx, inventory.Event{Time: time.Now(), Actor: actor, Kind: "bmc", Reason: reason}); err != nil {
		return nil, err
	}
	known := index(machines)
	return func(ctx context.Context, each func(api.Controller)) (int, error) {
		var mu sync.Mutex
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(scanLogins)
		err := find.Scan(ctx, addrs, f.bounds, func(at find.Found) {
			c := shown(at)
			if c.Machine = known.byAddress[at.Addr.String()]; c.Machine != "" {
				c.MatchedBy = "address"
			}
			g.Go(func() error {
				if r.User != "" {
					f.ask(ctx, &c, r, known)
				}
				mu.Lock()
				defer mu.Unlock()
				each(c)
				return nil
			})
		})
		_ = g.Wait() // none fails
		return len(addrs), err
	}, nil
}

func shown(at find.Found) api.Controller {
	c := api.Controller{Address: at.Addr.String(), IPMI: at.IPMI}
	if r := at.Redfish; r != nil {
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
type byWhat struct{ byAddress, bySerial, byMAC map[string]string }

func index(machines []inventory.Machine) byWhat {
	x := byWhat{map[string]string{}, map[string]string{}, map[string]string{}}
	for _, m := range machines {
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
