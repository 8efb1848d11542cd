package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"socle/dhcp"
	"socle/inventory"
	"socle/inventory/store"
)

// view is what DHCP knows of machines: a copy in memory, renewed when the inventory changes here and every
// few seconds for changes of other replicas. While the database is away the last copy stays.
type view struct {
	machines *store.Store
	log      *slog.Logger
	hosts    atomic.Pointer[known]
}

// known is one copy of the inventory.
type known struct {
	byMAC, byUUID map[string]dhcp.Host
	reserved      map[netip.Addr]string // address → a MAC of the active machine that has it
}

const viewEvery = 3 * time.Second

// Host implements dhcp.View.
func (v *view) Host(mac string) (dhcp.Host, bool) {
	h, ok := v.hosts.Load().byMAC[mac]
	return h, ok
}

// HostByUUID finds a machine of which no NIC is known yet, by its system UUID. Where boards were shipped with
// equal UUIDs, none of them is found.
func (v *view) HostByUUID(uuid string) (dhcp.Host, bool) {
	h, ok := v.hosts.Load().byUUID[uuid]
	return h, ok
}

// Reserved keeps the addresses of active machines, which others rely on, from being given to other ones.
func (v *view) Reserved(addr netip.Addr) (mac string, ok bool) {
	mac, ok = v.hosts.Load().reserved[addr]
	return mac, ok
}

func (v *view) refresh(ctx context.Context) error {
	machines, err := v.machines.Machines(ctx)
	if err != nil {
		return fmt.Errorf("reading the machines for DHCP: %w", err)
	}
	v.hosts.Store(newKnown(machines))
	return nil
}

func newKnown(machines []inventory.Machine) *known {
	k := &known{byMAC: make(map[string]dhcp.Host, len(machines)), byUUID: make(map[string]dhcp.Host, len(machines)), reserved: map[netip.Addr]string{}}
	twice := map[string]bool{}
	for _, m := range machines {
		if m.State == inventory.Retired {
			continue
		}
		h := dhcp.Host{Machine: m.ID, Name: m.Name, Stray: !m.InPlan, Boot: m.Boot}
		if m.State == inventory.Active && m.Address.Is4() && len(m.Identity.NICMACs) > 0 {
			h.Addr = m.Address
			k.reserved[m.Address] = m.Identity.NICMACs[0]
		}
		for _, mac := range m.Identity.NICMACs {
			k.byMAC[mac] = h
		}
		if u := m.Identity.UUID; u != "" {
			_, had := k.byUUID[u]
			twice[u] = twice[u] || had
			k.byUUID[u] = h
		}
	}
	for u, yes := range twice {
		if yes {
			delete(k.byUUID, u)
		}
	}
	return k
}

func (v *view) run(ctx context.Context) error {
	changes, cancel := v.machines.Subscribe()
	defer cancel()
	tick := time.NewTicker(viewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-tick.C:
		}
		if err := v.refresh(ctx); err != nil && ctx.Err() == nil {
			v.log.Warn("DHCP answers from the last copy of the inventory", "err", err)
		}
	}
}
